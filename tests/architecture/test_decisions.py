"""Decisions: each reference to one leads to a page and a heading that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "decisions"
PAGES = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.md"))}
KINDS = {".md", ".py", ".toml", ".yml", ".tsv", ""}
PLACES = ("src", "tests", "tools", "benchmarks", "docs", "reports", "perturbations", "configs")
REFERENCE = re.compile(r"decisions/(\w+)\.md(?:#([\w-]+))?")
NUMBER = re.compile(r"decisions?[ /-]*0\d{3}", re.IGNORECASE)


def _texts() -> dict[str, str]:
    """Every file that may refer to a decision, by its path."""
    beside = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in {".md", ".yml", ".toml"}]
    within = [
        path for folder in PLACES for path in (ROOT / folder).rglob("*") if path.suffix in KINDS and path.is_file()
    ]
    small = (path for path in (*beside, *within) if path.stat().st_size < 1_000_000 and path != Path(__file__))
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8", errors="replace") for path in small}


TEXTS = _texts()


def _headings(text: str) -> list[str]:
    return re.findall(r"^##+ (.+)$", text, re.MULTILINE)


def _anchor(heading: str) -> str:
    """The anchor of a heading, in MkDocs and on GitHub."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def test_every_reference_leads_to_a_decision() -> None:
    """Pages and headings that code and documents name are there, and decisions have no numbers."""
    named = [(path, *match) for path, text in TEXTS.items() for match in REFERENCE.findall(text)]
    assert len([path for path, *_ in named if path.startswith("src/")]) > 3
    anchors = {name: {_anchor(heading) for heading in _headings(text)} for name, text in PAGES.items()}
    lost = [each for each in named if each[1] not in PAGES or (each[2] and each[2] not in anchors[each[1]])]
    assert lost == []
    assert [path for path, text in TEXTS.items() if NUMBER.search(text)] == []


def test_links_between_decisions_lead_to_headings() -> None:
    """A link from one page of decisions to another, or within it, has a heading."""
    lost = []
    for name, text in PAGES.items():
        for page, anchor in re.findall(r"\]\((?:(\w+)\.md)?(?:#([\w-]+))?\)", text):
            target = PAGES.get(page or name, "")
            lost += [(name, page, anchor)] if anchor and anchor not in map(_anchor, _headings(target)) else []
    assert lost == []


def test_every_package_has_a_page_of_decisions() -> None:
    """The pages are those of the packages, one for the project, and the index."""
    package = ROOT / "src" / "robust_xtreme"
    packages = {path.name for path in package.iterdir() if (path / "__init__.py").is_file() and path.name[0] != "_"}
    assert set(PAGES) == packages | {"project", "index"}


def test_the_paths_that_decisions_name_exist() -> None:
    """Each path of the project that a decision names in backquotes is there."""
    folders = (ROOT, ROOT / "src" / "robust_xtreme")
    paths = [(name, path) for name, text in PAGES.items() for path in re.findall(r"`(\w[\w/]*/[\w./]+\.\w+)`", text)]
    assert len(paths) > 20
    assert [each for each in paths if not any((folder / each[1]).exists() for folder in folders)] == []

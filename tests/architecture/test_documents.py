"""Documents are true: what they name exists, and what exists they name."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from robust_xtreme.cli._app import build, command_names

ROOT = Path(__file__).parents[2]
MANUAL = tuple(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("how-to/*.md")))
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/tutorial.md", "docs/scale.md", *MANUAL)
TOP: Final = frozenset(
    {".ci", ".github", ".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE"}
    | {"Makefile", "README.md", "SECURITY.md", "action.yml", "benchmarks", "configs", "docs", "locks", "mkdocs.yml"}
    | {"noxfile.py", "perturbations", "pyproject.toml", "reports", "src", "tests", "tools"}
)
"""What the top folder of the project has. A further name needs a reason in CONTRIBUTING.md."""
OPTION = re.compile(r"(?<!\S)--[a-z-]+")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_names_exists(document: str) -> None:
    """Each path of the project that a document names in backquotes is there."""
    quoted = re.findall(r"`([\w./-]+)`", (ROOT / document).read_text("utf-8"))
    paths = [path for path in quoted if "/" in path and not path.startswith("~") and path.upper() != path]
    folders = [ROOT, ROOT / "src" / "robust_xtreme"]
    known = [path for path in paths if not any(word in path for word in ("NAME", "CODE"))]
    assert [path for path in known if not any((folder / path).exists() for folder in folders)] == []


def test_links_in_documents_lead_to_files() -> None:
    """Each link to a file leads somewhere."""
    texts = [ROOT / document for document in DOCUMENTS] + sorted((ROOT / "docs").rglob("*.md"))
    links = [(path, link) for path in texts for link in _linked(path.read_text("utf-8"))]
    assert len(links) > 100
    assert [
        (path.name, link) for path, link in links if not any((at / link).exists() for at in (path.parent, ROOT))
    ] == []


def _linked(text: str) -> list[str]:
    """What links lead to, without anchors."""
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    return [link for link in links if link]


def test_the_architecture_names_every_part() -> None:
    """Each module and folder of the package, and each folder of the project, is in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    package = ROOT / "src" / "robust_xtreme"
    parts = [path.name for path in package.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))]
    public = [part for part in parts if not part.startswith("_")]
    assert [part for part in public if f"src/robust_xtreme/{part}" not in text] == []


def test_the_architecture_has_the_order_of_imports() -> None:
    """The order in ARCHITECTURE.md, and that of its table, are the layers that `lint-imports` checks."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [layer for layer in contracts[0]["layers"] if layer != "__main__"]
    stated = text.partition("in the order of the table above: ")[2].partition(". ")[0]
    assert re.findall(r"`(\w+)`", stated) == layers
    assert [
        part for part in re.findall(r"^\| `src/robust_xtreme/(\w+)", text, re.MULTILINE) if part in layers
    ] == layers


@pytest.mark.process
def test_the_top_folder_has_only_what_it_may_have() -> None:
    """Files and folders of the top folder are on a list, so that nothing that is made once remains there."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode or not listed.stdout:
        pytest.skip("this is not a checkout")
    assert {line.partition("/")[0] for line in listed.stdout.splitlines()} <= TOP


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_documents_have_their_options(document: str) -> None:
    """Each option that a document shows with a command is an option of that command."""
    text = (ROOT / document).read_text("utf-8").replace("\\\n", " ")
    commands = get_command(build()).commands  # type: ignore[attr-defined]  # a program with commands is a group
    shown = [
        (name, option) for name, rest in re.findall(r"robust-xtreme (\w+)(.*)", text) for option in OPTION.findall(rest)
    ]
    known = {name: {option for param in command.params for option in param.opts} for name, command in commands.items()}
    assert [(name, option) for name, option in shown if option not in known[name]] == []


def test_the_manual_shows_every_command() -> None:
    """Each command of the program is used in the README, the tutorial, or a page that says how something is done."""
    pages = (*DOCUMENTS, "docs/gate.md", "docs/training.md", "docs/language-models.md")
    text = "".join((ROOT / document).read_text("utf-8") for document in pages)
    assert [name for name in command_names() if f"robust-xtreme {name}" not in text] == []


def test_the_slow_modules_exist() -> None:
    """Each unit test module that `make check` leaves out is there: a renamed module is renamed in the list too."""
    listed = re.findall(r'^        "(test_\w+)",$', (ROOT / "tests/unit/conftest.py").read_text("utf-8"), re.MULTILINE)
    assert len(listed) > 10
    assert sorted(set(listed) - {path.stem for path in (ROOT / "tests/unit").rglob("test_*.py")}) == []


def test_unit_tests_are_in_the_folder_of_a_package() -> None:
    """`tests/unit` has a folder for each package of `src`, and those of benchmarks and tools."""
    packages = {path.name for path in (ROOT / "src/robust_xtreme").iterdir() if (path / "__init__.py").is_file()}
    tested = {path.parent.name for path in (ROOT / "tests/unit").rglob("test_*.py")}
    assert tested - packages == {"benchmarks", "tools"}
    assert packages - tested == set()

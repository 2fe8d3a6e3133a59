"""Every committed page of a run is rendered again from the files beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools import language_pages

from robust_xtreme.files import store
from robust_xtreme.report.document import render, results_of
from robust_xtreme.report.outputs import written as written_page

REPORTS = Path(__file__).parents[2] / "reports"
RUNS = sorted(page.parent for page in REPORTS.glob("*/manifest.json"))


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_a_committed_page_is_what_its_files_say(folder: Path, request: pytest.FixtureRequest) -> None:
    """report.md has the bytes that scores.csv, deltas.csv and manifest.json give; --rewrite-goldens writes it again."""
    page = render(folder).encode()
    if request.config.getoption("--rewrite-goldens"):
        (folder / "report.md").write_bytes(page)
    assert page == (folder / "report.md").read_bytes(), "The page is out of date. Run: pytest --rewrite-goldens"


def test_the_committed_pages_of_languages_are_what_the_files_of_the_run_say() -> None:
    """`python -m tools.language_pages reports/NAME` writes them again."""
    folders = sorted(REPORTS.glob("*/languages"))
    assert folders
    for folder in folders:
        written = {path.stem: path.read_text("utf-8") for path in folder.glob("*.md")}
        assert dict(language_pages.pages(results_of(folder.parent))) == written


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_a_committed_page_for_the_browser_is_what_its_files_say(folder: Path) -> None:
    """report.html has the bytes that the frames and the manifest give, and less than 1 MB."""
    page = (folder / "report.html").read_bytes()
    assert written_page(results_of(folder), ".html") == page
    assert len(page) < 1_000_000


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_a_committed_page_is_made_of_the_files_of_its_run(folder: Path) -> None:
    """The frames beside a page are those that the run wrote, by their sha256, and its commands are named."""
    manifest = store.read_json(folder / "manifest.json")
    assert {"scores.csv", "deltas.csv"} <= set(manifest["files"])
    assert {name: store.sha256(folder / name) for name in manifest["files"]} == manifest["files"]
    assert manifest["complete"]
    assert any("robust-xtreme eval" in command for command in manifest["commands"])

"""Every generated page is that of its inputs: by hashes in each run, whole in the long tests."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tools.generated import PAGES, RECORD, ROOT, Page, main, recorded

PATHS = [page.path for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=PATHS)
def test_a_page_is_not_older_than_its_inputs(page: Page, request: pytest.FixtureRequest) -> None:
    """The hashes of its inputs and of its bytes are those recorded when it was written."""
    if page.released:
        request.getfixturevalue("data")  # without the release files it cannot be written
    hint = f"{page.path} is stale, or was edited by hand. Run: make generated"
    assert page.facts() == recorded().get(page.path), hint


def test_the_record_names_every_page_once() -> None:
    """Nothing is recorded but the pages, in their order."""
    assert list(json.loads(RECORD.read_text(encoding="utf-8"))) == PATHS
    assert len(set(PATHS)) == len(PATHS)


def test_the_help_lists_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` names each page and writes nothing."""
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert set(PATHS) <= set(capsys.readouterr().out.split())


def test_chosen_pages_alone_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages that the command names are written; the record keeps the hashes of the others."""
    pages = [Page(name, ("input.txt",), name.upper) for name in ("a.md", "b.md")]
    for variable, value in {"ROOT": tmp_path, "RECORD": tmp_path / "generated.json", "PAGES": pages}.items():
        monkeypatch.setattr(f"tools.generated.{variable}", value)
    (tmp_path / "input.txt").write_text("content")
    main([])
    before = recorded()
    (tmp_path / "a.md").unlink()
    main(["b.md"])
    assert (recorded(), (tmp_path / "a.md").exists()) == (before, False)
    with pytest.raises(SystemExit, match="2"):
        main(["c.md"])


def test_a_change_of_an_input_or_of_the_page_is_seen(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another byte, another file, or another name of a file gives another hash; a missing input raises."""
    root = tmp_path_factory.mktemp("root")
    monkeypatch.setattr("tools.generated.ROOT", root)
    page = Page("page.md", ("a.txt", "more/*"), str)
    (root / "more").mkdir()
    for name in ("page.md", "a.txt", "more/b.txt"):
        (root / name).write_text("as it was")
    before = page.facts()
    for name, content in (("a.txt", "changed"), ("more/b.txt", "changed"), ("more/c.txt", "new")):
        (root / name).write_text(content)
        assert page.facts()["inputs"] != before["inputs"]
        assert page.facts()["page"] == before["page"]
        (root / name).write_text("as it was")
    (root / "more/c.txt").rename(root / "more/d.txt")
    assert page.facts()["inputs"] != before["inputs"]
    (root / "page.md").write_text("edited")
    assert page.facts()["page"] != before["page"]
    with pytest.raises(FileNotFoundError, match=r"page\.md: no file matches the input none/\*"):
        replace(page, inputs=("none/*",)).facts()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=PATHS)
def test_a_page_is_what_its_inputs_give(page: Page, request: pytest.FixtureRequest) -> None:
    """Made again, the committed page has the same bytes."""
    if page.released:
        request.getfixturevalue("data")
    kept = (ROOT / page.path).read_text(encoding="utf-8")
    if page.path.endswith(".svg"):
        matplotlib = pytest.importorskip("matplotlib")
        if f"Matplotlib v{matplotlib.__version__}" not in kept:
            pytest.skip("another release of matplotlib than the one that drew the figure")
    assert page.text() == kept

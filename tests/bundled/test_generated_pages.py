"""The command that writes generated pages; CI makes them again and compares (`python -m tools.generated --check`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.generated import Page, main


def test_chosen_pages_are_written_and_stale_ones_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pages that the command names are written; `--check` writes none and exits with 1 for one that was edited."""
    monkeypatch.setattr("tools.generated.ROOT", tmp_path)
    monkeypatch.setattr("tools.generated.PAGES", [Page(name, name.upper) for name in ("a.md", "b.md")])
    assert main([]) == 0
    (tmp_path / "a.md").unlink()
    assert (main(["b.md"]), (tmp_path / "a.md").exists()) == (0, False)
    main(["a.md"])
    assert main(["--check"]) == 0
    (tmp_path / "b.md").write_text("edited by hand", encoding="utf-8")
    assert (main(["--check"]), (tmp_path / "b.md").read_text(encoding="utf-8")) == (1, "edited by hand")
    assert "b.md is stale" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["c.md"])

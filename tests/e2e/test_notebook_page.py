"""The page on notebooks: its code runs from top to bottom, as in one notebook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.checkpoints import SEQUENCE, TAGS, TOKEN, checkpoint
from tests.release import release

from robust_xtreme.report.evaluation import Evaluation

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "notebook.md"
CELLS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.long
def test_the_page_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every cell runs, every run has cells with a table, and the last one prints the line of the mistake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    checkpoint(Path("checkpoints/xnli"), "bert", SEQUENCE, ("contradiction", "entailment", "neutral"))
    checkpoint(Path("checkpoints/panx"), "xlm_roberta", TOKEN, TAGS)
    release(Path("DIR"))
    names: dict[str, Any] = {}
    tables: list[str] = []
    for number, cell in enumerate(CELLS):
        exec(compile(cell, f"cell {number}", "exec"), names)
        if isinstance(names.get("run"), Evaluation):
            assert not names["run"].failed
            tables.append(names["run"]._repr_html_())
    assert len(CELLS) == 7
    assert all("<table>" in table for table in tables)
    assert "'xnli'" in capsys.readouterr().out.splitlines()[-1]

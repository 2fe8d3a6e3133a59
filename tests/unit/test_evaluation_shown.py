"""What Python shows of an evaluation."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from robust_xtreme.results.evaluation import Evaluation
from robust_xtreme.results.schema import CELL

MINI = Path(__file__).parents[2] / "reports" / "mini"


def test_an_evaluation_is_shown_by_its_folder_and_its_cells() -> None:
    """A short line, whatever the manifest contains."""
    with (MINI / "scores.csv").open(encoding="utf-8", newline="") as file:
        cells = {tuple(row[name] for name in CELL) for row in csv.DictReader(file)}
    evaluation = Evaluation(MINI, json.loads((MINI / "manifest.json").read_text("utf-8")))
    assert repr(evaluation) == f"Evaluation({str(MINI)!r}, {len(cells)} cells)"


def test_an_evaluation_whose_folder_was_removed_is_shown(tmp_path: Path) -> None:
    """Showing it never fails."""
    assert repr(Evaluation(tmp_path / "gone", {})) == f"Evaluation({str(tmp_path / 'gone')!r}, not there)"

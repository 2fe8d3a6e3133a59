"""Realised strengths in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from robust_xtreme import evaluate
from robust_xtreme.files import csv
from robust_xtreme.files.schema import CONDITIONS, SCORES


@pytest.mark.usefixtures("no_pages")
def test_a_run_keeps_the_axis_the_target_and_the_strength_of_each_language(tmp_path: Path) -> None:
    """A share of tokens is solved for with the tokenizer of the run's model."""
    asked = ["char_noise@realised=graphemes:0.05", "char_noise@realised=tokens:0.3", "char_noise:0.1"]
    evaluate(languages=["sw", "th"], tasks=["panx"], perturb=asked, out=tmp_path / "run", limit=10)
    conditions = csv.load(tmp_path / "run" / "conditions.csv", CONDITIONS).to_dicts()
    axes = {row["condition"].removesuffix("@fields=tokens"): (row["target_axis"], row["target"]) for row in conditions}
    assert axes == {
        "clean": (None, None),
        asked[0]: ("graphemes", 0.05),
        asked[1]: ("tokens", 0.3),
        asked[2]: (None, None),
    }
    scores = csv.load(tmp_path / "run" / "scores.csv", SCORES)
    drawn = {
        (row["condition"].removesuffix("@fields=tokens"), row["language"]): row["nominal"] for row in scores.to_dicts()
    }
    assert drawn["clean", "sw"] is None
    assert drawn[asked[2], "sw"] == "0.1"
    assert len({drawn[name, code] for name in asked[:2] for code in ("sw", "th")}) == 4

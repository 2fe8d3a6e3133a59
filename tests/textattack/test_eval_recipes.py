"""Recipes of TextAttack as conditions of a run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run.run import evaluate

pytestmark = [
    pytest.mark.textattack,
    pytest.mark.skipif(find_spec("textattack") is None, reason="TextAttack is not installed: make test-textattack"),
    pytest.mark.filterwarnings("ignore"),
]
QUERIES = 25
NAMES = ("deepwordbug", "input_reduction")


def _run(out: Path) -> Path:
    perturb = tuple(f"textattack.{name}:0.3@queries={QUERIES}" for name in NAMES)
    languages = ("en", "ru", "sw")
    evaluate(RunSpec(tasks=("xnli",), languages=languages, perturb=perturb, limit="9", out=str(out)), cache=False)
    return out


def test_recipes_are_conditions_of_a_run(tmp_path: Path) -> None:
    """Two runs have the same bytes, no budget is exceeded, and noise is beside recipes where they are served."""
    first, second = _run(tmp_path / "a"), _run(tmp_path / "b")
    assert (first / "predictions.parquet").read_bytes() == (second / "predictions.parquet").read_bytes()
    rows = pl.read_parquet(first / "predictions.parquet").filter(pl.col("queries").is_not_null())
    assert rows.get_column("language").unique().sort().to_list() == ["en", "sw"]
    assert rows.get_column("queries").max() == QUERIES
    beside = pl.read_parquet(first / "predictions.parquet").filter(pl.col("condition").str.contains("@like="))
    assert beside.get_column("language").unique().sort().to_list() == ["en", "sw"]
    by_recipe = {name: rows.filter(pl.col("condition").str.contains(name)) for name in NAMES}
    assert by_recipe["deepwordbug"].get_column("success").sum() > 0
    assert by_recipe["input_reduction"].get_column("success").sum() == 0
    report = (first / "report.md").read_text(encoding="utf-8")
    assert "textattack.deepwordbug:0.3@queries=25" in report

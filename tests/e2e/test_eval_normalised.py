"""The spelling normaliser before the model: what it gains, and that attacks see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

TASKS = ("xnli", "xquad", "panx")
ATTACK = "attack_misspellings:0.4@queries=10"


def run(out: Path, *perturb: str, cache: bool = False, **other: Any) -> pl.DataFrame:
    """The predictions of a run with the normaliser."""
    facts = {"tasks": TASKS, "languages": ("en",), "limit": "20", "normalise": "spelling", "out": str(out)}
    evaluate(RunSpec(perturb=perturb, **(facts | other)), cache=cache)
    return pl.read_parquet(out / "predictions.parquet")


@pytest.fixture(scope="module")
def normalised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run under listed misspellings, and under an attack by them."""
    out = tmp_path_factory.mktemp("normalised") / "run"
    run(out, "natural_typo:0.4", ATTACK)
    return out


def test_listed_misspellings_are_undone(normalised: Path) -> None:
    """Every score is about the clean one, also of answers in a misspelt passage, and spans of words."""
    edits = pl.read_parquet(normalised / "predictions.parquet").filter(pl.col("condition").str.starts_with("natural"))
    assert edits.get_column("edits").sum() > 50
    scores = pl.read_csv(normalised / "scores.csv").filter(~pl.col("model").str.contains("/"), scope="all")
    key = ["task", "metric"]
    clean = scores.filter(condition="clean").select(*key, clean=pl.col("value"))
    noisy = scores.filter(pl.col("condition").str.starts_with("natural_typo:0.4")).join(clean, on=key)
    assert set(noisy.get_column("task")) == set(TASKS)
    assert noisy.filter(~pl.col("metric").str.contains("surface"), pl.col("value") < pl.col("clean") - 11).is_empty()


def test_an_attack_sees_the_normaliser(normalised: Path, tmp_path: Path) -> None:
    """What it left is answered as in the attack by the model with its normaliser, and it seldom succeeds."""
    rows = run(tmp_path / "again", frozen=(f"{normalised}=attack_misspellings",)).filter(pl.col("condition") != "clean")
    before = pl.read_parquet(normalised / "predictions.parquet").filter(
        pl.col("condition").str.starts_with(f"{ATTACK}@fields")
    )
    key = ["task", "example", "operators", "prediction"]
    assert before.height == rows.height > 0
    assert rows.select(key).sort(key).equals(before.select(key).sort(key))
    assert pl.read_csv(normalised / "attacks.csv").get_column("success").mean() < 20  # type: ignore[operator]  # a number


def test_the_normaliser_is_part_of_the_run_and_of_what_the_cache_keeps(tmp_path: Path) -> None:
    """A run without it has another identity, and gets none of its predictions, also of the same texts."""
    with_it = run(tmp_path / "with", "keyboard_typo:0.2", cache=True, tasks=("xnli",))
    without = run(tmp_path / "without", "keyboard_typo:0.2", cache=True, tasks=("xnli",), normalise="")
    alone = run(tmp_path / "alone", "keyboard_typo:0.2", tasks=("xnli",), normalise="")
    key = ["example", "condition", "prediction"]
    assert without.select(key).equals(alone.select(key))
    assert not with_it.select(key).equals(alone.select(key))
    assert RunSpec().identity() != RunSpec(normalise="spelling").identity()
    assert "normalise=spelling" in with_it.get_column("inference").item(0)


def test_languages_without_spaces_are_named(tmp_path: Path) -> None:
    """They are left out with the reason; alone they are one line."""
    with pytest.raises(RobustXtremeError, match="does not serve th: its words are not separated by spaces"):
        run(tmp_path / "run", languages=("th",))
    with pytest.raises(RobustXtremeError, match=r"The normalise 'typos' is none of: spelling\."):
        RunSpec(normalise="typos")

"""A condition that the tokenizer undoes in every language, beside one that it does not."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from robust_xtreme import evaluate


def test_an_inert_condition_is_in_no_average_and_stops_nothing(tmp_path: Path) -> None:
    """The averages are those of the other condition; the inert cells are in the frames, with the reason on the page."""
    noises = ["casing:0.05", "char_noise:0.1"]
    made = evaluate(tasks=["xnli"], languages=["en"], perturb=noises, limit="6", out=str(tmp_path / "run"))
    inert = made.deltas.filter("inert").get_column("condition").to_list()
    assert inert
    assert all(name.startswith("casing") for name in inert)
    averages = made.averages.filter(pl.col("kind") == "languages").get_column("condition").to_list()
    assert any(name.startswith("char_noise") for name in averages)
    assert not any(name.startswith("casing") for name in averages)
    assert "| inert |" in (made.folder / "report.md").read_text("utf-8").partition("## Legend")[0]

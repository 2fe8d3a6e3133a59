"""Prepares the frame AVERAGES for views: of each kind of average, its rows in the order of the page."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import polars as pl

from robust_xtreme.files.schema import AVERAGES
from robust_xtreme.report.cells import in_order, with_condition
from robust_xtreme.report.columns import percent, signed
from robust_xtreme.report.view import Results

NOISE: Final = ("perturbation", "strength", "over")
"""What names an average: the noise, and how many languages of how many it is over, which stay on any terminal."""

CHANGE: Final = ("clean", "value", "change", "change_low", "change_high", "p", "marked", "drops_at_least", "units")
"""The columns of every average: both levels, the change with its interval, and what is shown beside it."""

PREDICTION: Final = ("spread", "change_prediction_low", "change_prediction_high")
_LABEL: Final = "label"
_CURVE: Final = ("model", "task", "split", "translated", "inference", "metric", "fields", "perturbation")
_EDITS: Final = "grapheme_edit_rate"


def with_change(averages: pl.DataFrame) -> pl.DataFrame:
    """The averages under noise, with the signed change beside the drop."""
    return averages.filter(pl.col("drop").is_not_null()).with_columns(
        change=-pl.col("drop") + 0.0,
        change_low=-pl.col("high"),
        change_high=-pl.col("low"),
        change_prediction_low=-pl.col("prediction_high"),
        change_prediction_high=-pl.col("prediction_low"),
    )


@lru_cache(maxsize=4)  # of the same results for every view
def within_tasks(results: Results, kind: str) -> pl.DataFrame:
    """The averages over the languages of a task of one kind, with the parts of their condition, in order."""
    rows = with_condition(with_change(results.averages.filter(pl.col("kind") == kind)))
    averaged = pl.col("languages").str.split(" ").list.len()
    left_out = pl.col("missing").str.split(", ").list.len().fill_null(0)
    over = pl.format("{} of {}", averaged, averaged + left_out)
    return in_order(rows.with_columns(over=over, language=pl.col("name"), scope=pl.lit("all")), results)


def with_extremes(rows: pl.DataFrame, results: Results) -> pl.DataFrame:
    """The averages with `least` and `most`: the language that changes least (or most), its change, and its edits."""
    question, context = pl.col("language"), pl.col("context_language")
    pair = pl.concat_str(question, pl.lit("@"), context)
    translated = pl.when(pl.col("setting").str.starts_with("translate")).then("setting").otherwise(pl.lit(""))
    cells = results.deltas.filter(pl.col("scope") == "all").with_columns(
        setting=translated, label=pl.when(question == context).then(question).otherwise(pair)
    )
    named = ("model", "task", "split", "setting", "inference", "condition", "metric", _LABEL)
    each = rows.with_columns(pl.col("languages").str.split(" ").alias(_LABEL)).explode(_LABEL)
    joined = each.select(*AVERAGES.key, _LABEL).join(cells.select(*named, "drop", _EDITS), on=named, how="left")
    by_drop = joined.sort("drop", _LABEL)
    change = (-pl.col("drop")).map_elements(signed, pl.String)
    edits = pl.format(" ({})", pl.col(_EDITS).map_elements(percent, pl.String)).fill_null("")
    shown = pl.concat_str(pl.col(_LABEL), pl.lit(" "), change, edits)
    ends = by_drop.with_columns(shown=shown).group_by(AVERAGES.key).agg(
        least=pl.col("shown").first(), most=pl.col("shown").last()
    )  # fmt: skip
    return rows.join(ends, on=AVERAGES.key, how="left", maintain_order="left")


def with_curves(rows: pl.DataFrame) -> pl.DataFrame:
    """The averages of perturbations whose strengths are over the same languages, so that they can be a curve."""
    return rows.filter(pl.col("languages").n_unique().over(_CURVE) == 1)

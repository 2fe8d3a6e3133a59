"""Prepares the frame AVERAGES for views: of each kind of average, its rows in the order of the page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import polars as pl

from robust_xtreme.report.cells import headline, in_order, perturbed, with_condition
from robust_xtreme.report.columns import percent, signed
from robust_xtreme.report.view import Results
from robust_xtreme.results.schema import AVERAGES

NOISE: Final = ("perturbation", "strength")
CHANGE: Final = ("clean", "value", "change", "change_low", "change_high", "p", "marked", "drops_at_least", "units")
"""The columns of every average: both levels, the change with its interval, and what is shown beside it."""

PREDICTION: Final = ("spread", "change_prediction_low", "change_prediction_high")
_LABEL: Final = "label"
_EDITS: Final = "grapheme_edit_rate"
_GROUP: Final = ("task", "split", "translated", "fields")
_NAMED: Final = 6
"""The most languages that a sentence names."""


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
    counts = {
        "averaged": pl.col("languages").str.split(" ").list.len().cast(pl.Int64),
        "left_out": pl.col("missing").str.split(", ").list.len().fill_null(0).cast(pl.Int64),
    }
    return in_order(rows.with_columns(**counts, language=pl.col("name"), scope=pl.lit("all")), results)


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


def without_averages(results: Results) -> list[str]:
    """A sentence for each task without averages over its languages: which perturbation is missing in which of them.

    An average is over the languages that have each condition; of several scripts there may be none.
    """
    cells = headline(perturbed(results), results).filter(pl.col("scope") == "all", pl.col("no_claim").is_null())
    lines = []
    for (task, split, translated, fields), group in cells.group_by(_GROUP, maintain_order=True):
        noise = f"noise on {str(fields).replace(',', ' and ')}" if fields else "noise"
        if gaps := _gaps(group):
            what = f"{task}, {split}{translated and f', {translated}'}: {noise} has no averages over languages"
            lines.append(f"{what}, since no language has every perturbation ({'; '.join(gaps)}).")
    return lines


def _gaps(cells: pl.DataFrame) -> list[str]:
    """The perturbations with the languages that do not have them; empty where a language has them all."""
    columns = ("perturbation", "language", "model", "inference", "condition")
    rows = set(cells.select(columns).iter_rows())
    languages = sorted({language for _, language, *_ in rows})
    conditions = {(perturbation, *rest) for perturbation, _, *rest in rows}
    lost: dict[str, dict[str, None]] = {}
    for perturbation, *rest in sorted(conditions):
        absent = [code for code in languages if (perturbation, code, *rest) not in rows]
        lost.setdefault(perturbation, {}).update(dict.fromkeys(absent))
    if set().union(*lost.values()) < set(languages):
        return []
    return [f"{perturbation}: not {_listed(codes)}" for perturbation, codes in lost.items() if codes]


def _listed(codes: Iterable[str]) -> str:
    """Languages by their codes, the first ones where they are many."""
    named = sorted(codes)
    return " ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")

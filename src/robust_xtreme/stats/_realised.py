"""The realised noise of each cell: the means of the realised columns of PREDICTIONS, and its most frequent answer.

Rates and shares of unchanged items are over the items with a text that was noised, or could have been.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import polars as pl

from robust_xtreme.files.schema import CELL
from robust_xtreme.files.store import grouped

Row = dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class ByCell:
    """Rows of PREDICTIONS by the keys of their cells, each by noise seed and example; `starts` has the end, too."""

    rows: pl.DataFrame
    keys: list[tuple[str, ...]]
    starts: Any


def by_cell(predictions: pl.DataFrame) -> ByCell:
    """The rows of each cell; failed items are left out."""
    failed = predictions.select(pl.col("status") == "failed").to_series()
    some = predictions.filter(~failed) if failed.any() else predictions  # a filter copies all rows
    rows, keys, starts = grouped(some, CELL, ("noise_seed", "example"))
    return ByCell(rows, keys.rows(), starts)


def realised(predictions: ByCell) -> dict[tuple[str, ...], Row]:
    """The realised columns of SCORES for each cell, over all its items and noise seeds."""
    rows, starts = predictions.rows, predictions.starts
    if not predictions.keys:
        return {}
    totals = _totals(rows, starts)
    operators, answers = rows.get_column("operators"), rows.select(_answer()).to_series()
    nominal = rows.get_column("nominal")
    return {
        key: {
            **_means({name: float(column[at]) for name, column in totals.items()}),
            "nominal": nominal[int(starts[at]) : int(starts[at + 1])].drop_nulls().first(),
            "operators": _summed(operators[int(starts[at]) : int(starts[at + 1])]),
            "constant": _constant(answers[int(starts[at]) : int(starts[at + 1])]),
        }
        for at, key in enumerate(predictions.keys)
    }


def _totals(rows: pl.DataFrame, starts: Any) -> dict[str, Any]:
    """Sums of each column over the rows of each cell, added in the order of the rows."""
    edited = pl.col("edits") > 0
    # A query without a right candidate has no text; an item of which nothing is known counts.
    measured = (pl.col("words").fill_null(1) > 0) | (pl.col("tokens_clean").fill_null(0) > 0)
    columns = rows.select(
        "grapheme_edit_rate",
        "word_edit_rate",
        "words",
        "tokens_clean",
        "tokens",
        "truncated",
        "unknown_clean",
        "unknown",
        rows=pl.lit(1.0),
        measured=measured,
        edited=edited,
        not_applicable=pl.col("status") == "not_applicable",
        tokens_changed=edited & pl.col("tokens_changed"),
        label_risk=pl.when(pl.col("numbers_edited").is_not_null()).then(at_risk()),
        queries=pl.col("queries").fill_null(0),
        attacked=pl.col("queries").is_not_null(),
        success=pl.col("success").fill_null(False),
    )
    values = {name: columns.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy() for name in columns.columns}
    return {name: np.add.reduceat(column, starts[:-1]) for name, column in values.items()}


def _means(total: dict[str, float]) -> Row:
    rows, edited, words = total["rows"], total["edited"], total["words"]
    measured = total["measured"] or rows
    changed = _share(total["tokens_changed"], edited)
    unedited = _share(edited, measured)
    return {
        "grapheme_edit_rate": _share(total["grapheme_edit_rate"], measured),
        "word_edit_rate": _share(total["word_edit_rate"], measured),
        "unchanged": None if unedited is None else 1 - unedited,
        "not_applicable": total["not_applicable"] / rows,
        "tokens_per_word_clean": _share(total["tokens_clean"], words),
        "tokens_per_word": _share(total["tokens"], words),
        "unknown_clean": _share(total["unknown_clean"], total["tokens_clean"]),
        "unknown": _share(total["unknown"], total["tokens"]),
        "tokens_changed": changed,
        "inert": False if edited == 0 else None if changed is None else changed == 0,
        "truncated": _share(total["truncated"], rows),
        "label_risk": _share(total["label_risk"], measured),
        "queries": _share(total["queries"], total["attacked"]),
        "success": _share(total["success"], total["attacked"]),
    }


def _share(part: float, whole: float) -> float | None:
    return None if np.isnan(part) or np.isnan(whole) or not whole else part / whole


def at_risk() -> pl.Expr:
    """Whether noise edits a number or a listed negator of an item of PREDICTIONS."""
    return (pl.col("numbers_edited").fill_null(0) > 0) | (pl.col("negators_edited").fill_null(0) > 0)


def _answer() -> pl.Expr:
    """The answer of each row; the same tag for every word is the same answer, whatever the number of words."""
    first = pl.col("prediction").str.extract(r'^\["((?:[^"\\]|\\.)*)"')
    alike = pl.col("prediction").str.ends_with(pl.concat_str(pl.lit('"'), first, pl.lit('"]')))  # most lists are not
    names = pl.when(alike).then("prediction").str.json_decode(pl.List(pl.String)).list.unique()
    return pl.when(names.list.len() == 1).then(names.list.first()).otherwise("prediction").alias("answer")


def _constant(answers: pl.Series) -> float | None:
    """The share of the most frequent answer; None where no answer is known."""
    if answers.null_count() == len(answers):
        return None
    return int(answers.value_counts().get_column("count").max()) / len(answers)  # type: ignore[arg-type]  # not empty


def _summed(operators: pl.Series) -> str | None:
    """The accepted edits of many items by operator, as JSON in the order of the names; None where they are unknown."""
    if operators.null_count():
        return None
    total: Counter[str] = Counter()
    texts, counts = operators.value_counts().get_columns()
    for items, count in zip(json.loads(f"[{','.join(texts)}]"), counts, strict=True):  # not one by one
        for name, edits in items.items():
            total[name] += edits * count
    return json.dumps(dict(sorted(total.items())))

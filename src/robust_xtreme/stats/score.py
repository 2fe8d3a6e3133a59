"""SCORES: the value of each cell over its noise seeds, with interval, chance, shallow level and what noise did.

What noise did are the means of the realised columns of PREDICTIONS, and the most frequent answer. Rates and shares of
unchanged items are over the items with a text that was noised, or could have been. Attacks are measured by
how often they succeed, at what cost, and how far below random search they come.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.metric import share
from robust_xtreme.files.schema import ATTACKS, BELOW_RANDOM, CELL, CHANCE, SCORES, SHALLOW, build
from robust_xtreme.files.store import grouped
from robust_xtreme.stats._cells import ALL, Cell, cells, check_same
from robust_xtreme.stats.claims import CLEAN
from robust_xtreme.stats.intervals import CPU, ArrayBackend, Estimate, cluster_sums, estimate_difference, estimate_level

Row = dict[str, Any]

Split = tuple[str, ...]
"""What the cells of a model, of chance and of a shallow predictor share: data, task, split, languages, metric."""

_SPLIT: Final = ("data", "task", "split", "language", "context_language")


def scores_of(
    all_cells: Sequence[Cell],
    predictions: pl.DataFrame,
    *,
    stamped: Collection[tuple[str, ...]] = (),
    backend: ArrayBackend = CPU,
) -> pl.DataFrame:
    """SCORES of cells and their PREDICTIONS, one row per cell, metric and scope, sorted.

    The value is the mean over noise seeds; the chance of a cell is the best constant of its split. `stamped` are the
    models, tasks, splits and languages whose text the model has seen in training. Raises Mismatch, naming the example,
    where the items of a cell, of its noise seeds and of the constants are not the same.
    """
    chance: dict[Split, Cell] = {}
    shallow: dict[tuple[Split, str], Cell] = {}
    for cell in all_cells:
        if cell.scope == ALL and cell.model.startswith(SHALLOW):
            shallow[_split(cell), cell.condition] = cell
        if cell.scope == ALL and cell.model.startswith(CHANCE):
            best = chance.get(_split(cell), cell)
            chance[_split(cell)] = max(best, cell, key=lambda each: (each.level, each.model))
    noise = _realised(predictions)
    rows = [
        _row(cell, chance.get(_split(cell)), shallow, noise, backend)
        | {"overlap": (cell.model, *(cell.columns[name] for name in _SPLIT[1:4])) in stamped}
        for cell in all_cells
        if cell.answers
    ]
    return build(rows, SCORES).sort(SCORES.key)


def _split(cell: Cell) -> Split:
    return (*(cell.columns[name] for name in _SPLIT), cell.metric)


def _row(
    cell: Cell,
    chance: Cell | None,
    shallow: Mapping[tuple[Split, str], Cell],
    noise: Mapping[tuple[str, ...], Row],
    backend: ArrayBackend,
) -> Row:
    if cell.key not in noise:
        raise Mismatch(f"STATS contain {cell.named()}, which PREDICTIONS do not.")
    estimate = estimate_level(cell.sums, cell.reduce, backend)
    values = [float(cell.reduce(sums.sum(0))) for sums in cell.sums]
    compared = cell.scope == ALL
    return {
        **cell.columns,
        "metric": cell.metric,
        "scope": cell.scope,
        "value": estimate.value,
        **interval(estimate),
        "n": len(cell.items.examples),
        "clusters": len(cell.items.clusters),
        "seeds": len(cell.seeds),
        "seed_spread": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "worst": None if cell.worst is None else float(cell.reduce(cell.worst)),
        **(_chance(cell, chance, backend) | _shallow(cell, shallow) if compared else {}),
        **noise[cell.key],
    }


def interval(estimate: Estimate) -> Row:
    """The columns of an interval."""
    return {name: getattr(estimate, name) for name in ("se", "low", "high", "method")}


def _chance(cell: Cell, chance: Cell | None, backend: ArrayBackend) -> Row:
    if chance is None:
        return {}
    check_same(cell, chance)
    low = estimate_difference(cell.sums, chance.sums, cell.reduce, backend).low
    return {
        "chance": chance.level,
        "chance_name": chance.model.removeprefix(CHANCE),
        "above_chance": low,
        "near_chance": None if low is None else low <= 0,
    }


def _shallow(cell: Cell, shallow: Mapping[tuple[Split, str], Cell]) -> Row:
    clean, noisy = (shallow.get((_split(cell), condition)) for condition in (CLEAN, cell.condition))
    if clean is None or noisy is None:
        return {}
    return {
        "shallow": clean.level,
        "shallow_noisy": None if cell.condition == CLEAN else noisy.level,
        "shallow_name": clean.model.removeprefix(SHALLOW),
        "shallow_source": clean.columns["inference"],
    }


def _realised(predictions: pl.DataFrame) -> dict[tuple[str, ...], Row]:
    """The realised columns of SCORES for each cell, over all its items and noise seeds; failed items are left out."""
    failed = predictions.get_column("status") == "failed"
    some = predictions.filter(~failed) if failed.any() else predictions  # a filter copies all rows
    rows, keys, starts = grouped(some, CELL, ("noise_seed", "example"))
    if keys.is_empty():
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
        for at, key in enumerate(keys.iter_rows())
    }


_SUMMED: Final = (
    *("grapheme_edit_rate", "word_edit_rate", "words", "tokens_clean", "tokens"),
    *("truncated", "unknown_clean", "unknown"),
)


def _totals(rows: pl.DataFrame, starts: Any) -> dict[str, Any]:
    """Sums of each column over the rows of each cell, added in the order of the rows."""
    edited = pl.col("edits") > 0
    # A query without a right candidate has no text; an item of which nothing is known counts.
    measured = (pl.col("words").fill_null(1) > 0) | (pl.col("tokens_clean").fill_null(0) > 0)
    columns = rows.select(
        _SUMMED,
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
    values = columns.select(pl.all().cast(pl.Float64).fill_null(np.nan))  # together: each alone takes as long as all
    return {column.name: np.add.reduceat(column.to_numpy(), starts[:-1]) for column in values}


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
    """The share of the most frequent known answer; None where no answer is known."""
    counts = answers.drop_nulls().value_counts().get_column("count")
    return int(counts.max()) / len(answers) if len(counts) else None  # type: ignore[arg-type]  # not empty


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


_RANDOM, _SEARCH = "@search=random", re.compile("@search=[^@]+")
CURVE: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Queries at which a curve has the success."""


def attacks_of(parts: Iterable[tuple[pl.DataFrame, pl.LazyFrame]]) -> pl.DataFrame:
    """ATTACKS from parts with rows of ATTACKED and of STATS by the headline metric; noise seeds are further items."""
    return build([row for part in parts for row in _rows(*part)], ATTACKS)


def _rows(items: pl.DataFrame, stats: pl.LazyFrame) -> Iterator[dict[str, Any]]:
    rows, keys, starts = grouped(items, CELL, ("noise_seed", "example"))
    bounds = zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    below = _below_random(stats.filter(scope=ALL).join(keys.lazy(), on=CELL, how="semi").collect())
    for key, (low, high) in zip(keys.iter_rows(), bounds, strict=True):
        yield {**dict(zip(CELL, key, strict=True)), **_measured(rows[low:high]), **below.get(key, {})}


def _below_random(stats: pl.DataFrame) -> dict[tuple[str, ...], dict[str, float | None]]:
    """By how much the level of each cell is below that of random search by the same moves, where it has one."""
    every = {cell.key: (cell, (*cell.key[:-1], _SEARCH.sub("", cell.condition))) for cell in cells(stats)}
    drawn = {moves: cell for cell, moves in every.values() if _RANDOM in cell.condition}
    below = {}
    for key, (cell, moves) in every.items():
        twin = drawn.get(moves, cell)
        if twin is not cell and twin.seeds == cell.seeds:
            estimate = estimate_difference(twin.sums, cell.sums, cell.reduce)
            below[key] = dict(zip(BELOW_RANDOM, (estimate.value, estimate.low, estimate.high), strict=True))
    return below


def _measured(items: pl.DataFrame) -> dict[str, Any]:
    attacked = items.filter(~pl.col("skipped"))
    won = attacked.filter(pl.col("first") > 0)
    return {
        "n": items.height,
        "clusters": items.get_column("cluster").n_unique(),
        "attacked": attacked.height,
        "no_edit": share_of(attacked.get_column("allowed") == 0),
        **_success(attacked),
        "queries": attacked.get_column("queries").mean(),
        "queries_to_success": won.get_column("first").mean(),
        "words": won.get_column("words").mean(),
        "graphemes": won.get_column("graphemes").mean(),
        "curve": json.dumps(_curve(attacked)),
    }


def _success(attacked: pl.DataFrame) -> dict[str, Any]:
    """The share of the attacked items with a success, and its interval, over the clusters that have such items."""
    if not attacked.height:
        return {}
    estimate = estimate_share(attacked.get_column("first") > 0, attacked.get_column("cluster"))
    return {"success": estimate.value, "success_low": estimate.low, "success_high": estimate.high}


def estimate_share(flags: pl.Series, clusters: pl.Series) -> Estimate:
    """The share of true flags in points, with its interval over their clusters; there is a flag."""
    codes = clusters.rank("dense").to_numpy().astype(np.int64) - 1
    won = flags.cast(pl.Float64).to_numpy()
    sums = cluster_sums(np.stack((won, np.ones(len(won))), axis=1), codes, int(codes.max()) + 1)
    return estimate_level(sums[None], share)


def _curve(attacked: pl.DataFrame) -> dict[str, float]:
    """The success (points) by the number of queries, up to the most that an item has."""
    first, most = attacked.get_column("first"), int(attacked.get_column("queries").max() or 0)  # type: ignore[arg-type]  # whole numbers
    steps = [step for step in CURVE if step < most] + ([most] if most else [])
    return {str(step): 100.0 * share_of((first > 0) & (first <= step)) for step in steps}


def share_of(flags: pl.Series) -> float:
    """The share of true ones; 0 where there is none."""
    return int(flags.sum()) / max(1, len(flags))

"""Turns predictions into frames: each item, its prediction, its noise and the sums of its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.columns import ExampleColumns
from robust_xtreme.core.edits import Array
from robust_xtreme.core.metric import SCOPES as COUNTED
from robust_xtreme.core.metric import Metric, Responses, Sums
from robust_xtreme.files.schema import CELL, CHANCE, PREDICTIONS, SCOPES, SHALLOW, STATS, assembled
from robust_xtreme.files.store import coded, ordered
from robust_xtreme.run.answered import Answered, Columns, cell_of, columns_of, displaced, responses, responses_of
from robust_xtreme.run.prepare import Prepared, Variant
from robust_xtreme.run.rows import RowMaker, attacked_rows
from robust_xtreme.stats.chance import constants
from robust_xtreme.stats.shallow.predictor import answers, shallow_of
from robust_xtreme.stats.shallow.shown import ShownExamples

_TWIN: Final = len(COUNTED) - 1
"""How far the scope of a clean twin is from the scope, in SCOPES of a frame."""

_Cell = tuple[Columns, list[Sums]]
"""The columns of a cell, and the sums of each metric in scopes of a frame."""


def stats_of(
    prepared: Prepared, columns: Sequence[ExampleColumns], answered: Sequence[Responses | None]
) -> pl.DataFrame:
    """STATS of the model, of chance and of the shallow predictor.

    `columns` are the examples of each variant, `answered` the answers; None where there are no statistics.
    """
    metrics: list[Metric] = [registry.load("metric", name) for name in prepared.task_run.task.metrics]
    if not prepared.examples:
        return assembled([], STATS)
    cells = [
        *_model_stats(prepared, metrics, answered),
        *_chance_stats(prepared, metrics, columns[0]),
        *_shallow_stats(prepared, metrics, columns),
    ]
    return _frame(columns[0], metrics, cells)


def _model_stats(
    prepared: Prepared, metrics: Sequence[Metric], answered: Sequence[Responses | None]
) -> Iterator[_Cell]:
    """The sums of the model; with those of clean twins in the scopes that noise defines, the score without noise."""
    clean = answered[0]
    for variant, given in zip(prepared.variants, answered, strict=True):
        if given is None:
            continue
        sums = _sums(metrics, given)
        if clean is not None and given is not clean:
            twins = _sums(metrics, _twins(clean, given, variant))
            sums = [_joined([each, _as_twins(twin)]) for each, twin in zip(sums, twins, strict=True)]
        yield cell_of(prepared, variant), sums


def _twins(clean: Responses, noisy: Responses, variant: Variant) -> Responses:
    """The answers to the clean inputs, scored by the scopes of the noisy examples."""
    moved = displaced(clean.predictions, variant)
    return Responses(clean.clean, noisy.perturbed, moved, clean.predictions)


def _as_twins(sums: Sums) -> Sums:
    parts = _where(sums, sums.scopes > 0)
    return replace(parts, scopes=parts.scopes + _TWIN)


def _sums(metrics: Sequence[Metric], given: Responses) -> list[Sums]:
    return [metric.of(given) for metric in metrics]


def _whole_sums(metrics: Sequence[Metric], given: Responses) -> list[Sums]:
    """The sums of whole items, without those of the parts that noise changed or left."""
    return [_where(sums, sums.scopes == 0) for sums in _sums(metrics, given)]


def _where(sums: Sums, mask: Array) -> Sums:
    return Sums(sums.items[mask], sums.scopes[mask], sums.values[mask])


def _joined(parts: Sequence[Sums]) -> Sums:
    return Sums(*(np.concatenate([getattr(part, name) for part in parts]) for name in Sums.__slots__))


def _chance_stats(prepared: Prepared, metrics: Sequence[Metric], clean: ExampleColumns) -> Iterator[_Cell]:
    """The sums of the constants, on the clean text: no noise changes what needs no text."""
    task, variant = prepared.task_run.task, prepared.variants[0]
    constant = constants(task.family, clean, prepared.corpus, task.pool.search if task.pool else "")
    for name, targets in constant.items():
        cell = {**cell_of(prepared, variant), "model": CHANCE + name, "inference": "nothing"}
        yield cell, _whole_sums(metrics, responses(clean, clean, variant, targets))


def _shallow_stats(prepared: Prepared, metrics: Sequence[Metric], columns: Sequence[ExampleColumns]) -> Iterator[_Cell]:
    """The sums of the shallow predictor of the task, on the clean text and under every condition and seed."""
    task, variants = prepared.task_run.task, prepared.variants
    shallow = shallow_of(task.family, task.pool.search if task.pool else "")
    if shallow is None or (task.pool and not prepared.corpus):
        return
    pairs = zip(variants, columns, strict=True)
    answered, learned = answers(shallow, columns[0], [_shown(variant, perturbed) for variant, perturbed in pairs])
    for variant, perturbed, targets in zip(variants, columns, answered, strict=bool(answered)):
        cell = {**cell_of(prepared, variant), "model": SHALLOW + shallow.name, "inference": learned}
        yield cell, _whole_sums(metrics, responses(columns[0], perturbed, variant, targets))


def _shown(variant: Variant, columns: ExampleColumns) -> ShownExamples:
    """What a shallow predictor reads under a condition and seed."""
    pool = variant.pool
    return ShownExamples(columns, pool.ids, pool.values, pool.unscored) if pool else ShownExamples(columns)


def _frame(clean: ExampleColumns, metrics: Sequence[Metric], cells: Sequence[_Cell]) -> pl.DataFrame:
    """STATS of all cells in the order of its key, in which rows need not be moved when they are written."""
    tables = [_joined([sums[at] for _, sums in cells]) for at in range(len(metrics))]
    names, counts = [metric.name for metric in metrics], [len(table.items) for table in tables]
    sizes = [[len(sums[at].items) for _, sums in cells] for at in range(len(metrics))]
    cell = np.concatenate([np.repeat(np.arange(len(cells)), each) for each in sizes])
    item, scope = (np.concatenate([getattr(table, of) for table in tables]) for of in ("items", "scopes"))
    metric = np.repeat(np.arange(len(metrics)), counts)
    ids = {of: [getattr(example, of) for example in clean.examples] for of in ("id", "cluster", "fingerprint")}
    keys = [tuple(columns[of] for of in STATS.key if of in columns) for columns, _ in cells]
    every = (cell, item, metric, scope)
    rows = _in_order(zip((keys, ids["id"], names, SCOPES), every, strict=True), len(cell))
    of_cells, of_items, of_metrics, of_scopes = (pl.Series(of.astype(np.uint32)[rows]) for of in every)
    columns = {
        **{of: coded([each[of] for each, _ in cells]).gather(of_cells) for of in CELL},
        "noise_seed": pl.Series([each["noise_seed"] for each, _ in cells]).gather(of_cells),
        **{of: coded(values).gather(of_items) for of, values in ids.items()},
        "metric": coded(names).gather(of_metrics),
        "scope": coded(SCOPES).gather(of_scopes),
        "stats": _lists([table.values for table in tables], rows),
    }
    columns["example"] = columns.pop("id")
    return assembled(columns, STATS)


def _in_order(columns: Iterable[tuple[Sequence[Any], Array]], count: int) -> Array:
    """So many rows (m,) in the order of columns, each given as values and the number of each row's value (m,)."""
    whole = np.zeros(count, np.int64)
    for values, numbers in columns:
        ranks = {value: rank for rank, value in enumerate(sorted({*values}))}
        whole *= len(ranks)
        whole += np.array([ranks[value] for value in values], np.int64)[numbers]
    return np.argsort(whole, kind="stable")


def _lists(tables: Sequence[Array], rows: Array) -> pl.Series:
    """Some rows of arrays (m, k), one array after the other, as a column of lists."""
    if len({values.shape[1] for values in tables}) == 1:
        return pl.Series(np.concatenate(tables).take(rows, axis=0)).arr.to_list()
    return pl.concat([pl.Series(values).arr.to_list() for values in tables if len(values)], rechunk=True).gather(rows)


@final
@dataclass(frozen=True, slots=True)
class TaskRunRows:
    """The rows of one task run, sorted: predictions, and statistics (those of chance and of shallow predictors, too).

    Strings of statistics, of which an item has many rows, are those of an Enum. `attacked` are the items under attacks;
    None where there is none.
    """

    predictions: pl.DataFrame
    stats: pl.DataFrame
    attacked: pl.DataFrame | None = None


def score_examples(answered: Answered) -> TaskRunRows:
    """The frames of a task run, with the statistics of chance and of the shallow predictor.

    A condition with an answer that is not finite is `failed` and has no statistics of the model or of an attack.
    """
    columns = columns_of(answered.prepared)
    responses, rows = responses_of(answered, columns), RowMaker(answered)
    failed = [given is None for given in responses]
    predictions = pl.concat([rows.of(*each) for each in zip(answered.prepared.variants, failed, strict=True)])
    stats = stats_of(answered.prepared, columns, responses)
    return TaskRunRows(ordered(predictions, PREDICTIONS.key), stats, attacked_rows(answered.prepared, failed))

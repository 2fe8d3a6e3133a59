"""The frame STATS of a task run: the sums of each metric, of the model, of chance and of the shallow predictor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme import registry
from robust_xtreme.edits import Array
from robust_xtreme.evaluation.answered import Columns, cell_of, displaced, responses, spread
from robust_xtreme.evaluation.prepare import Prepared, Variant
from robust_xtreme.example_columns import ExampleColumns
from robust_xtreme.metric import SCOPES as COUNTED
from robust_xtreme.metric import Metric, Responses, Sums
from robust_xtreme.results.chance import constants
from robust_xtreme.results.schema import CHANCE, SCOPES, SHALLOW, STATS, assembled
from robust_xtreme.results.shallow.predictor import answers, shallow_of
from robust_xtreme.results.shallow.shown import Shown

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


def _shown(variant: Variant, columns: ExampleColumns) -> Shown:
    """What a shallow predictor reads under a condition and seed."""
    pool = variant.pool
    return Shown(columns, pool.ids, pool.values, pool.unscored) if pool else Shown(columns)


def _frame(clean: ExampleColumns, metrics: Sequence[Metric], cells: Sequence[_Cell]) -> pl.DataFrame:
    """STATS of all cells, metric by metric."""
    tables = [_joined([sums[at] for _, sums in cells]) for at in range(len(metrics))]
    numbers = [
        np.repeat(np.arange(len(cells)), [len(sums[at].items) for _, sums in cells]) for at in range(len(metrics))
    ]
    items = np.concatenate([table.items for table in tables])
    names = ("id", "cluster", "fingerprint")
    ids = {name: [getattr(example, name) for example in clean.examples] for name in names}
    columns = {
        **{name: _taken([cell[name] for cell, _ in cells], np.concatenate(numbers)) for name in cells[0][0]},
        **{name: _taken(values, items) for name, values in ids.items()},
        "metric": _taken(
            [metric.name for metric in metrics],
            np.repeat(np.arange(len(metrics)), [len(table.items) for table in tables]),
        ),
        "scope": _taken(SCOPES, np.concatenate([table.scopes for table in tables])),
        "stats": pl.concat([_lists(table.values) for table in tables if len(table.items)]),
    }
    columns["example"] = columns.pop("id")
    return assembled(spread(columns, len(items)), STATS)


def _taken(values: Sequence[Any], numbers: Array) -> pl.Series | Any:
    """The values with those numbers (m,), or the value where there is one alone."""
    if len(set(values)) == 1:
        return values[0]
    return pl.Series(values).gather(numbers.astype(np.uint32))


def _lists(values: Array) -> pl.Series:
    """The rows of an array (m, k) as a column of lists."""
    return pl.Series("stats", values).arr.to_list()

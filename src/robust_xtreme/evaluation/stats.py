"""The frame STATS of a task run: the sums of each metric, of the model, of chance and of the shallow predictor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from robust_xtreme import registry
from robust_xtreme.evaluation.answered import Answered, Columns, cell_of, counted, moved, restored, spread, whole
from robust_xtreme.evaluation.prepare import Prepared, Variant
from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.examples import Scored
from robust_xtreme.metric import ALL, CLEAN_TWIN, Metric
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.results.chance import constants
from robust_xtreme.results.schema import CHANCE, SHALLOW, STATS, build
from robust_xtreme.results.shallow.predictor import answers, shallow_of
from robust_xtreme.results.shallow.shown import Shown


def stats_of(answered: Answered, variant: Variant) -> pl.DataFrame:
    """STATS of the model under one condition and seed."""
    prepared = answered.prepared
    return _stats(prepared.task_run, cell_of(prepared, variant), _scored(answered, variant), _twins(answered, variant))


def levels_of(prepared: Prepared) -> Iterator[pl.DataFrame]:
    """STATS of chance and of the shallow predictor."""
    yield from _chance_stats(prepared)
    yield from _shallow_stats(prepared)


def _scored(answered: Answered, variant: Variant) -> Iterator[Scored]:
    """The answers to a variant as metrics see them."""
    for index, clean in enumerate(answered.prepared.examples):
        answer = counted(answered, variant, index)
        retuned = answered.predicted.retuned[variant.inputs[index]] if answered.predicted.retuned else None
        yield Scored(clean, variant.examples[index], answer, restored(answer, clean, variant), retuned)


def _twins(answered: Answered, variant: Variant) -> Iterator[Scored]:
    """The answers to the clean inputs, scored by the scopes of the noisy example: the score without noise."""
    clean = answered.prepared.variants[0]
    if variant is clean or not whole(answered, clean):
        return
    for item, noisy in zip(_scored(answered, clean), variant.examples, strict=True):
        displaced = moved(item.prediction, item.clean, variant, Noised.to_noisy)
        yield Scored(item.clean, noisy, displaced, item.prediction)


def _stats(
    task_run: TaskRun, key: Mapping[str, Any], scored: Iterable[Scored], twins: Iterable[Scored] = ()
) -> pl.DataFrame:
    """STATS of one condition and seed, every metric and scope; of clean twins only the scopes that noise defines."""
    metrics: list[Metric] = [registry.load("metric", name) for name in task_run.task.metrics]
    rows = [*_measured(scored, metrics), *_measured(twins, metrics, CLEAN_TWIN)]
    names = ("example", "cluster", "fingerprint", "metric", "scope", "stats")
    columns: Columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    columns["stats"] = _lists(columns["stats"]) if rows else []
    return build(spread({**key, **columns}, len(rows)), STATS)


def _lists(sums: list[list[float]]) -> pl.Series | list[list[float]]:
    """A column of lists; floats in lists of one length go through an array, which is faster."""
    if len(set(map(len, sums))) != 1 or set(map(type, chain.from_iterable(sums))) != {float}:
        return sums
    return pl.Series("stats", np.array(sums, dtype=np.float64)).arr.to_list()


def _measured(scored: Iterable[Scored], metrics: Sequence[Metric], twin: str = "") -> Iterator[tuple[Any, ...]]:
    for item in scored:
        example = (item.clean.id, item.clean.cluster, item.clean.fingerprint)
        for metric in metrics:
            for scope, sums in metric.stats(item).items():
                if not twin or scope != ALL:
                    yield *example, metric.name, scope + twin, list(sums)


def _chance_stats(prepared: Prepared) -> Iterator[pl.DataFrame]:
    """STATS of the constants, on the clean text: no noise changes what needs no text."""
    task = prepared.task_run.task
    constant = constants(task.family, prepared.examples, prepared.corpus, task.pool.search if task.pool else "")
    for name, targets in constant.items():
        key = {**cell_of(prepared, prepared.variants[0]), "model": CHANCE + name, "inference": "nothing"}
        pairs = zip(prepared.examples, targets, strict=True)
        scored = (Scored(example, example, target, target) for example, target in pairs)
        yield _whole_items(prepared, key, scored)


def _shallow_stats(prepared: Prepared) -> Iterator[pl.DataFrame]:
    """STATS of the shallow predictor of the task, on the clean text and under every condition and seed."""
    task, variants = prepared.task_run.task, prepared.variants
    shallow = shallow_of(task.family, task.pool.search if task.pool else "")
    if shallow is None or (task.pool and not prepared.corpus):
        return
    answered, learned = answers(shallow, prepared.examples, [_shown(variant) for variant in variants])
    for variant, targets in zip(variants, answered, strict=bool(answered)):
        key = {**cell_of(prepared, variant), "model": SHALLOW + shallow.name, "inference": learned}
        each = zip(prepared.examples, variant.examples, targets, strict=True)
        scored = (Scored(clean, noisy, target, restored(target, clean, variant)) for clean, noisy, target in each)
        yield _whole_items(prepared, key, scored)


def _whole_items(prepared: Prepared, key: Columns, scored: Iterable[Scored]) -> pl.DataFrame:
    """STATS of whole items, without those of the parts that noise changed or left."""
    return _stats(prepared.task_run, key, scored).filter(pl.col("scope") == ALL)


def _shown(variant: Variant) -> Shown:
    """What a shallow predictor reads under a condition and seed."""
    pool = variant.pool
    return Shown(variant.examples, pool.ids, pool.values, pool.unscored) if pool else Shown(variant.examples)

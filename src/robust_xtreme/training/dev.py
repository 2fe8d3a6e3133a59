"""A score on validation data during training: shown, written to metrics.csv, and used for selection on request only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from torch import nn

from robust_xtreme.core import registry
from robust_xtreme.core.contamination import comparable, keys, kind
from robust_xtreme.core.errors import Contamination, MissingData
from robust_xtreme.core.examples import Example
from robust_xtreme.core.metric import Metric
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.predictors.batches import BATCH_TOKENS
from robust_xtreme.models.predictors.family import Family, windows_of
from robust_xtreme.models.predictors.loaded import predict
from robust_xtreme.models.reading.reading import contents_of, inputs_of
from robust_xtreme.models.tensors import Scores
from robust_xtreme.tasks.sources import loading, rows
from robust_xtreme.tasks.sources.source import Source, open_source
from robust_xtreme.training.adversarial import checkpoint_of
from robust_xtreme.training.lessons import Lesson
from robust_xtreme.training.spec import TrainSpec


@final
@dataclass(frozen=True, slots=True)
class DevScore:
    """A function that computes a score in points, and the token ids that it reads."""

    score: Callable[[], float]
    ids: Scores


def dev_score(
    task: TaskSpec, data: Source | Path, encoder: nn.Module, head: nn.Module, tokenizer: Any
) -> DevScore | None:
    """A function that computes the task's first metric on some validation examples; None where there are none.

    Tasks with a pool have no such score: it would need the vectors of the whole pool after each epoch.
    """
    examples = _dev_examples(task, data)
    if not examples:
        return None
    family: Family = registry.load("family", task.family)
    windows, pad_id = windows_of(family, task, examples, tokenizer), int(tokenizer.pad_token_id)
    inputs = inputs_of(contents_of(examples), windows)
    metric: Metric = registry.load("metric", task.metrics[0])

    def score() -> float:
        checkpoint = checkpoint_of(task, family, encoder, head, pad_id)
        decoded = predict(lambda: checkpoint, inputs, BATCH_TOKENS["cpu"])
        if not decoded.finite.all():
            return 0.0
        return float(metric.reduce(metric.alone(examples, decoded.targets).sum(axis=0)))

    return DevScore(score, np.unique(windows.ids))


def _dev_examples(task: TaskSpec, data: Source | Path) -> tuple[Example, ...]:
    if task.pool is not None:
        return ()
    if task.parts:
        return tuple(example for part in task.parts for example in _dev_examples(part, data))
    try:
        split = loading.load(task, data, task.train_languages[0], "validation")
    except MissingData:
        return ()
    return rows.limit(split.examples, 150) if split.labelled else ()


def selection(lessons: Sequence[Lesson], spec: TrainSpec) -> tuple[Example, ...]:
    """The examples that weights are selected by; none of them is in a reported split.

    Raises Contamination where one of them is in a split that a reported task would be evaluated on.
    """
    source = open_source(spec.data, offline=spec.offline)
    selected_by: list[Example] = []
    for lesson in lessons:
        examples = _dev_examples(lesson.task, source)
        for name in lesson.reported:
            task = registry.load("task", name)
            if task.head and comparable(task, kind(lesson.task)):
                _check_apart(task, source, lesson.task.name, examples)
        selected_by += examples
    return tuple(selected_by)


def _check_apart(task: TaskSpec, source: Source, learned: str, examples: Sequence[Example]) -> None:
    mine = {key for example in examples for key in keys(example)}
    for language in loading.available(task, source, "auto"):
        try:
            split = loading.resolve(task, source, "auto", language)
        except MissingData:
            continue
        same = [example.id for example in split.examples if not keys(example).isdisjoint(mine)]
        if same:
            raise Contamination(
                f"The validation data of {learned} share {len(same)} examples with "
                f"{task.name}/{split.split}/{language}, which is reported (first: {same[0]}): nothing may be selected "
                "by them. Use select = none."
            )

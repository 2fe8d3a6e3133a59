"""The model under attack, as an attack knows it: how right its answers to candidates are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from robust_xtreme.attack.goals import AnswerScores, Ask, Goal, settings_of
from robust_xtreme.core import registry
from robust_xtreme.core.columns import Choices, ExampleColumns, Ranges, TargetColumn, column_of, written
from robust_xtreme.core.edits import Array
from robust_xtreme.core.metric import Metric, Responses
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.predictors.predictor import PredictedMargins, Predictor, Weighing
from robust_xtreme.models.reading.reading import Candidates, Inputs, Reduced, contents_of
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.retrieval.embeddings import StoredVectors
from robust_xtreme.noise.engine.noised import PerturbedExamples

Weigh = Callable[[Inputs, Weighing], PredictedMargins]
"""Predictions and margins of inputs."""

_FIRST: Final = "retrieval_accuracy"
"""The metric of documents under attack: whether a gold one is first."""


def victim(task: TaskSpec, predictor: Predictor, weigh: Weigh, pool: Candidates | None) -> Callable[[str], Ask]:
    """The model of a task, `pool` being the candidates of a search, under attacks with a target ("": none)."""
    goal: Goal = registry.load("goal", task.family)
    named = task.metrics if pool is None else (_FIRST,)
    exact = next((name for name in named if name.endswith("_em")), named[0])  # by which an answer is right or not
    metrics: list[Metric] = [registry.load("metric", name) for name in (named[0], exact)]
    known = StoredVectors()

    def ask(target: int | None, shown: PerturbedExamples) -> AnswerScores:
        examples = list(shown)
        golds = column_of([example.target for example in examples])
        wanted = golds if target is None else Choices(np.full(len(examples), target))
        inputs = predictor.prepare(contents_of(examples))
        if inputs.contents.golds is not None:  # where they are in what the model reads
            wanted = inputs.contents.golds
        if pool is not None:
            inputs = replace(inputs, pool=np.zeros(len(inputs), np.int64), pools=(pool,))
        weighed = weigh(inputs, _weighing(goal, wanted, known))
        predicted, margin = weighed.predicted.targets, weighed.margin
        if isinstance(predicted, Ranges):  # where the gold answer is in no window there is none
            predicted = predicted.without(inputs.lost[inputs.content])
        if target is None:
            level, right = _levels(shown, predicted, metrics)
        else:
            (level, right), margin = _aimed(predicted, golds, target, not shown.numbers), -margin
        finite = weighed.predicted.finite
        return AnswerScores(np.where(finite, level, 1.0), right | ~finite, np.where(finite, margin, 0), finite)

    labels = task.labels
    return lambda target: partial(ask, labels.index(target) if target else None)


def _aimed(predicted: TargetColumn, golds: TargetColumn, target: int, are_clean: bool) -> tuple[Array, Array]:
    """As `_levels`, where an attack aims at one class: any other is right, of clean answers only the gold ones."""
    assert isinstance(predicted, Choices)
    assert isinstance(golds, Choices)
    missed = predicted.index != target
    right = missed & (predicted.index == golds.index) if are_clean else missed
    return missed.astype(np.float64), right


def _weighing(goal: Goal, golds: TargetColumn, pool: StoredVectors) -> Weighing:
    def part(windows: Windows, scores: Array, meanings: Sequence[Any]) -> Reduced:
        return goal.part(windows, scores, meanings, golds)

    def margin(content: Array, bounds: Array, parts: Reduced) -> Array:
        return goal.margin(bounds, parts, golds.take(content))

    return Weighing(part, margin, written(golds), settings_of(goal), pool)


def _levels(shown: PerturbedExamples, predicted: TargetColumn, metrics: Sequence[Metric]) -> tuple[Array, Array]:
    """How right each answer is (n,), from 0 to 1 by the headline metric, and whether it counts as right (n,) bool."""
    clean = ExampleColumns(shown.clean)
    golds = clean.targets
    if isinstance(golds, Choices) and isinstance(predicted, Choices):
        same = golds.index == predicted.index
        return same.astype(np.float64), same
    perturbed = ExampleColumns(shown, clean, shown) if shown.numbers else clean
    responses = Responses(clean, perturbed, predicted, shown.restored(predicted))
    level, exact = (_alone(metric, responses) for metric in metrics)
    return level, exact >= 1


def _alone(metric: Metric, responses: Responses) -> Array:
    """The metric of each example alone (n,), from 0 to 1; 1 where there is nothing to get right or wrong."""
    values = metric.everywhere(responses)
    alone = np.asarray(metric.reduce(values)) / 100.0
    return np.where(values.any(axis=1), alone, 1.0)

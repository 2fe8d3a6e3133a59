"""The model under attack, as an attack knows it: how right its answers to candidates are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme import registry
from robust_xtreme.attack.answers import Answers, Ask
from robust_xtreme.errors import SpecError
from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.examples import Example, Tags, Target
from robust_xtreme.metric import Metric
from robust_xtreme.noise.engine.perturbed import PerturbedExamples
from robust_xtreme.predictors.predictor import Predictor
from robust_xtreme.reading.contents import contents_of
from robust_xtreme.reading.inputs import Inputs
from robust_xtreme.target_columns import column_of

Answer = Callable[[Inputs], Sequence[Target | None]]
_PERCENT: Final = 100.0


def victim(task_run: TaskRun, predictor: Predictor, answer: Answer) -> Ask:
    """The model of a task run, asked by `answer` for predictions alone. Raises SpecError for a task with a pool."""
    if task_run.task.pool is not None:
        raise SpecError(f"{task_run.label} is answered by a search, which an attack cannot query. Leave it out.")
    metric: Metric = registry.load("metric", task_run.task.metrics[0])

    def ask(shown: PerturbedExamples) -> Answers:
        examples = list(shown)
        answers = answer(predictor.prepare(contents_of(examples)))
        finite = np.array([given is not None for given in answers], np.bool_)
        level = np.ones(len(examples))
        level[finite] = _levels(metric, [(each, given) for each, given in zip(examples, answers, strict=True) if given])
        return Answers(level, level >= 1, np.zeros(len(examples), np.int64), finite)

    return ask


def _levels(metric: Metric, answered: Sequence[tuple[Example, Target]]) -> np.ndarray[Any, Any]:
    """How right each answer is (n,), from 0 to 1: the share of right tags, else the metric of the example alone."""
    if answered and isinstance(answered[0][1], Tags):
        return np.array([_same(example.target, given) for example, given in answered])
    sums = metric.alone([example for example, _ in answered], column_of([given for _, given in answered]))
    levels: np.ndarray[Any, Any] = np.asarray(metric.reduce(sums)) / _PERCENT
    return levels


def _same(gold: Target, given: Target) -> float:
    assert isinstance(gold, Tags)
    assert isinstance(given, Tags)
    return sum(a == b for a, b in zip(gold.names, given.names, strict=True)) / max(1, len(gold.names))

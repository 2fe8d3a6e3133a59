"""Lets a condition query the model of a task run: the score of its answers where a text is replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from robust_xtreme import registry
from robust_xtreme.edits import SpanTable
from robust_xtreme.errors import SpecError
from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.examples import Example, Target, Text
from robust_xtreme.metric import Metric
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import Ask
from robust_xtreme.noise.engine.perturbed import noise_example
from robust_xtreme.predictors.predictor import Predictor
from robust_xtreme.reading.contents import contents_of
from robust_xtreme.reading.inputs import Inputs
from robust_xtreme.target_columns import column_of

Answer = Callable[[Inputs], Sequence[Target | None]]
_PERCENT: Final = 100.0


def asking(task_run: TaskRun, examples: Sequence[Example], predictor: Predictor, answer: Answer) -> Ask:
    """The function that conditions call to score replacements of texts of these examples.

    `answer` computes the predictions. A text that several examples share has the mean of their scores. Raises SpecError
    for a task with a pool.
    """
    if task_run.task.pool is not None:
        raise SpecError(f"{task_run.label} is answered by a search, which a condition cannot query. Leave it out.")
    metric: Metric = registry.load("metric", task_run.task.metrics[0])
    users: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        for id in {text.id for text in example.texts.values()}:
            users[id].append(example)

    def ask(ids: Sequence[str], values: Sequence[str], spans: SpanTable, /) -> np.ndarray[Any, Any]:
        asked = [
            (row, _altered(example, id, value, spans.of(row, row + 1)))
            for row, (id, value) in enumerate(zip(ids, values, strict=True))
            for example in users[id]
        ]
        shown = [example for _, example in asked]
        answers = answer(predictor.prepare(contents_of(shown)))
        rows, scores = [row for row, _ in asked], _scores(metric, shown, answers)
        return np.bincount(rows, scores, len(ids)) / np.bincount(rows, minlength=len(ids))

    return ask


def _altered(example: Example, id: str, value: str, spans: SpanTable) -> Example:
    """The example where its text with that id has another value and other span bounds."""
    names = [name for name, text in example.texts.items() if text.id == id]
    clean = example.texts[names[0]]
    bounds = zip(clean.spans, spans.start.tolist(), spans.stop.tolist(), strict=True)
    moved = tuple(replace(span, start=start, stop=stop) for span, start, stop in bounds)
    noised = Noised(clean, Text(id, clean.language, value, moved), "ok", 0, {}, 0, 0, 0, 0)
    return noise_example(example, {id: noised}, names)


def _scores(metric: Metric, shown: Sequence[Example], answers: Sequence[Target | None]) -> np.ndarray[Any, Any]:
    """The metric of each example alone (n,), from 0 to 1; 0 where the answer is not finite."""
    pairs = [(example, answer) for example, answer in zip(shown, answers, strict=True) if answer is not None]
    finite = np.array([answer is not None for answer in answers], np.bool_)
    sums = metric.alone([example for example, _ in pairs], column_of([answer for _, answer in pairs]))
    scores = np.zeros(len(shown))
    scores[finite] = np.asarray(metric.reduce(sums)) / _PERCENT
    return scores

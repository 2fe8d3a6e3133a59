"""The answers to a task run, in the coordinates of noisy and of clean text, and the columns of its cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import polars as pl

from robust_xtreme.evaluation.prepare import Prepared, Variant
from robust_xtreme.examples import Answers, Example, Span, Target
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.predictors.predictor import Predicted
from robust_xtreme.reading.inputs import Input
from robust_xtreme.results.schema import CELL

Columns = dict[str, Any]
"""Columns of a frame; a string or a number represents a column of it."""


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """A prepared task run with the predictions for its distinct inputs."""

    prepared: Prepared
    predicted: Predicted

    def answer(self, variant: Variant, index: int) -> Target | None:
        """The answer to an example of a variant; None where its scores are not finite."""
        return self.predicted.answer(int(variant.inputs[index]))

    def input_of(self, variant: Variant, index: int) -> Input:
        """The input of an example of a variant."""
        return self.prepared.inputs[int(variant.inputs[index])]


def spread(columns: Columns, height: int) -> Columns:
    """Repeat single values to the height of the frame."""
    whole_columns = dict(columns)
    for name, value in columns.items():
        if isinstance(value, (str, int)):
            # `new_from_index` takes a tenth of the time of `pl.repeat`.
            single = pl.Series([value], dtype=pl.String if isinstance(value, str) else pl.Int64)
            whole_columns[name] = single.new_from_index(0, height)
    return whole_columns


def cell_of(prepared: Prepared, variant: Variant) -> Columns:
    """The columns of a cell, and the noise seed."""
    task_run = prepared.task_run
    values = (
        task_run.model.name,
        task_run.data,
        task_run.task.name,
        task_run.split,
        *task_run.languages,
        task_run.setting,
        task_run.inference,
        variant.condition.name,
    )
    return {**dict(zip(CELL, values, strict=True)), "noise_seed": variant.seed}


def whole(answered: Answered, variant: Variant) -> bool:
    """Whether every answer to a variant is finite."""
    return bool(answered.predicted.finite[list(variant.inputs)].all())


def counted(answered: Answered, variant: Variant, index: int) -> Target:
    """The answer that is scored: an empty one where the gold answer was truncated."""
    answer = answered.answer(variant, index)
    if answer is None:
        raise AssertionError("a condition with missing answers has no statistics")
    return Answers(()) if answered.input_of(variant, index).status == "truncated_gold" else answer


def restored(prediction: Target, clean: Example, variant: Variant) -> Target:
    """A prediction mapped back through the edits to the coordinates of the clean example."""
    return moved(prediction, clean, variant, Noised.to_clean)


def moved(
    prediction: Target, clean: Example, variant: Variant, move: Callable[[Noised, int, int], tuple[int, int]]
) -> Target:
    """A prediction of spans with each span moved through the edits of the context, where the context is noised."""
    if not isinstance(prediction, Answers) or variant.shown is None or "context" not in variant.shown.numbers:
        return prediction
    context = variant.outcome(clean.texts["context"].id)
    return Answers(tuple(Span(*move(context, span.start, span.stop)) for span in prediction.spans))

"""The answers to a task run, in the coordinates of noisy and of clean text, and the columns of its cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme.core.columns import ExampleColumns, Ranges, TargetColumn, bounds_of, owners
from robust_xtreme.core.edits import Array
from robust_xtreme.core.metric import Responses
from robust_xtreme.files.schema import CELL
from robust_xtreme.models.predictors.predictor import Predicted
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.traces import Ends
from robust_xtreme.run.prepare import Prepared, Variant

_CONTEXT: Final = "context"

Columns = dict[str, Any]
"""Columns of a frame; a string or a number represents a column of it."""


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """A prepared task run with the predictions for its distinct inputs."""

    prepared: Prepared
    predicted: Predicted


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


def columns_of(prepared: Prepared) -> tuple[ExampleColumns, ...]:
    """The examples of each variant; the clean ones are one object with those of the clean variant."""
    clean = ExampleColumns(prepared.examples)
    shown = (variant.shown for variant in prepared.variants)
    return tuple(clean if noised is None else ExampleColumns(noised, clean, noised) for noised in shown)


def responses_of(answered: Answered, columns: Sequence[ExampleColumns]) -> list[Responses | None]:
    """The answers to each variant as metrics read them; None where one to its condition is not finite.

    `columns` are the examples of each variant, the clean ones first.
    """
    prepared, predicted = answered.prepared, answered.predicted
    failed = {variant.condition.name for variant in prepared.variants if not predicted.finite[variant.inputs].all()}
    answers = _without(predicted.targets, prepared.inputs.lost[prepared.inputs.content])
    several: list[Responses | None] = []
    for variant, perturbed in zip(prepared.variants, columns, strict=True):
        anew = predicted.retuned.take(variant.inputs) if predicted.retuned else None
        given = responses(columns[0], perturbed, variant, answers.take(variant.inputs), anew)
        several.append(None if variant.condition.name in failed else given)
    return several


def responses(
    clean: ExampleColumns,
    perturbed: ExampleColumns,
    variant: Variant,
    answers: TargetColumn,
    retuned: TargetColumn | None = None,
) -> Responses:
    """The answers to a variant, which are in its coordinates."""
    return Responses(clean, perturbed, answers, restored(answers, variant), retuned)


def restored(answers: TargetColumn, variant: Variant) -> TargetColumn:
    """Answers to a variant mapped back through the edits to the coordinates of the clean examples."""
    return _moved(answers, variant, NoisedTexts.to_clean)


def displaced(answers: TargetColumn, variant: Variant) -> TargetColumn:
    """Answers to the clean examples in the coordinates of a variant."""
    return _moved(answers, variant, NoisedTexts.to_noisy)


def _moved(answers: TargetColumn, variant: Variant, move: Callable[[NoisedTexts, Array, Ends], Ends]) -> TargetColumn:
    """Answers with each span moved through the edits of the context, where the context is noised."""
    if not isinstance(answers, Ranges) or variant.shown is None or _CONTEXT not in variant.shown.numbers:
        return answers
    texts = variant.shown.numbers[_CONTEXT][owners(answers.bounds)]
    return Ranges(*move(variant.shown.noised, texts, (answers.start, answers.stop)), answers.bounds)


def _without(answers: TargetColumn, cut: Array) -> TargetColumn:
    """The answers; an empty one where a gold answer was truncated (n,)."""
    if not isinstance(answers, Ranges) or not cut.any():
        return answers
    kept = ~cut[owners(answers.bounds)]
    return Ranges(answers.start[kept], answers.stop[kept], bounds_of(np.where(cut, 0, np.diff(answers.bounds))))

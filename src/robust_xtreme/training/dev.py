"""A score on validation data during training: shown, written to metrics.csv, and used for selection on request only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from robust_xtreme import registry
from robust_xtreme.errors import Contamination, MissingData, NotFinite
from robust_xtreme.examples import Example, Scored
from robust_xtreme.models.windows import Window, collate, encoder_inputs
from robust_xtreme.predictors.family import Family, windows_of
from robust_xtreme.sources import loading, selecting
from robust_xtreme.sources.source import Source, open_source
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.contamination import comparable, keys, kind
from robust_xtreme.training.lessons import Lesson
from robust_xtreme.training.spec import TrainSpec

_EXAMPLES: Final = 150
_BATCH: Final = 32


def dev_score(
    task: TaskSpec, data: Source | Path, encoder: nn.Module, head: nn.Module, tokenizer: Any
) -> Callable[[], float] | None:
    """A function that computes the task's first metric on some validation examples; None where there are none.

    Tasks with a pool have no such score: it would need the vectors of the whole pool after each epoch.
    """
    examples = _dev_examples(task, data)
    if not examples:
        return None
    family: Family = registry.load("family", task.family)
    windows = windows_of(family, task, examples, tokenizer)

    def score() -> float:
        rows = _rows(family, encoder, head, windows, int(tokenizer.pad_token_id))
        return _score(task, family, examples, windows, rows)

    return score


def _dev_examples(task: TaskSpec, data: Source | Path) -> tuple[Example, ...]:
    if task.pool is not None:
        return ()
    if task.parts:
        return tuple(example for part in task.parts for example in _dev_examples(part, data))
    try:
        split = loading.load(task, data, task.train_languages[0], "validation")
    except MissingData:
        return ()
    return selecting.limit(split.examples, _EXAMPLES) if split.labelled else ()


def selection(lessons: Sequence[Lesson], spec: TrainSpec) -> tuple[Example, ...]:
    """The examples that weights are selected by; none of them is in a reported split.

    Raises Contamination where one of them is in a split that a reported task would be evaluated on.
    """
    source = open_source(spec.data, offline=spec.offline)
    selected_by: list[Example] = []
    for lesson in lessons:
        examples = _dev_examples(lesson.task, source)
        mine = {key for example in examples for key in keys(example)}
        for name in lesson.reported:
            task = registry.load("task", name)
            if task.head and comparable(task, kind(lesson.task)):
                _check_apart(task, source, lesson.task.name, mine)
        selected_by += examples
    return tuple(selected_by)


def _check_apart(task: TaskSpec, source: Source, learned: str, mine: Collection[str]) -> None:
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


@torch.inference_mode()
def _rows(
    family: Family, encoder: nn.Module, head: nn.Module, windows: Sequence[Window], pad_id: int
) -> list[np.ndarray[Any, Any]]:
    device = next(encoder.parameters()).device
    rows: list[np.ndarray[Any, Any]] = []
    for start in range(0, len(windows), _BATCH):
        part = windows[start : start + _BATCH]
        ids, mask = (tensor.to(device) for tensor in collate(part, pad_id))
        hidden = encoder(**encoder_inputs(encoder, ids, mask, part)).last_hidden_state
        rows += list(family.forward(head, hidden, mask, part).float().cpu().numpy())
    return rows


def _score(
    task: TaskSpec, family: Family, examples: Sequence[Example], windows: Sequence[Window], rows: Sequence[Any]
) -> float:
    metric = registry.load("metric", task.metrics[0])
    windows_of: defaultdict[int, list[int]] = defaultdict(list)
    for number, window in enumerate(windows):
        windows_of[window.example].append(number)
    sums = []
    for index, example in enumerate(examples):
        indices = windows_of[index]
        try:
            predicted = family.decode(
                example, [windows[index] for index in indices], [rows[index] for index in indices], task.labels
            )
        except NotFinite:
            return 0.0
        sums.append(metric.stats(Scored(example, example, predicted, predicted))["all"])
    return float(metric.reduce(np.array(sums, dtype=np.float64).sum(axis=0)))

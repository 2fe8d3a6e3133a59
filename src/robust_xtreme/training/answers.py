"""What a stage asks of the model that it trains: a score on validation data, and attacked examples.

A score is shown, written to metrics.csv, and used for selection on request only. The examples of a step are attacked
with the weights as they are before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
from torch import nn

from robust_xtreme.attack.attacking import attacked, plan_of
from robust_xtreme.attack.victim import victim
from robust_xtreme.core import registry
from robust_xtreme.core.contamination import comparable, keys, kind
from robust_xtreme.core.errors import Contamination, MissingData, SpecError
from robust_xtreme.core.examples import Example, kind_of
from robust_xtreme.core.metric import Metric
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.models.loading import Checkpoint
from robust_xtreme.models.predictors.family import Family, windows_of
from robust_xtreme.models.predictors.loaded import Loaded, predict
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead, reader_of
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS, Work
from robust_xtreme.models.reading.reading import contents_of, inputs_of
from robust_xtreme.models.tensors import Scores, evaluating
from robust_xtreme.noise.engine.attack import is_recipe, settings_of
from robust_xtreme.noise.engine.noising import asks, bound
from robust_xtreme.noise.suites import asked
from robust_xtreme.tasks.sources import loading, rows
from robust_xtreme.tasks.sources.source import Source, open_source
from robust_xtreme.training.lessons import Lesson
from robust_xtreme.training.spec import StageSpec, TrainSpec


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


Attack = Callable[[Sequence[Example], PerturbationSpec, int], Sequence[Example]]
"""Examples under an attack on named fields with a noise seed."""


def adversary(task: TaskSpec, family: Family, encoder: nn.Module, head: nn.Module, tokenizer: Any) -> Attack:
    """A function that attacks examples of a task with the present weights, which compute without dropout then.

    Examples that the weights get wrong stay as they are.
    """
    reader, work = reader_of(family, task, tokenizer), Work(BATCH_TOKENS["cpu"])
    present = partial(checkpoint_of, task, family, encoder, head, int(tokenizer.pad_token_id))
    predictor = EncoderHead(task, reader, task.labels, lambda: Loaded(present()))
    asks_of = victim(task, predictor, lambda inputs, weighing: predictor.weigh(inputs, weighing, work), None)

    def attack(examples: Sequence[Example], cell: PerturbationSpec, seed: int) -> Sequence[Example]:
        target = settings_of(bound(cell)[0]).target
        with evaluating(encoder, head):
            (outcome,) = attacked(examples, [plan_of(examples, cell, seed)], asks_of(target), lambda *_: None)
        return outcome.shown

    return attack


def checkpoint_of(task: TaskSpec, family: Family, encoder: nn.Module, head: nn.Module, pad_id: int) -> Checkpoint:
    """The weights of a stage as they are, as predictors know them, which read what is encoded already."""
    return Checkpoint(
        encoder=encoder,
        head=head,
        tokenizer=None,
        family=family,
        labels=task.labels,
        name=task.name,
        pad_id=pad_id,
        device=next(encoder.parameters()).device,
    )


def attacks_of(stage: StageSpec) -> tuple[PerturbationSpec, ...]:
    """The attacks among the perturbations of a stage."""
    return tuple(each.cell for each in asked(stage.perturb, stage.keep_names) if asks(each.cell))


def passes_of(stage: StageSpec) -> float:
    """How often an example is read for an attack before a step reads it, on average, at most."""
    attacks = attacks_of(stage)
    queries = sum(1 + settings_of(bound(attack)[0]).queries for attack in attacks)
    return queries / len(asked(stage.perturb, stage.keep_names)) if attacks else 0.0


def check_attacks(spec: TrainSpec) -> None:
    """Raise SpecError where a stage is attacked that cannot be."""
    for name, stage in spec.stages:
        for attack in attacks_of(stage):
            if is_recipe(attack.name):
                raise SpecError(f"[{name}] perturb {attack}: recipes of TextAttack are perturbations of eval alone.")
            settings = settings_of(bound(attack)[0])
            if settings.similar:
                what = "what @similar compares by are the vectors of a model that does not change"
                raise SpecError(f"[{name}] perturb {attack}: {what}. Leave it out.")
            target = settings.target
            without = [task.name for task in stage.learned() if target and target not in task.labels]
            if without:
                raise SpecError(f"[{name}] perturb {attack}: {without[0]} has no label {target!r}.")
            pooled = [task.name for task in stage.learned() if kind_of(task.family).searched]
            if pooled:
                what = f"{pooled[0]} learns from the documents of a batch, among which an attack has none to search"
                raise SpecError(f"[{name}] perturb {attack}: {what}.")
            if spec.devices > 1:
                what = "attacks use the weights of one device. Leave out --devices."
                raise SpecError(f"[{name}] perturb {attack}: {what}")

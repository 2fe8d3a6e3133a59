"""Adversarial training: the examples of a step under attack, with the weights as they are before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import nn

from robust_xtreme.attack.attacking import attacked, plan_of
from robust_xtreme.attack.victim import victim
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Example, kind_of
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.models.loading import Checkpoint
from robust_xtreme.models.predictors.batches import BATCH_TOKENS
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.predictors.loaded import Loaded
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead, reader_of
from robust_xtreme.models.predictors.predictor import Work
from robust_xtreme.models.tensors import evaluating
from robust_xtreme.noise.engine.attack import is_recipe, settings_of
from robust_xtreme.noise.engine.noising import asks, bound
from robust_xtreme.noise.suites import asked
from robust_xtreme.training.spec import StageSpec, TrainSpec

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

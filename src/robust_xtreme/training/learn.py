"""From a stage's lessons and text to what its loop computes: parts, plan, rates, and a score on validation data."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from torch import nn

from robust_xtreme.core import registry
from robust_xtreme.core.errors import MissingData
from robust_xtreme.core.examples import Example, digest
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.models.predictors.family import Family, windows_of
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.noise.conditions.condition import named
from robust_xtreme.noise.engine.noising import asks, seed_of_pass
from robust_xtreme.noise.suites import asked, refusing
from robust_xtreme.tasks.sources.source import open_source
from robust_xtreme.training import objective
from robust_xtreme.training.chain import ChainStage
from robust_xtreme.training.device import own_random
from robust_xtreme.training.images.pairs import Pairs
from robust_xtreme.training.images.towers import contrast_part, new_tower, read_tower, vision_folder
from robust_xtreme.training.lessons import Lesson
from robust_xtreme.training.module import Schedule
from robust_xtreme.training.objective import NAME, Attack, Draw, HeadUnits, adversary, masked_part, task_part
from robust_xtreme.training.sampling import Draws, SamplingPlan, parse_sampling
from robust_xtreme.training.spec import StageSpec, TrainSpec, defaults


@dataclass(frozen=True, slots=True)
class Learning:
    """What a stage's loop computes. `heads` are those of the lessons, in order; the heads of masked LM and of
    images are not kept."""

    parts: tuple[HeadUnits, ...]
    plan: SamplingPlan
    schedule: Schedule
    heads: tuple[nn.Module, ...]


def learning(link: ChainStage, spec: TrainSpec, encoder: Any, tokenizer: Any) -> Learning:
    """Everything that the loop of a stage needs except the encoder. Raises ModelError, MissingData."""
    stage = link.stage
    taught = tuple(_part(lesson, stage, encoder, tokenizer) for lesson in link.lessons)
    parts = taught
    if lines := link.lines():
        parts = (*taught, masked_part(encoder, tokenizer, lines, stage.seed))
    if link.pairs and stage.control != NAME:
        parts = (_contrast(link.pairs, stage, spec, encoder, tokenizer),)
    images = [(1,) * len(link.pairs.pictures)] if link.pairs and not parts else []
    plan = plan_for(stage, images or [part.lengths for part in parts])
    if stage.control == NAME:
        parts, taught = (masked_part(encoder, tokenizer, link.texts(), stage.seed),), ()
        plan = SamplingPlan(parts[0].lengths, stage.batch_size, stage.seed, plan.steps)
    recipe = defaults(stage, spec.recipe)
    fused = spec.optimizer == "adamw_fused" and spec.precision != "fp16"
    warmup = recipe.warm(plan.steps)
    schedule = Schedule(stage.lr, plan.steps, warmup, recipe.weight_decay, spec.schedule, fused)
    return Learning(parts, plan, schedule, tuple(part.head for part in taught))


def _contrast(pairs: Pairs, stage: StageSpec, spec: TrainSpec, encoder: Any, tokenizer: Any) -> HeadUnits:
    """The contrast of a stage of images, with a new image tower or the one that it names."""
    tower = new_tower
    if stage.vision:
        tower = partial(read_tower, vision_folder(stage.vision, offline=spec.offline))
    return contrast_part(encoder, tokenizer, pairs, stage.contrast, stage.seed, tower)


def _part(lesson: Lesson, stage: StageSpec, encoder: Any, tokenizer: Any) -> HeadUnits:
    task = lesson.task
    family: Family = registry.load("family", task.family)
    with own_random(stage.seed):
        head = family.head(int(encoder.config.hidden_size), task.labels)
    windows = windows_of(family, task, lesson.examples, tokenizer)
    draw = None
    cells = (each.cell for each in asked(stage.perturb, stage.keep_names))
    if specs := [cell for cell in cells if not refusing(cell, task.family, task.name)]:
        attack = adversary(task, family, encoder, head, tokenizer)
        draw = _noise(lesson, family, stage, specs, tokenizer, attack)
    return task_part(task, family, head, windows, lesson.examples, draw)


def _noise(
    lesson: Lesson, family: Family, stage: StageSpec, specs: Sequence[PerturbationSpec], tokenizer: Any, attack: Attack
) -> Draw:
    """A function that noises examples for a pass and encodes them; each example draws one of the perturbations.

    An attack searches with the weights as they are where the examples are drawn, before the step that learns from them.
    """

    def draw(draws: Sequence[tuple[int, int]]) -> tuple[Windows, Sequence[Example]]:
        alike: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for index, (unit, turn) in enumerate(draws):
            number = int(digest("training noise", str(stage.seed), str(turn), lesson.examples[unit].id), 16)
            alike[number % len(specs), turn].append(index)
        noised: dict[int, Example] = {}
        for (number, turn), indices in alike.items():
            spec, examples = specs[number], [lesson.examples[draws[index][0]] for index in indices]
            seed = seed_of_pass(stage.seed, turn)
            cell = spec.on(*(spec.fields or lesson.task.fields))
            shown = attack(examples, cell, seed) if asks(cell) else named(str(cell)).shown(examples, seed)
            noised |= dict(zip(indices, shown, strict=True))
        drawn = [noised[index] for index in range(len(draws))]
        return windows_of(family, lesson.task, drawn, tokenizer), drawn

    return draw


def plan_for(stage: StageSpec, lengths: Sequence[Sequence[int]]) -> SamplingPlan:
    """The plan of a resolved stage from the lengths of each part's units.

    It has as many steps as the stage names, or as its epochs take.
    """
    draws = draws_of(stage, [len(units) for units in lengths])
    starts = (0, *accumulate(len(units) for units in lengths[:-1]))
    every = [length for units in lengths for length in units]
    once = SamplingPlan(every, stage.batch_size, stage.seed, 0, starts, draws)
    return replace(once, steps=stage.steps or stage.epochs * once.epoch_steps)


def draws_of(stage: StageSpec, counts: Sequence[int]) -> Draws | None:
    """How tasks are drawn, by the numbers of their units; None where an epoch sees each unit once."""
    sampling = parse_sampling(stage.sampling)
    single = len(counts) == 1 or (sampling.proportional and stage.mixing == "steps")
    if single and not (stage.masked_lm and len(counts) > 1):
        return None
    counts = counts[:-1] if stage.masked_lm else counts
    shares = sampling.shares(counts)
    epoch = sum(-(-min(count, sampling.cap or count) // stage.batch_size) for count in counts)
    if stage.masked_lm:
        shares = (*(share * (1 - stage.masked_lm) for share in shares), stage.masked_lm)
        epoch = math.ceil(epoch / (1 - stage.masked_lm))
    return Draws(shares, stage.mixing == "batches", epoch)


def score_of(
    link: ChainStage, spec: TrainSpec, encoder: Any, heads: Sequence[nn.Module], tokenizer: Any
) -> objective.DevScore | None:
    """The mean score over the tasks that have validation examples; None where no task has any.

    Raises MissingData and Contamination where weights cannot be selected by it.
    """
    if not heads:
        return None
    source = open_source(spec.data, offline=spec.offline)
    tasks = [lesson.task for lesson in link.lessons]
    functions = [
        objective.dev_score(task, source, encoder, head, tokenizer) for task, head in zip(tasks, heads, strict=True)
    ]
    scores = [score for score in functions if score]
    if not scores:
        if link.stage.select != "dev":
            return None
        names = ", ".join(link.stage.tasks)
        raise MissingData(f"{names}: no labelled validation data to select by. Use select = none.")
    ids = np.concatenate([each.ids for each in scores])
    return objective.DevScore(lambda: math.fsum(each.score() for each in scores) / len(scores), ids)

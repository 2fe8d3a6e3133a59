"""From a stage's lessons and text to what its loop computes: parts, plan, rates, and a score on validation data."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, final

from torch import nn

from robust_xtreme import registry
from robust_xtreme.errors import MissingData
from robust_xtreme.examples import Example, digest
from robust_xtreme.models.windows import Window
from robust_xtreme.noise.engine.noising import perturb
from robust_xtreme.noise.suites import asked, refusing
from robust_xtreme.predictors.family import Family, windows_of
from robust_xtreme.sources.source import open_source
from robust_xtreme.specs import PerturbationSpec, TaskSpec
from robust_xtreme.training import controls, dev
from robust_xtreme.training.chain import Link
from robust_xtreme.training.device import own_random
from robust_xtreme.training.lessons import Lesson
from robust_xtreme.training.masked import masked_part
from robust_xtreme.training.module import Schedule
from robust_xtreme.training.objective import Part, noised_part, task_part
from robust_xtreme.training.sampling import Draws, Plan, parse_sampling
from robust_xtreme.training.spec import StageSpec, TrainSpec, defaults
from robust_xtreme.training.text import read_lines

_NOISE_SEEDS: Final = 2**31
_HEX: Final = 16


@final
@dataclass(frozen=True, slots=True)
class Learning:
    """What a stage's loop computes. `heads` are those of the lessons, in order; the head of masked LM is not kept."""

    parts: tuple[Part, ...]
    plan: Plan
    schedule: Schedule
    heads: tuple[nn.Module, ...]
    shares: Mapping[str, float]


def learning(link: Link, spec: TrainSpec, encoder: Any, tokenizer: Any) -> Learning:
    """Everything that the loop of a stage needs except the encoder. Raises ModelError, MissingData."""
    stage = link.stage
    taught = tuple(_part(lesson, stage, encoder, tokenizer) for lesson in link.lessons)
    parts = taught
    if stage.masked_lm or not taught:
        parts = (*taught, _masked(stage, encoder, tokenizer, read_lines(Path(stage.text), stage.of_text)))
    draws = draws_of(stage, parts)
    plan = plan_for(stage, parts, draws)
    if stage.control == "masked_lm":
        lines = controls.texts(example for lesson in link.lessons for example in lesson.examples)
        parts, draws = (_masked(stage, encoder, tokenizer, lines),), None
        plan = Plan(parts[0].lengths, stage.batch_size, stage.seed, plan.steps)
        taught = ()
    schedule = _schedule(stage, spec, plan)
    counts = [len(part.lengths) for part in parts]
    shares = draws.shares if draws else tuple(count / sum(counts) for count in counts)
    names = [part.name for part in parts]
    return Learning(parts, plan, schedule, tuple(part.head for part in taught), dict(zip(names, shares, strict=True)))


def _masked(stage: StageSpec, encoder: Any, tokenizer: Any, lines: Sequence[str]) -> Part:
    with own_random(stage.seed):
        return masked_part(encoder, tokenizer, lines)


# --------------------------------------------------------------------------------------------------------------- parts


def _part(lesson: Lesson, stage: StageSpec, encoder: Any, tokenizer: Any) -> Part:
    task = lesson.task
    family: Family = registry.load("family", task.family)
    with own_random(stage.seed):
        head = family.head(int(encoder.config.hidden_size), task.labels)
    windows = windows_of(family, task, lesson.examples, tokenizer)
    if specs := [name.cell for name in asked(stage.perturb) if not refusing(name.cell, task.family)]:
        draw = _noise(lesson, family, stage, specs, tokenizer)
        return noised_part(task.name, family, head, windows, task.labels, draw)
    return task_part(task.name, family, head, windows, lesson.examples, task.labels)


def _noise(
    lesson: Lesson, family: Family, stage: StageSpec, specs: Sequence[PerturbationSpec], tokenizer: Any
) -> Callable[[Any], tuple[list[Window], Any]]:
    """A function that noises examples for a pass and encodes them; each example draws one of the perturbations."""
    known = lesson.task.fields

    def draw(draws: Sequence[tuple[int, int]]) -> tuple[list[Window], Any]:
        alike: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for index, (unit, turn) in enumerate(draws):
            number = int(digest("training noise", str(stage.seed), str(turn), lesson.examples[unit].id), _HEX)
            alike[number % len(specs), turn].append(index)
        noised: dict[int, Example] = {}
        for (number, turn), indices in alike.items():
            spec, examples = specs[number], [lesson.examples[draws[index][0]] for index in indices]
            shown, _ = perturb(examples, spec.on(*(spec.fields or known)), _seed(stage.seed, turn))
            noised |= dict(zip(indices, shown, strict=True))
        drawn = [noised[index] for index in range(len(draws))]
        return windows_of(family, lesson.task, drawn, tokenizer), drawn

    return draw


def _seed(seed: int, turn: int) -> int:
    """The noise seed of a pass: far from the seeds of evaluation, which are small."""
    return int(digest("noise of a pass", str(seed), str(turn)), _HEX) % _NOISE_SEEDS


# ---------------------------------------------------------------------------------------------------------------- plan


def draws_of(stage: StageSpec, parts: Sequence[Part]) -> Draws | None:
    """How tasks are drawn; None where an epoch sees each unit once."""
    sampling = parse_sampling(stage.sampling)
    single = len(parts) == 1 or (sampling.proportional and stage.mixing == "steps")
    if single and not (stage.masked_lm and len(parts) > 1):
        return None
    taught = parts[:-1] if stage.masked_lm else parts
    counts = [len(part.lengths) for part in taught]
    shares = sampling.shares(counts)
    capped = [min(count, sampling.cap) if sampling.cap else count for count in counts]
    epoch = sum(-(-count // stage.batch_size) for count in capped)
    if stage.masked_lm:
        shares = (*(share * (1 - stage.masked_lm) for share in shares), stage.masked_lm)
        epoch = math.ceil(epoch / (1 - stage.masked_lm))
    return Draws(shares, stage.mixing == "batches", epoch)


def plan_for(stage: StageSpec, parts: Sequence[Part], draws: Draws | None) -> Plan:
    """The plan of a resolved stage: as many steps as it names, or as its epochs take."""
    lengths = [length for part in parts for length in part.lengths]
    starts = (0, *accumulate(len(part.lengths) for part in parts[:-1]))
    once = Plan(lengths, stage.batch_size, stage.seed, 0, starts, draws)
    return Plan(lengths, stage.batch_size, stage.seed, stage.steps or stage.epochs * once.epoch_steps, starts, draws)


def _schedule(stage: StageSpec, spec: TrainSpec, plan: Plan) -> Schedule:
    recipe = defaults(stage, spec.recipe)
    fused = spec.optimizer == "adamw_fused" and spec.precision == "fp32"
    return Schedule(stage.lr, plan.steps, recipe.warm(plan.steps), recipe.weight_decay, spec.schedule, fused)


# --------------------------------------------------------------------------------------------------------------- score


def score_of(
    link: Link, spec: TrainSpec, encoder: Any, heads: Sequence[nn.Module], tokenizer: Any
) -> Callable[[], float] | None:
    """The mean score over the tasks that have validation examples; None where no task has any.

    Raises MissingData and Contamination where weights cannot be selected by it.
    """
    if not heads:
        return None
    source = open_source(spec.data, offline=spec.offline)
    several: list[tuple[TaskSpec, nn.Module]] = [
        (lesson.task, head) for lesson, head in zip(link.lessons, heads, strict=True)
    ]
    functions = [dev.dev_score(task, source, encoder, head, tokenizer) for task, head in several]
    scores = [score for score in functions if score]
    if link.stage.select == "dev" and not scores:
        raise MissingData(
            f"{', '.join(link.stage.tasks)}: no labelled validation data to select by. Use select = none."
        )
    return (lambda: math.fsum(score() for score in scores) / len(scores)) if scores else None

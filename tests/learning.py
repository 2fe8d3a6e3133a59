"""A few steps of training on a handful of examples, with the parts, plan, loader and module of `train`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import torch
from tests.tiny import tiny_encoder, tiny_tokenizer

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import Scores, collate
from robust_xtreme.training.module import Loader, Schedule, TrainingModule
from robust_xtreme.training.objective import HeadUnits, task_part
from robust_xtreme.training.sampling import Draws, SamplingPlan

PAD = 1


def part_of(
    family: Family | str,
    examples: Sequence[Example],
    labels: tuple[str, ...] = (),
    max_length: int = 64,
    hidden_size: int = 16,
) -> HeadUnits:
    """Examples as a part of a stage, with a new head and the tokenizer of single letters."""
    member: Family = registry.load("family", family) if isinstance(family, str) else family
    windows = member.encode(examples, tiny_tokenizer(), max_length, 0)
    return task_part(_task(member, labels), member, member.head(hidden_size, labels), windows, examples)


def _task(family: Family, labels: tuple[str, ...]) -> TaskSpec:
    """A task with those labels, called as the family."""
    task: TaskSpec = registry.load("task", "xnli")
    return replace(task, name=family.name, family=family.name, labels=labels)


def windows_of_part(part: HeadUnits) -> Windows:
    """Every window of a part, in order."""
    return part.take([(unit, 0) for unit in range(len(part.lengths))]).windows


def plan_of(
    parts: Sequence[HeadUnits], size: int, steps: int, seed: int = 0, draws: Draws | None = None
) -> SamplingPlan:
    """The plan of some steps over all units of the parts."""
    lengths = [length for part in parts for length in part.lengths]
    starts = (0, *accumulate(len(part.lengths) for part in parts[:-1]))
    return SamplingPlan(lengths, size, seed, steps, starts, draws)


def learned(
    family: Family,
    examples: Sequence[Example],
    tokenizer: Any,
    steps: int,
    batch_size: int = 8,
    labels: tuple[str, ...] = (),
) -> list[Scores]:
    """The outputs of a tiny encoder and a head for the examples' windows after training on them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = family.head(32, labels)
        encoder = tiny_encoder(len(tokenizer), hidden_size=32)
        windows = family.encode(examples, tokenizer, 64, 0)
        part = task_part(_task(family, labels), family, head, windows, examples)
        module = TrainingModule(encoder, [part], Schedule(3e-3, steps, steps // 10, 0.0)).eval()
        optimizer = module.configure_optimizers()
        for step, batch in enumerate(Loader([part], plan_of([part], batch_size, steps), PAD, 0)):
            optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = module.schedule.at(step)
            optimizer.zero_grad()
            torch.autograd.backward(module.training_step(batch, step))
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
    ids, mask = collate(windows, PAD)
    with torch.inference_mode():
        hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return list(family.forward(head, hidden, mask, windows).numpy())

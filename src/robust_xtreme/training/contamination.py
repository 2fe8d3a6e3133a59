"""Contamination: training data that an evaluated split contains are refused, or dropped and counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme import registry
from robust_xtreme.errors import Contamination
from robust_xtreme.examples import Example
from robust_xtreme.sources import loading
from robust_xtreme.sources.source import Source
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.contamination import keys, unit
from robust_xtreme.training.evaluated_text import EVALUATED, Known

TOLERATED: Final = 0.02
"""The largest share of a split whose units are dropped from training; more is refused."""


@final
@dataclass(frozen=True, slots=True)
class Screened:
    """The examples left, and for each evaluated split (`task/split/language`) the units dropped or allowed."""

    examples: tuple[Example, ...]
    dropped: dict[str, int]
    allowed: dict[str, int]


def reported_tasks(names: Sequence[str], source: Source | Path) -> tuple[TaskSpec, ...]:
    """The tasks that will be reported: those named, or every task that the data contain an evaluated split of.

    Raises UnknownName.
    """
    if names:
        return tuple(registry.load("task", name) for name in names)
    tasks: tuple[TaskSpec, ...] = tuple(registry.load("task", name) for name in registry.names("task"))
    return tuple(task for task in tasks if any(loading.available(task, source, split) for split in EVALUATED))


def screen(
    training: Sequence[Example],
    splits: Iterable[tuple[str, Known]],
    *,
    allow: bool = False,
    drop_all: bool = False,
) -> Screened:
    """Apply the rule to training data against the evaluated splits.

    Short sentences, and shared units up to TOLERATED of a split, are dropped and counted. More are refused, dropped
    too with `drop_all`, or kept and counted with `allow`. Raises Contamination, naming the count and the first example.
    """
    units = [unit(example) for example in training]
    known = [keys(example) for example in training]
    long = {key for unit, keys in zip(units, known, strict=True) if not unit.short for key in keys}
    short = {unit.key for unit in units if unit.short}
    drop: set[str] = set()
    dropped: defaultdict[str, int] = defaultdict(int)
    allowed: dict[str, int] = {}
    for name, split in splits:
        hits = {key: common for key, keys in split.keys.items() if (common := long.intersection(keys))}
        shared = {key: {key} for key in split.first if key in short}
        if drop_all or len(hits) <= TOLERATED * len(split.first):
            shared |= hits
        elif allow:
            allowed[name] = len(hits)
        else:
            raise Contamination(
                f"{len(hits)} of {len(split.first)} {split.kind}s of {name} are in the training data too "
                f"(first: {split.first[next(iter(hits))]}). Train on other data, leave the task out of --reported, "
                "train without them (--overlap drop), or mark all results with --allow-overlap."
            )
        drop.update(*shared.values())
        dropped[name] += len(shared)
    kept = tuple(
        example for example, example_keys in zip(training, known, strict=True) if example_keys.isdisjoint(drop)
    )
    return Screened(kept, {name: count for name, count in dropped.items() if count}, allowed)

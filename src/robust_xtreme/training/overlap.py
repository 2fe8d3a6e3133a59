"""The overlap rule: training data that an evaluated split contains are refused, or dropped and counted."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme import registry
from robust_xtreme.errors import MissingData, Overlap
from robust_xtreme.examples import Example
from robust_xtreme.families._overlap import comparable, keys, unit
from robust_xtreme.sources import _load
from robust_xtreme.sources._pools import Pools
from robust_xtreme.sources._release import Release
from robust_xtreme.sources._source import Source
from robust_xtreme.specs import TaskSpec

TOLERATED: Final = 0.02
"""Up to this share of a split, shared units are dropped from training instead of refused."""

EVALUATED: Final = ("validation", "test")


@final
@dataclass(frozen=True, slots=True)
class Screened:
    """What is left to train on, and per evaluated split (`task/split/language`) the units dropped or allowed."""

    examples: tuple[Example, ...]
    dropped: dict[str, int]
    allowed: dict[str, int]


def reported_tasks(names: Sequence[str], source: Source | Path) -> tuple[TaskSpec, ...]:
    """The tasks that will be reported: those named, or every task that the data hold an evaluated split of.

    Raises UnknownName.
    """
    if names:
        return tuple(registry.load("task", name) for name in names)
    tasks: tuple[TaskSpec, ...] = tuple(registry.load("task", name) for name in registry.names("task"))
    return tuple(task for task in tasks if any(_load.available(task, source, split) for split in EVALUATED))


def evaluated(
    tasks: Iterable[TaskSpec], source: Source | Path, wanted: str
) -> Iterator[tuple[str, tuple[Example, ...]]]:
    """The name and examples of every validation and test split whose units can be those of the wanted kind.

    Tasks without a head learn nothing, and are left out. So is a split that the hub turns out not to hold: nothing can
    be reported on it.
    """
    pools = Pools(Release(source) if isinstance(source, Path) else source)
    for task in tasks:
        if not task.head or not comparable(task, wanted):
            continue
        for split in EVALUATED:
            languages = _load.available(task, source, split)
            _load.fetch(task, source, split, languages)
            for language in languages:
                with contextlib.suppress(MissingData):
                    yield f"{task.name}/{split}/{language}", _load.load(task, source, language, split, pools).examples


def screen(
    training: Sequence[Example],
    splits: Iterable[tuple[str, tuple[Example, ...]]],
    *,
    allow: bool = False,
    drop_all: bool = False,
) -> Screened:
    """Apply the rule to training data against the evaluated splits.

    Short sentences, and what makes up at most TOLERATED of a split, are dropped and counted; more is refused, dropped
    too where `drop_all`, or kept and counted where `allow`. Raises Overlap, naming the count and the first example.
    """
    units = [unit(example) for example in training]
    known = [keys(example) for example in training]
    long = {key for one, own in zip(units, known, strict=True) if not one.short for key in own}
    short = {one.key for one in units if one.short}
    drop: set[str] = set()
    dropped: defaultdict[str, int] = defaultdict(int)
    allowed: dict[str, int] = {}
    for name, examples in splits:
        here, hits = _common(examples, long)
        gone = {key: {key} for key in here if key in short}
        if drop_all or len(hits) <= TOLERATED * len(here):
            gone |= hits
        elif allow:
            allowed[name] = len(hits)
        else:
            raise Overlap(_refusal(name, unit(examples[0]).kind, list(hits), here))
        drop.update(*gone.values())
        dropped[name] += len(gone)
    kept = tuple(example for example, one in zip(training, known, strict=True) if one.isdisjoint(drop))
    return Screened(kept, {name: count for name, count in dropped.items() if count}, allowed)


def _common(examples: Iterable[Example], trained: Collection[str]) -> tuple[dict[str, str], dict[str, set[str]]]:
    """The first example of each unit of a split, and of the units that are trained on, by which keys they are known."""
    here: dict[str, str] = {}
    hits: dict[str, set[str]] = {}
    for example in examples:
        key = unit(example).key
        here.setdefault(key, example.id)
        if common := keys(example).intersection(trained):
            hits.setdefault(key, set()).update(common)
    return here, hits


def _refusal(name: str, kind: str, hits: Sequence[str], here: dict[str, str]) -> str:
    return (
        f"{len(hits)} of {len(here)} {kind}s of {name} are in the training data too (first: {here[hits[0]]}). "
        "Train on other data, leave the task out of --reported, train without them (--overlap drop), or mark all "
        "results with --allow-overlap."
    )

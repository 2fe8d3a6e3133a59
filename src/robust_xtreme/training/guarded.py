"""What of an evaluated split must not stand in training data: its units, kept from one run to the next."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.errors import MissingData
from robust_xtreme.examples import Example, digest
from robust_xtreme.families._overlap import comparable, keys, unit
from robust_xtreme.results import cache
from robust_xtreme.sources import _load
from robust_xtreme.sources._pools import Pools
from robust_xtreme.sources._release import Release
from robust_xtreme.sources._source import Source
from robust_xtreme.specs import TaskSpec

EVALUATED: Final = ("validation", "test")
_KIND: Final = "units"
_VERSION: Final = "1"
"""Raised when what a unit is, or how an example becomes one, changes."""


@final
@dataclass(frozen=True, slots=True)
class Known:
    """The units of a split by their keys: the first example of each, and every key that it is known by."""

    kind: str
    first: Mapping[str, str]
    keys: Mapping[str, tuple[str, ...]]


def known(examples: Iterable[Example]) -> Known:
    """The units of some examples."""
    kind = ""
    first: dict[str, str] = {}
    every: dict[str, set[str]] = {}
    for example in examples:
        one = unit(example)
        kind = one.kind
        first.setdefault(one.key, example.id)
        every.setdefault(one.key, set()).update(keys(example))
    return Known(kind, first, {key: tuple(sorted(found)) for key, found in every.items()})


def evaluated(tasks: Iterable[TaskSpec], source: Source | Path, wanted: str) -> Iterator[tuple[str, Known]]:
    """The name and units of every validation and test split whose units can be those of the wanted kind.

    Tasks without a head learn nothing, and are left out. So is a split that the hub turns out not to hold: nothing can
    be reported on it.
    """
    source = Release(source) if isinstance(source, Path) else source
    pools = Pools(source)
    kept = cache.opened(lambda line: warnings.warn(line, stacklevel=2))
    with contextlib.closing(kept):
        for task in tasks:
            if not task.head or not comparable(task, wanted):
                continue
            for split in EVALUATED:
                languages = _load.available(task, source, split)
                _load.fetch(task, source, split, languages)
                for language in languages:
                    with contextlib.suppress(MissingData):
                        yield f"{task.name}/{split}/{language}", _once(task, source, language, split, pools, kept)


def _once(task: TaskSpec, source: Source, language: str, split: str, pools: Pools, kept: cache.Cache) -> Known:
    """The units of a split, from the cache where its files are those that they were read from."""
    signature = source.signature(task, language, split) if isinstance(source, Release) and task.pool is None else ""
    if not signature:
        return known(_load.load(task, source, language, split, pools).examples)
    key = digest(_KIND, _VERSION, task.name, split, language, signature).encode()
    held = kept.get(_KIND, [key]).get(key)
    if held is not None:
        kind, first, every = json.loads(held)
        return Known(kind, first, {name: tuple(found) for name, found in every.items()})
    found = known(_load.load(task, source, language, split, pools).examples)
    kept.put(_KIND, {key: json.dumps([found.kind, found.first, found.keys])})
    return found

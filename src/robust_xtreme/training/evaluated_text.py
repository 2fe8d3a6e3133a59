"""The units of evaluated splits, which training data must not contain; cached from run to run."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache as cached
from pathlib import Path
from typing import Final, final

from robust_xtreme import __version__
from robust_xtreme.errors import MissingData
from robust_xtreme.examples import Example, digest
from robust_xtreme.formats import reader
from robust_xtreme.results import cache, store
from robust_xtreme.sources import loading
from robust_xtreme.sources.pools import Pools
from robust_xtreme.sources.release import Release
from robust_xtreme.sources.source import Source
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets import contamination as _rule
from robust_xtreme.targets.contamination import comparable, keys, unit

EVALUATED: Final = ("validation", "test")
_KIND: Final = "units"
_sha256: Final = cached(store.sha256)


@final
@dataclass(frozen=True, slots=True)
class Known:
    """The units of a split by key: the first example of each, and every key that identifies it."""

    kind: str
    first: Mapping[str, str]
    keys: Mapping[str, tuple[str, ...]]


def known(examples: Iterable[Example]) -> Known:
    """The units of some examples."""
    kind = ""
    first: dict[str, str] = {}
    every: dict[str, set[str]] = {}
    for example in examples:
        contamination = unit(example)
        kind = contamination.kind
        first.setdefault(contamination.key, example.id)
        every.setdefault(contamination.key, set()).update(keys(example))
    return Known(kind, first, {key: tuple(sorted(ids)) for key, ids in every.items()})


def evaluated(
    tasks: Iterable[TaskSpec], source: Source | Path, wanted: str, tell: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[str, Known]]:
    """The name and units of every validation and test split whose units can be of the wanted kind.

    Tasks without a head learn nothing and are left out, and so is a split that the hub does not contain: it cannot be
    evaluated. Problems of the cache are reported by `tell`.
    """
    source = Release(source) if isinstance(source, Path) else source
    pools = Pools(source)
    kept = cache.opened(tell)
    with contextlib.closing(kept):
        for task in tasks:
            if not task.head or not comparable(task, wanted):
                continue
            for split in EVALUATED:
                languages = loading.available(task, source, split)
                loading.fetch(task, source, split, languages)
                for language in languages:
                    with contextlib.suppress(MissingData):
                        yield f"{task.name}/{split}/{language}", _once(task, source, language, split, pools, kept)


def _once(task: TaskSpec, source: Source, language: str, split: str, pools: Pools, kept: cache.Cache) -> Known:
    """The units of a split, from the cache where the files have not changed."""
    signature = source.signature(task, language, split) if isinstance(source, Release) and task.pool is None else ""
    key = digest(_KIND, _code(task, split), task.name, split, language, signature).encode() if signature else b""
    if key and (stored := kept.get(_KIND, [key]).get(key)) is not None:
        kind, first, every = json.loads(stored)
        return Known(kind, first, {name: tuple(ids) for name, ids in every.items()})
    units = known(loading.load(task, source, language, split, pools).examples)
    if key:
        kept.put(_KIND, {key: json.dumps([units.kind, units.first, units.keys]).encode()})
    return units


def _code(task: TaskSpec, split: str) -> str:
    """The hash of the code that makes units from a split's files: another version does not read the same entry."""
    modules = (reader(task.files[split].reader), inspect.getmodule(task.adapt), _rule)
    files = [Path(module.__file__) for module in modules if module is not None and module.__file__]
    return digest(__version__, repr(task.files[split]), *map(_sha256, files))

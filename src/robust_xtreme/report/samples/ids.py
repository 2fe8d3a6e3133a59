"""The ids of examples: the short one that readers see, and the whole ids that a reader means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import polars as pl

from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.sinks import visible
from robust_xtreme.report.samples.windows import CUT

_LONG: Final = 48


def native(id: str) -> str:
    """The part of an id after task, split and language."""
    return id.split("/", 3)[-1]


def short(id: str) -> str:
    """The id that readers see: its native part, cut where it is long. Several examples may share it."""
    part = native(id)
    return part if len(part) <= _LONG else part[:_LONG] + CUT


def whole_ids(asked: Sequence[str], predictions: pl.LazyFrame) -> tuple[str, ...]:
    """The ids of examples that are asked for whole, without task, split and language, or as they are printed.

    Raises UnknownName for an id that no example of PREDICTIONS has.
    """
    named: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for id in predictions.select(pl.col("example").unique().sort()).collect(engine="streaming").to_series():
        for name in (id, native(id), visible(short(id))):
            named[name][id] = None
    meant: dict[str, None] = {}
    for name in asked:
        if name not in named:
            known = [each for each in named if _group(each) == _group(name)]  # to compare with all takes seconds
            raise UnknownName("example of the run", name, known, "robust-xtreme examples --help")
        meant |= named[name]
    return tuple(meant)


def _group(id: str) -> str:
    """Task, split and language of a whole id."""
    return id.rpartition("/")[0]

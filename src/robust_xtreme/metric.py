"""The type of a metric: sums of each example, which add over any set of examples, and one value of the added sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, final

from robust_xtreme.errors import Mismatch
from robust_xtreme.examples import Scored

ALL: Final = "all"
NOISED_GOLD: Final = "noised_gold"
UNTOUCHED: Final = "untouched"
CLEAN_TWIN: Final = "_clean"
"""The suffix of a scope for the same gold spans in the answer to the clean input."""

Array = Any
"""A numpy array or a torch tensor of shape (..., k): summed stats."""

_T = TypeVar("_T")


@final
@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `stats` maps each scope of an example to sums named by `columns`; sums add over examples.

    `reduce` maps summed stats of shape (..., k) to values of shape (...) from 0 to 100, 0 where nothing was counted.
    The scope `all` counts everything; where gold spans have a text, `noised_gold` counts those that noise changed and
    `untouched` the others.
    """

    name: str
    summary: str
    columns: tuple[str, ...]
    stats: Callable[[Scored], Mapping[str, tuple[float, ...]]]
    reduce: Callable[[Array], Array]
    cite: str


def share(sums: Array) -> Array:
    """100 times the first column divided by the second; 0 where the second is 0."""
    total = sums[..., 1]
    return 100.0 * sums[..., 0] / (total + (total == 0))


def targets(scored: Scored, kind: type[_T], restored: bool = False) -> tuple[_T, _T]:
    """The gold and the predicted target, both checked to be of a kind. Raises Mismatch naming the example."""
    gold, predicted = scored.clean.target, scored.restored if restored else scored.prediction
    for target in (gold, predicted):
        if not isinstance(target, kind):
            what = f"expected {kind.__name__}, found {type(target).__name__}"
            raise Mismatch(f"{scored.clean.id}: {what}. Is it another task's model?")
    return gold, predicted  # type: ignore[return-value]  # both were checked in the loop

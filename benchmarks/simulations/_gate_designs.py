"""The simulated comparisons of `gate.py`: paired outcomes of two runs, and the verdicts on them."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from robust_xtreme.core.metric import named
from robust_xtreme.gating.verdicts import verdicts_of
from robust_xtreme.stats import intervals
from robust_xtreme.stats.claims import CORRECTIONS
from robust_xtreme.stats.intervals import CPU

ACCURACY: Final = named("accuracy")

ALPHA: Final = 0.05
MARGIN: Final = 2.0
ITEMS: Final = (113, 500, 1190, 5010)
DISCORDANCES: Final = (0.02, 0.05, 0.15, 0.3)
CORRELATIONS: Final = (0.0, 0.3)
FAMILIES: Final = {1: (1, 1), 50: (5, 10), 600: (25, 24)}
"""The tasks, and the languages of each, by the number of cells."""

_SIZE: Final = 3
_MOST: Final = 60_000
_WORDS: Final = 2**16
_BATCH: Final = 3_000_000
_SHARED: Final = 0.5**0.5
"""The share of items that have the fate of the same item in the other languages, where that is correlated by 0.5."""


@dataclass(frozen=True, slots=True)
class Design:
    """A family of cells of n items each, in clusters of three; `discordance` is the share of items that differ.

    `difference` is the true one of each cell, in points. With `alike`, the languages of a task have items in common.
    """

    cells: int
    items: int
    discordance: float
    correlation: float
    difference: float = 0.0
    alike: bool = False

    @property
    def inside(self) -> Any:
        """Which places of the clusters are items, (G, 3)."""
        clusters = -(-self.items // _SIZE)
        return np.arange(clusters * _SIZE).reshape(clusters, _SIZE) < self.items


@dataclass(frozen=True, slots=True)
class Tests:
    """What the gate tests in some draws of one kind of row: arrays (draws, rows)."""

    difference: Any
    lower: Any
    upper: Any
    p: Any
    se: Any
    widened_se: Any
    freedom: float
    clusters: int
    rise: Any
    skew: Any
    still: Any

    def corrected(self) -> Any:
        """The one-sided p, corrected by Holm over the rows of each draw."""
        return np.array([CORRECTIONS["holm"](row) for row in self.p])

    def equivalence_p(self, margin: float) -> Any:
        """The p of each row of a difference beyond the margin."""
        args = (self.difference, self.widened_se, self.freedom, self.skew, self.still, margin)
        return intervals.equivalence_p(*args)

    def verdicts(self, p: Any, margin: float = MARGIN, alpha: float = ALPHA) -> Any:
        """The verdict of each row with these corrected p."""
        return verdicts_of(self.lower, self.upper, p, margin, alpha)


def null_designs() -> Iterator[Design]:
    """Families in which nothing is worse."""
    for cells, items, discordance, correlation in itertools.product(FAMILIES, ITEMS, DISCORDANCES, CORRELATIONS):
        yield Design(cells, items, discordance, correlation)
    yield from (Design(50, items, share, 0.3, alike=True) for items in ITEMS for share in DISCORDANCES)


def worse_designs() -> Iterator[Design]:
    """Cells that are worse by the margin."""
    for items, discordance, correlation in itertools.product(ITEMS, DISCORDANCES, CORRELATIONS):
        yield Design(1, items, discordance, correlation, -MARGIN)


def anchored_designs() -> Iterator[Design]:
    """Families of at most 60,000 items in which a baseline, its anchor and the candidate are equally good."""
    yield from (design for design in null_designs() if design.cells * design.items <= _MOST)


def generator(design: Design, seed: int = 0) -> np.random.Generator:
    """The random numbers of a design."""
    return np.random.default_rng([seed, zlib.crc32(repr(design).encode())])


def batches(design: Design, draws: int) -> Iterator[int]:
    """Draws of a size that memory permits, whose sum is `draws`."""
    size = max(_BATCH // (design.items * design.cells), 1)
    return (min(size, draws - start) for start in range(0, draws, size))


def simulate(design: Design, draws: int, draw: np.random.Generator) -> Any:
    """By how many right answers the candidate is better in each cluster: int8 (draws, tasks, languages, G)."""
    words, inside = fates(design, draws, draw), design.inside
    worse, better = ((design.discordance + sign * design.difference / 100) / 2 for sign in (-1, 1))
    gains = (words >= _WORDS - word(better)) & inside
    losses = (words < word(worse)) & inside
    return gains.sum(-1, dtype=np.int8) - losses.sum(-1, dtype=np.int8)


def simulate_anchored(design: Design, draws: int, draw: np.random.Generator) -> tuple[Any, Any]:
    """As `simulate`, against a baseline and against its anchor; none of the three is better.

    Of 1.5 times the discordance of the items one of the three differs from both others, each as often, so that any two
    differ in the share of items that the design says.
    """
    sixths = fates(design, draws, draw) // word(design.discordance / 4)
    inside = design.inside
    candidate, baseline, anchor = (
        ((sixths == 2 * at) & inside).sum(-1, dtype=np.int8) - ((sixths == 2 * at + 1) & inside).sum(-1, dtype=np.int8)
        for at in range(3)
    )
    return candidate - baseline, candidate - anchor


def fates(design: Design, draws: int, draw: np.random.Generator) -> Any:
    """Random words of 16 bits, which decide what becomes of an item: (draws, tasks, languages, G, items)."""
    tasks, languages = FAMILIES[design.cells]
    inside = design.inside
    shape = (draws, tasks, languages, *inside.shape)
    words = _words(shape, draw)
    if design.alike:
        np.copyto(words, _words((draws, tasks, 1, *inside.shape), draw), where=_words(shape, draw) < word(_SHARED))
    if design.correlation:
        cluster = _words((*shape[:-1], 1), draw)
        np.copyto(words, cluster, where=_words(shape, draw) < word(design.correlation**0.5))
    return words


def _words(shape: tuple[int, ...], draw: np.random.Generator) -> Any:
    return draw.integers(0, _WORDS, shape, dtype=np.uint16)


def word(share: float) -> int:
    """A share as the bound of a word of 16 random bits."""
    return round(_WORDS * share)


def cells_and_tasks(design: Design, gained: Any) -> tuple[Tests, ...]:
    """The tests of the cells, and those of the averages of the tasks where they have several languages."""
    items = design.inside.sum(-1)
    cells = compare(gained.reshape(len(gained), -1, gained.shape[-1]), items)
    return (cells,) if design.cells == 1 else (cells, compare(gained.mean(2), items))


def compare(gained: Any, items: Any) -> Tests:
    """The project's tests of differences (draws, rows, G) of right answers, from an arbitrary baseline."""
    before = np.stack([items, items], -1).astype(np.float64)[None]
    after = np.stack([items + gained, np.broadcast_to(items, gained.shape)], -1).astype(np.float64)[..., None, :, :]
    moments, (se, _, _), p = intervals.paired(CPU, after, before, ACCURACY.reduce)
    widened = intervals.widened_se(CPU, moments)
    skew, still = intervals.skewness(moments), intervals.varies_not(moments)
    lower, upper = intervals.one_sided_bounds(moments.value, widened, moments.freedom, skew, still)
    fall, rise = (intervals.one_sided(sign * moments.value, p) for sign in (1, -1))
    errors = (se, widened, moments.freedom, len(items))
    return Tests(moments.value, lower, upper, fall, *errors, rise, skew, still)


def detectable(design: Design, power: float, draws: int = 400) -> float:
    """The MDE of a cell of the family in points, at the mean errors of draws without a difference."""
    alone = replace(design, cells=1, difference=0.0, alike=False)
    tests = compare(simulate(alone, draws, generator(alone)).reshape(draws, 1, -1), alone.inside.sum(-1))
    se, widened_se = (float(np.sqrt((each**2).mean())) for each in (tests.se, tests.widened_se))
    method, clusters = intervals.DELTA_METHOD, tests.clusters
    estimate = intervals.Estimate(0.0, se, widened_se, None, None, None, clusters, method, tests.freedom)
    return intervals.smallest_detectable(estimate, design.cells * (1 - intervals.CONFIDENCE) / ALPHA, power) or 0.0

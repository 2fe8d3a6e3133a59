"""The simulated designs of `coverage.py`: clusters of items, and pairs of a clean run and its noisy runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

CLUSTERS: Final = (48, 240, 1670)
SIZES: Final = (3, 5)
CORRELATIONS: Final = (0.0, 0.3)
SCORES: Final = (0.35, 0.7, 0.97)
DROPS: Final = (0.02, 0.08)
SEEDS: Final = (1, 3)
COLLAPSES: Final = (
    (0.3, 0.3),
    (0.3, 0.27),
    (0.6, 0.6),
    (0.6, 0.57),
    (0.6, 0.54),
    (0.9, 0.9),
    (0.9, 0.87),
    (0.9, 0.81),
)
METRICS: Final = ("accuracy", "f1")
BORDERS: Final = (0.02, 0.05, 0.36, 0.95, 0.99)
SMALL_DROPS: Final = ((0.36, 0.0), (0.36, 0.05), (0.9, 0.02), (0.9, 0.2), (0.97, 0.0))
SPARSE: Final = ((0.97, 0.005), (0.97, 0.02), (0.6, 0.005), (0.36, 0.01), (0.99, 0.003))
FALSE_POSITIVE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Corner:
    """One design of a `part`: `drop` None is a level; `size` items a cluster (unequal: 1 to it); shares, not points."""

    metric: str
    clusters: int
    size: int
    correlation: float
    score: float
    drop: float | None = None
    seeds: int = 1
    unequal: bool = False
    part: str = ""

    @property
    def truth(self) -> float:
        """The level or the drop in points."""
        return 100 * (self.score if self.drop is None else self.drop)

    @property
    def collapses(self) -> bool:
        """Whether noise takes more than half of the score."""
        return self.drop is not None and self.drop > self.score / 2

    @property
    def named(self) -> str:
        """The design in words."""
        drop = "" if self.drop is None else f", drop {self.drop}, {self.seeds} seed{'s' * (self.seeds > 1)}"
        clusters = f"{self.clusters} clusters of {'1 to ' * self.unequal}{self.size}"
        return f"{self.metric} {self.score}, {clusters}, correlation {self.correlation}{drop}"


def corners(clusters: Sequence[int] = CLUSTERS) -> Iterator[Corner]:
    """All designs: levels first, then pairs."""
    grid = list(itertools.product(METRICS, clusters, SIZES, CORRELATIONS, SCORES))
    yield from (Corner(*fields, part="levels") for fields in grid)
    pairs = itertools.product(DROPS, SEEDS)
    yield from (Corner(*fields, *two, part="drops") for fields, two in itertools.product(grid, pairs))


def held_out() -> Iterator[Corner]:
    """Designs that were not looked at when the intervals were chosen."""
    grid = list(itertools.product(METRICS, (24, 100), (9,), (0.1, 0.5), (0.5, 0.9)))
    for drop in (None, 0.04, 0.0):
        part = "held-out levels" if drop is None else "held-out drops"
        yield from (Corner(*fields, drop, 1 if drop is None else 2, unequal=True, part=part) for fields in grid)


def collapses() -> Iterator[Corner]:
    """Designs in which noise leaves almost nothing; a single answer has no correlation, and 0 is 0 for every seed."""
    grid = itertools.product(METRICS, (48, 200), (1, 5), CORRELATIONS, COLLAPSES, SEEDS)
    for metric, clusters, size, correlation, (score, drop), seeds in grid:
        single = metric == "accuracy" and size == 1 and correlation > 0
        if not single and not (score == drop and seeds > 1):
            yield Corner(metric, clusters, size, correlation, score, drop, seeds, part="collapses")


def small() -> Iterator[Corner]:
    """Few clusters: levels near 0 and 100, drops from near chance and from near 100."""
    sizes = ((1, 0.0), (3, 0.3))
    for metric, clusters, size, score in itertools.product(METRICS, (20, 30, 50, 113), sizes, BORDERS):
        yield Corner(metric, clusters, *size, score, part="small levels")
    for metric, clusters, size, pair in itertools.product(METRICS, (20, 30, 50), (*sizes, (9, 0.3)), SMALL_DROPS):
        yield Corner(metric, clusters, *size, *pair, unequal=size == (9, 0.3), part="small drops")


def sparse() -> Iterator[Corner]:
    """Drops of a few items among many clusters."""
    for metric, clusters, size, pair in itertools.product(METRICS, (113, 300, 1000), ((1, 0.0), (3, 0.3)), SPARSE):
        yield Corner(metric, clusters, *size, *pair, part="sparse drops")


def designs(clusters: Sequence[int] = CLUSTERS) -> list[Corner]:
    """All designs of the table, in its order."""
    return [*corners(clusters), *held_out(), *collapses(), *small(), *sparse()]


def _chances(draw: np.random.Generator, shape: tuple[int, int], mean: float, correlation: float) -> Any:
    """A chance for each cluster, (replications, G, 1), whose draws correlate as asked."""
    if correlation == 0 or not 0 < mean < 1:
        return np.full((*shape, 1), mean)
    total = 1 / correlation - 1
    return draw.beta(mean * total, (1 - mean) * total, shape)[..., None]


def _moves(right: float, drop: float) -> tuple[float, float]:
    """The chances that a right unit is lost and that a wrong one is gained, for a net drop."""
    gained = min(0.25 * drop / (1 - right), 0.3) if drop else 0.2
    return (drop + (1 - right) * gained) / right, gained


def _recall(corner: Corner, score: float) -> float:
    """The share of right entities that gives an F1 (wrong ones are missed, and mostly found as something else)."""
    wrong = 1 + FALSE_POSITIVE
    return score if corner.metric == "accuracy" else wrong * score / (2 - (2 - wrong) * score)


def simulate(corner: Corner, replications: int, draw: np.random.Generator) -> tuple[Any, Any]:
    """Cluster sums of the clean arm (R, 1, G, k) and of the noisy arms (R, seeds, G, k; no arm for a level)."""
    shape = (replications, corner.clusters)
    units = _units(corner, shape, draw)
    right = _recall(corner, corner.score)
    correct = draw.binomial(units, _chances(draw, shape, right, corner.correlation))
    false = draw.binomial(units - correct, FALSE_POSITIVE)
    clean = _sums(corner, units, correct, false)[:, None]
    if corner.drop is None:
        return clean, clean[:, :0]
    left = _recall(corner, corner.score - corner.drop)
    if corner.collapses:
        sturdy = draw.binomial(correct, _chances(draw, shape, 2 * left / right, corner.correlation))
        moves = [(correct - draw.binomial(sturdy, 0.5), np.zeros_like(units)) for _ in range(corner.seeds)]
        return clean, np.stack([_noisy(corner, units, correct, false, *move, draw) for move in moves], 1)
    lost, gained = _moves(right, right - left)
    fragile = draw.binomial(correct, _chances(draw, shape, 2 * lost, corner.correlation))
    lucky = draw.binomial(units - correct, _chances(draw, shape, 2 * gained, corner.correlation))
    noisy = [_flipped(corner, units, correct, false, fragile, lucky, draw) for _ in range(corner.seeds)]
    return clean, np.stack(noisy, 1)


def _units(corner: Corner, shape: tuple[int, int], draw: np.random.Generator) -> Any:
    """What each item contains: one answer, or 1 + Poisson(1) entities; nothing where a cluster has fewer items."""
    units = np.ones((*shape, corner.size), dtype=np.int64)
    if corner.metric == "f1":
        units = units + draw.poisson(1, units.shape)
    if corner.unequal:
        units = units * (np.arange(corner.size) < draw.integers(1, corner.size + 1, shape)[..., None])
    return units


def _flipped(
    corner: Corner, units: Any, correct: Any, false: Any, fragile: Any, lucky: Any, draw: np.random.Generator
) -> Any:
    lost, gained = draw.binomial(fragile, 0.5), draw.binomial(lucky, 0.5)
    return _noisy(corner, units, correct, false, lost, gained, draw)


def _noisy(
    corner: Corner, units: Any, correct: Any, false: Any, lost: Any, gained: Any, draw: np.random.Generator
) -> Any:
    wrong = units - correct
    kept = draw.hypergeometric(false, wrong - false, wrong - gained)
    return _sums(corner, units, correct - lost + gained, kept + draw.binomial(lost, FALSE_POSITIVE))


def _sums(corner: Corner, units: Any, correct: Any, false: Any) -> Any:
    columns = (correct, units) if corner.metric == "accuracy" else (correct, false, units - correct)
    return np.stack(columns, -1).sum(-2).astype(np.float64)

"""How often 95 % intervals contain the truth, on simulated accuracy and F1: levels and paired drops.

    python benchmarks/coverage.py --replications 2000 --jobs 2 --csv reports/coverage.csv > reports/coverage.md

Clusters of 3 and 5 items, correlation within clusters 0 and 0.3 (beta-binomial), scores 0.35, 0.7 and 0.97. A level is
simulated for one noise seed. A pair is a clean run and one or three noisy runs of the same items: some of the right
items are fragile and some of the wrong ones lucky (each with the same correlation within clusters), and each noise seed
flips a fragile or lucky item with probability one half. Drops are 2 and 8 points. The bar is 93-97 %, and 90 % in the
worst corner. The held-out designs were not looked at when the intervals were chosen: 24 and 100 clusters of unequal
size (1 to 9 items), correlation 0.1 and 0.5, scores 0.5 and 0.9, drops of 4 and of 0 points, two noise seeds. The
collapses are pairs in which noise leaves almost nothing: a score of 0.3, 0.6 or 0.9 falls to 0, to 0.03 or to a tenth
of itself, in 48 and 200 clusters of 1 and 5 items, correlation 0 and 0.3; some of the right items are sturdy, each
noise seed keeps a sturdy one with probability one half, and every other right item is lost. Beside ours are two
intervals that are wrong here: t on items as if they were independent, and plain t.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme.results import intervals
from robust_xtreme.results.intervals import CPU

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
BATCH: Final = 250
FALSE_POSITIVE: Final = 0.8
METHODS: Final = ("ours", "plain_t", "unclustered")


@dataclass(frozen=True, slots=True)
class Corner:
    """One design: `drop` None is a level; `size` items a cluster (unequal: 1 to `size`); shares, not points."""

    metric: str
    clusters: int
    size: int
    correlation: float
    score: float
    drop: float | None = None
    seeds: int = 1
    unequal: bool = False

    @property
    def truth(self) -> float:
        """The level or the drop in points."""
        return 100 * (self.score if self.drop is None else self.drop)

    @property
    def collapses(self) -> bool:
        """Whether noise takes more than half of the score."""
        return self.drop is not None and self.drop > self.score / 2


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares (per cent) of replications whose interval contains the truth, and the share in which no cluster varies."""

    corner: Corner
    replications: int
    shares: dict[str, float]
    below: float
    above: float
    width: float
    still: float


def accuracy(sums: Any) -> Any:
    """Points of (right, all)."""
    return 100 * sums[..., 0] / sums[..., 1]


def f1(sums: Any) -> Any:
    """Points of (true positives, false positives, false negatives)."""
    whole = 2 * sums[..., 0] + sums[..., 1] + sums[..., 2]
    return 200 * sums[..., 0] / (whole + (whole == 0))


def corners(clusters: Sequence[int] = CLUSTERS) -> Iterator[Corner]:
    """All designs: levels first, then pairs."""
    grid = list(itertools.product(("accuracy", "f1"), clusters, SIZES, CORRELATIONS, SCORES))
    yield from (Corner(*fields) for fields in grid)
    yield from (Corner(*fields, *two) for fields in grid for two in itertools.product(DROPS, SEEDS))


def held_out() -> Iterator[Corner]:
    """Designs that were not looked at when the intervals were chosen."""
    grid = list(itertools.product(("accuracy", "f1"), (24, 100), (9,), (0.1, 0.5), (0.5, 0.9)))
    for drop in (None, 0.04, 0.0):
        yield from (Corner(*fields, drop, 1 if drop is None else 2, unequal=True) for fields in grid)


def collapses() -> Iterator[Corner]:
    """Designs in which noise leaves almost nothing; a single answer has no correlation, and 0 is 0 for every seed."""
    grid = itertools.product(("accuracy", "f1"), (48, 200), (1, 5), CORRELATIONS, COLLAPSES, SEEDS)
    for metric, clusters, size, correlation, (score, drop), seeds in grid:
        single = metric == "accuracy" and size == 1 and correlation > 0
        if not single and not (score == drop and seeds > 1):
            yield Corner(metric, clusters, size, correlation, score, drop, seeds)


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


def cover(corner: Corner, replications: int, seed: int = 0) -> Coverage:
    """Simulate one design in batches, and count how often each interval contains the truth."""
    draw = np.random.default_rng([seed, zlib.crc32(repr(corner).encode())])
    batches = [min(BATCH, replications - start) for start in range(0, replications, BATCH)]
    rows = np.concatenate([_batch(corner, *simulate(corner, size, draw)) for size in batches], -1)
    ours, plain, unclustered, below, above, width, still = (float(mean) for mean in rows.mean(-1))
    shares = dict(zip(METHODS, (100 * ours, 100 * plain, 100 * unclustered), strict=True))
    return Coverage(corner, replications, shares, 100 * below, 100 * above, width, 100 * still)


def _batch(corner: Corner, clean: Any, noisy: Any) -> Any:
    reduce = accuracy if corner.metric == "accuracy" else f1
    if corner.drop is None:
        moments = intervals.level(CPU, clean, reduce)
        _, low, high = intervals.level_bounds(CPU, moments)
    else:
        moments, (_, low, high), _ = intervals.paired(CPU, clean, noisy, reduce)
    truth, still = corner.truth, intervals.varies_not(moments)
    t = intervals.t_quantile(0.975, corner.clusters - 1)
    plain = np.abs(moments.value - truth) <= t * np.sqrt(moments.variance)
    below, above = high < truth, low > truth
    naive = _unclustered(corner, clean, noisy, reduce, moments.value)
    return np.stack([~below & ~above, plain, naive, below, above, high - low, still]).astype(np.float64)


def _unclustered(corner: Corner, clean: Any, noisy: Any, reduce: Callable[[Any], Any], value: Any) -> Any:
    """Whether 1.96 binomial standard errors of independent items (pairs: two independent samples) contain the truth."""
    items = corner.clusters * (corner.size / 2 + 0.5 if corner.unequal else corner.size)
    share = reduce(clean.sum(-2)).mean(-1) / 100
    variance = share * (1 - share) / items
    if corner.drop is not None:
        other = reduce(noisy.sum(-2)).mean(-1) / 100
        variance = variance + other * (1 - other) / items
    return np.abs(value - corner.truth) <= 196 * np.sqrt(variance)


def _line(coverage: Coverage) -> dict[str, object]:
    corner = coverage.corner
    return {
        "metric": corner.metric,
        "clusters": corner.clusters,
        "size": f"1-{corner.size}" if corner.unequal else corner.size,
        "correlation": corner.correlation,
        "score": corner.score,
        "drop": "" if corner.drop is None else corner.drop,
        "seeds": corner.seeds,
        "replications": coverage.replications,
        **{name: f"{share:.1f}" for name, share in coverage.shares.items()},
        "misses_below": f"{coverage.below:.1f}",
        "misses_above": f"{coverage.above:.1f}",
        "width": f"{coverage.width:.2f}",
        "no_variation": f"{coverage.still:.1f}",
    }


def summary(coverages: Sequence[Coverage]) -> list[str]:
    """What the table says: range, worst corner, corners outside 93-97 %, for levels and for drops."""
    lines = []
    for title, part in _parts(coverages):
        shares = [coverage.shares["ours"] for coverage in part]
        outside = [coverage for coverage in part if not 93 <= coverage.shares["ours"] <= 97]
        inside = len(part) - len(outside)
        lines.append(
            f"* {title}: {len(part)} designs, coverage {min(shares):.1f} to {max(shares):.1f} %, "
            f"mean {np.mean(shares):.1f} %; {inside} within 93-97 %. Worst plain t: "
            f"{min(coverage.shares['plain_t'] for coverage in part):.1f} %, worst of independent items: "
            f"{min(coverage.shares['unclustered'] for coverage in part):.1f} %."
        )
        lines += [f"  * outside: {_named(coverage.corner)}: {coverage.shares['ours']:.1f} %" for coverage in outside]
    return lines


def _parts(coverages: Sequence[Coverage]) -> Iterator[tuple[str, list[Coverage]]]:
    for title in ("levels", "drops", "held-out levels", "held-out drops", "collapses"):
        part = [coverage for coverage in coverages if _part(coverage.corner) == title]
        if part:
            yield title, part


def _part(corner: Corner) -> str:
    if corner.collapses:
        return "collapses"
    return ("held-out " if corner.unequal else "") + ("levels" if corner.drop is None else "drops")


def _named(corner: Corner) -> str:
    drop = "" if corner.drop is None else f", drop {corner.drop}, {corner.seeds} seeds"
    where = f"{corner.clusters} clusters of {'1 to ' * corner.unequal}{corner.size}, correlation {corner.correlation}"
    return f"{corner.metric} {corner.score}, {where}{drop}"


def page(coverages: Sequence[Coverage], command: str) -> str:
    """The report: what was simulated, what came out, and the whole table."""
    rows = [_line(coverage) for coverage in coverages]
    names = list(rows[0])
    table = ["| " + " | ".join(names) + " |", "|" + " --: |" * len(names)]
    table += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    what = (__doc__ or "").split("\n\n")
    replications = coverages[0].replications
    error = 100 * (0.95 * 0.05 / replications) ** 0.5
    head = ["# Coverage of the 95 % intervals", "", what[0], "", f"    {command}", "", what[2].strip(), ""]
    note = f"{replications} replications a design: a coverage of 95 % is known to +-{error:.1f} (one standard error)."
    return "\n".join([*head, note, "", *summary(coverages), "", *table, ""])


def write(coverages: Sequence[Coverage], path: Path) -> None:
    """The table as csv."""
    rows = [_line(coverage) for coverage in coverages]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, print the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--clusters", type=int, nargs="+", default=list(CLUSTERS))
    parser.add_argument("--jobs", type=int, default=1, help="processes; the figures do not depend on their number")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args(arguments)
    coverages = []
    designs = [*corners(options.clusters), *held_out(), *collapses()]
    with ProcessPoolExecutor(options.jobs) as pool:
        for coverage in pool.map(cover, designs, itertools.repeat(options.replications)):
            coverages.append(coverage)
            print(f"{coverage.shares['ours']:5.1f} {_named(coverage.corner)}", file=sys.stderr, flush=True)
    if options.csv:
        write(coverages, options.csv)
    command = "python benchmarks/coverage.py " + " ".join(sys.argv[1:] if arguments is None else arguments)
    print(page(coverages, command))


if __name__ == "__main__":
    main()

"""How often the 95 % intervals of average drops contain the truth, on simulated families of languages.

    python -m benchmarks.simulations.coverage_averages --replications 1000 --jobs 2 \\
        --csv reports/coverage-averages.csv > reports/coverage-averages.md

Each family has 3, 15 or 40 languages, of 113 or of 113 to 5,010 items in clusters of three. The clusters are disjoint
(as in TyDiQA) or the same in every language that is large enough (as in XNLI). There a share of the items, 0.3 or 0.7,
has the same fate in all languages, and within a language a share of 0.2 has that of its cluster. Clean accuracies
are 0.34 to 0.4, as near chance, or 0.35 to 0.9, and drops 0 to 30 points on average: a language at the end of the
list loses three times as much as one at the beginning. One item in eight changes besides, in both directions alike. The
bars are 93-97 % and, where no language has a drop, at most 3.5 % false drops, one-sided. Beside ours is the interval of
cells that are taken as independent.

The columns: `coverage` is the per cent of replications whose interval contains the true average drop. `misses_below` is
the per cent whose whole interval is below the truth (the upper bound is too low), `misses_above` that of those whose
whole interval is above it. `claimed` is the per cent whose lower bound is above 0, so that a drop is claimed: a false
one where the true drop is 0, else this is the power. `width` is the mean of upper minus lower bound, in points.
`independent` is the coverage of cells that are taken as independent.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from benchmarks.simulations._runner import about, command, parser, simulated, write

from robust_xtreme.report.blocks import Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.stats.averages import Drop, average, drop
from robust_xtreme.stats.intervals import Estimate, t_quantile

SIZE: Final = 3
WITHIN: Final = 0.2
CHURN: Final = 0.06
LANGUAGES: Final = (3, 15, 40)
ITEMS: Final = ((113, 113), (113, 5010))
SHARED: Final = (None, 0.3, 0.7)
DROPS: Final = (0.0, 2.0, 10.0, 30.0)
_LEFT_OUT: Final = (2.0, 30.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One design: items of the smallest and the largest language, `shared` None for disjoint clusters, drop in points.

    `near_chance` puts all clean accuracies between 0.34 and 0.4.
    """

    languages: int
    fewest: int
    most: int
    shared: float | None
    drop: float
    near_chance: bool = False

    @property
    def items(self) -> Any:
        """The items of each language, in whole clusters."""
        return np.geomspace(self.fewest, self.most, self.languages).astype(int) // SIZE * SIZE

    @property
    def clean(self) -> Any:
        """The clean accuracy of each language."""
        ends = (0.34, 0.4) if self.near_chance else (0.35 + self.drop / 100, 0.9)
        return np.linspace(*ends, self.languages)

    @property
    def drops(self) -> Any:
        """The drop of each language in points; their mean is `drop`."""
        return self.drop * np.linspace(0.5, 1.5, self.languages)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares (per cent) of replications: intervals that contain the truth, drops that are claimed; widths in points."""

    family: Family
    replications: int
    ours: float
    independent: float
    below: float
    above: float
    claimed: float
    width: float


def families() -> Iterator[Family]:
    """All designs."""
    for languages, (fewest, most), shared, drop_ in itertools.product(LANGUAGES, ITEMS, SHARED, DROPS):
        if languages == LANGUAGES[-1] and most > fewest and drop_ in _LEFT_OUT:
            continue  # the designs that take longest
        yield Family(languages, fewest, most, shared, drop_)
        if drop_ == 0:
            yield Family(languages, fewest, most, shared, drop_, near_chance=True)
    yield from (Family(15, 5010, 5010, shared, drop_) for shared in SHARED for drop_ in (0.0, 10.0))


def points(sums: Any) -> Any:
    """Points of (right, all)."""
    return 100 * sums[..., 0] / sums[..., 1]


def simulate(family: Family, draw: np.random.Generator) -> list[Drop]:
    """The drop of each language in one replication."""
    common = _common(family, draw)
    drops = []
    offset = 0
    for count, clean, lost in zip(family.items, family.clean, family.drops / 100, strict=True):
        before, after = (_fates(family, shared, count, draw) for shared in common)
        right = before < clean
        fragile, lucky = (CHURN + lost) / clean, CHURN / (1 - clean)
        noisy = np.where(right, after >= fragile, after < lucky)
        clusters = np.arange(offset, offset + count // SIZE)
        drops.append(drop(_sums(right), _sums(noisy), clusters, points))
        offset += count // SIZE if family.shared is None else 0
    return drops


def _common(family: Family, draw: np.random.Generator) -> tuple[Any, Any]:
    """Uniform draws that languages share: of the clean answers, and of what noise changes."""
    count = int(family.items.max())
    return _within(draw, count), _within(draw, count)


def _fates(family: Family, common: Any, count: int, draw: np.random.Generator) -> Any:
    """Uniform draws of a language's items; a share of them are those that languages share."""
    fates = _within(draw, count)
    return fates if family.shared is None else np.where(draw.random(count) < family.shared, common[:count], fates)


def _within(draw: np.random.Generator, count: int) -> Any:
    """Uniform draws of items, a share of which are those of their cluster."""
    clusters = np.repeat(draw.random(count // SIZE), SIZE)
    return np.where(draw.random(count) < WITHIN, clusters, draw.random(count))


def _sums(right: Any) -> Any:
    by_cluster = right.reshape(-1, SIZE).sum(-1).astype(np.float64)
    return np.stack([by_cluster, np.full_like(by_cluster, SIZE)], -1)[None]


def _independent(drops: Sequence[Drop], family: Family) -> bool:
    """Whether the interval of cells taken as independent contains the truth."""
    counts = np.array([len(cell.clusters) for cell in drops])
    squares = np.array([(cell.deviations**2).sum() for cell in drops])
    error = float(np.sqrt((squares * (counts - 1) / counts).sum())) / len(drops)
    mean = float(np.mean([cell.value for cell in drops]))
    return abs(mean - family.drop) <= t_quantile(0.975, float((counts - 1).sum())) * error


def _replication(family: Family, draw: np.random.Generator) -> tuple[Estimate, bool]:
    drops = simulate(family, draw)
    return average(drops, [1 / len(drops)] * len(drops)), _independent(drops, family)


def cover(family: Family, replications: int, seed: int = 0) -> Coverage:
    """Simulate one design, and count how often each interval contains the truth."""
    draw = np.random.default_rng([seed, zlib.crc32(repr(family).encode())])
    made = [_replication(family, draw) for _ in range(replications)]
    bounds = np.array([(estimate.low, estimate.high) for estimate, _ in made], dtype=float)
    below, above = bounds[:, 1] < family.drop, bounds[:, 0] > family.drop
    return Coverage(
        family,
        replications,
        100 * float((~below & ~above).mean()),
        100 * float(np.mean([inside for _, inside in made])),
        100 * float(below.mean()),
        100 * float(above.mean()),
        100 * float((bounds[:, 0] > 0).mean()),
        float((bounds[:, 1] - bounds[:, 0]).mean()),
    )


def _line(coverage: Coverage) -> dict[str, object]:
    family = coverage.family
    return {
        "languages": family.languages,
        "items": f"{family.fewest}-{family.most}" if family.most > family.fewest else family.fewest,
        "clusters": "disjoint" if family.shared is None else f"shared, {family.shared} alike",
        "clean": "0.34-0.40" if family.near_chance else f"{family.clean[0]:.2f}-0.90",
        "drop": f"{family.drop:g}",
        "coverage": f"{coverage.ours:.1f}",
        "misses_below": f"{coverage.below:.1f}",
        "misses_above": f"{coverage.above:.1f}",
        "claimed": f"{coverage.claimed:.1f}",
        "width": f"{coverage.width:.2f}",
        "independent": f"{coverage.independent:.1f}",
    }


def page(coverages: Sequence[Coverage], made_by: str) -> str:
    """The report: what was simulated, what came out, and the whole table."""
    rows = [_line(coverage) for coverage in coverages]
    table = grid(rows[0], ([str(value) for value in row.values()] for row in rows), 0)
    blocks = (*about(__doc__, made_by), Prose("\n".join(_summary(coverages))), table)
    return markdown.render(ReportPage("Coverage of the intervals of averages", blocks))


def _summary(coverages: Sequence[Coverage]) -> list[str]:
    ours = [coverage.ours for coverage in coverages]
    outside = [coverage for coverage in coverages if not 93 <= coverage.ours <= 97]
    null = [coverage.claimed for coverage in coverages if coverage.family.drop == 0]
    replications = coverages[0].replications
    worst = min(coverage.independent for coverage in coverages)
    inside = f"{len(ours) - len(outside)} within 93-97 %. Cells taken as independent: {worst:.1f} % at worst."
    error = 100 * (0.95 * 0.05 / replications) ** 0.5
    return [
        f"* {replications} replications a design: a coverage of 95 % is known to +-{error:.1f} (one standard error).",
        f"* {len(ours)} designs, coverage {min(ours):.1f} to {max(ours):.1f} %, mean {np.mean(ours):.1f} %; {inside}",
        *(f"  * outside: {_named(coverage.family)}: {coverage.ours:.1f} %" for coverage in outside),
        f"* No drop: {len(null)} designs, {min(null):.1f} to {max(null):.1f} % false drops, one-sided (nominal 2.5 %).",
    ]


def _named(family: Family) -> str:
    return ", ".join(f"{name} {value}" for name, value in asdict(family).items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, write the csv, print the page."""
    given = parser(__doc__ or "", "replications", 1000, Path("reports/coverage-averages.csv"))
    options = given.parse_args(arguments)
    coverages = simulated(
        partial(cover, replications=options.replications),
        families(),
        options.jobs,
        lambda coverage: f"{coverage.ours:5.1f} {coverage.claimed:5.1f} {coverage.family}",
    )
    write([_line(coverage) for coverage in coverages], options.csv)
    print(page(coverages, command("coverage_averages", arguments)), end="")


if __name__ == "__main__":
    main()

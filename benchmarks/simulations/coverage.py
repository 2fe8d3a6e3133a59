"""How often 95 % intervals contain the truth, and how wide they are, on simulated accuracy and F1: ours and published.

    python -m benchmarks.simulations.coverage --replications 2000 --jobs 2 --csv reports/coverage.csv \\
        > reports/coverage.md

Clusters of 3 and 5 items, correlation within clusters 0 and 0.3 (beta-binomial), scores 0.35, 0.7 and 0.97. A level is
simulated for one noise seed. A pair is a clean run and one or three noisy runs of the same items: some of the right
items are fragile and some of the wrong ones lucky (each with the same correlation within clusters), and each noise seed
flips a fragile or lucky item with probability one half. Drops are 2 and 8 points. The bar is 93-97 %, and 90 % in the
worst corner. The held-out designs have 24 and 100 clusters of unequal size (1 to 9 items), correlation 0.1 and 0.5,
scores 0.5 and 0.9, drops of 4 and of 0 points, two noise seeds. The collapses are pairs in which noise leaves almost
nothing: a score of 0.3, 0.6 or 0.9 falls to 0, to 0.03 or to a tenth of itself, in 48 and 200 clusters of 1 and 5
items, correlation 0 and 0.3; some of the right items are sturdy, each noise seed keeps a sturdy one with probability
one half, and every other right item is lost. The small designs have 20 to 113 clusters of 1, 3 or 1 to 9 items, levels
from 0.02 to 0.99 and drops of 0 to 20 points; in the sparse ones drops of 0.3 to 2 points are spread over 113 to 1,000
clusters.

The methods: `ours`; `former`, ours until the slope was dropped; `plain_t` on clusters; Johnson's and Hall's t for skew
(1978, 1992); `wilson`, where the variance follows the tested value (1927; for pairs Tango 1998); the percentile
bootstrap and the bootstrap-t of clusters (999 resamples, at most 300 clusters); `unclustered`, as if items were
independent. All but the last take our exact bound where no cluster varies, and reach 0 where at most five differ.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from benchmarks.simulations._interval_designs import CLUSTERS, Corner, designs, simulate
from benchmarks.simulations._interval_methods import METHODS, METRICS, bounds, sample
from benchmarks.simulations._runner import about, command, parser, read, simulated, write

from robust_xtreme.report.blocks import Block, Bullets, Heading, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.stats import intervals

BATCH: Final = 250
_ROUNDING: Final = 1e-9
SHOWN: Final = tuple(name for name in METHODS if name != "unclustered")


@dataclass(frozen=True, slots=True)
class Coverage:
    """What each method does in one design: per cent of intervals that contain the truth, miss it below or above, width.

    `still` is the per cent of replications in which no cluster varies.
    """

    corner: Corner
    replications: int
    shares: dict[str, float]
    below: dict[str, float]
    above: dict[str, float]
    widths: dict[str, float]
    still: float


def cover(corner: Corner, replications: int, seed: int = 0, methods: Sequence[str] = METHODS) -> Coverage:
    """Simulate one design in batches, and count how often the intervals of some methods contain the truth."""
    draw = np.random.default_rng([seed, zlib.crc32(repr(corner).encode())])
    sums: dict[str, np.ndarray] = {}
    still = 0.0
    for start in range(0, replications, BATCH):
        size = min(BATCH, replications - start)
        given = sample(METRICS[corner.metric], *simulate(corner, size, draw), draw)
        still += float(intervals.varies_not(given.moments).sum())
        for name, (low, high) in bounds(given, methods).items():
            below, above = high < corner.truth - _ROUNDING, low > corner.truth + _ROUNDING
            counts = np.array([(~below & ~above).sum(), below.sum(), above.sum(), (high - low).sum()])
            sums[name] = sums.get(name, 0.0) + counts
    shares, below, above = ({name: 100 * row[at] / replications for name, row in sums.items()} for at in range(3))
    widths = {name: row[3] / replications for name, row in sums.items()}
    return Coverage(corner, replications, shares, below, above, widths, 100 * still / replications)


def _line(coverage: Coverage) -> dict[str, object]:
    corner = coverage.corner
    return {
        "part": corner.part,
        "metric": corner.metric,
        "clusters": corner.clusters,
        "size": f"1-{corner.size}" if corner.unequal else corner.size,
        "correlation": corner.correlation,
        "score": corner.score,
        "drop": "" if corner.drop is None else corner.drop,
        "seeds": corner.seeds,
        "replications": coverage.replications,
        "no_variation": f"{coverage.still:.1f}",
        **{name: _given(coverage.shares, name, 1) for name in METHODS},
        **{f"{name}_below": _given(coverage.below, name, 1) for name in SHOWN},
        **{f"{name}_above": _given(coverage.above, name, 1) for name in SHOWN},
        **{f"{name}_width": _given(coverage.widths, name, 2) for name in SHOWN},
    }


def _given(figures: dict[str, float], name: str, digits: int) -> str:
    return f"{figures[name]:.{digits}f}" if name in figures else ""


def parts(rows: Sequence[dict[str, str]]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The rows of the csv by part, in their order."""
    for title in dict.fromkeys(row["part"] for row in rows):
        yield title, [row for row in rows if row["part"] == title]


def summary(rows: Sequence[dict[str, str]]) -> Iterator[Block]:
    """What the csv says, part by part: a table of methods, and the designs in which ours is below 93 %."""
    for title, part in parts(rows):
        yield Heading(f"{title[0].upper()}{title[1:]}: {len(part)} designs")
        yield grid(_HEADS, (_summed(name, part) for name in METHODS if any(row[name] for row in part)), 1)
        if low := [f"below 93 %: {_named(row)}: {row['ours']} %" for row in part if float(row["ours"]) < 93]:
            yield Bullets(tuple(low))


_HEADS: Final = (
    *("method", "designs", "lowest", "mean", "highest", "below 93", "above 97"),
    *("worst one-sided miss", "width / ours"),
)


def _summed(name: str, part: Sequence[dict[str, str]]) -> tuple[str, ...]:
    rows = [row for row in part if row[name]]
    shares = np.array([float(row[name]) for row in rows])
    cells = [f"{shares.min():.1f}", f"{shares.mean():.1f}", f"{shares.max():.1f}"]
    cells += [str(int((shares < 93).sum())), str(int((shares > 97).sum()))]
    if name in SHOWN:
        worst = max(float(row[f"{name}_{side}"]) for row in rows for side in ("below", "above"))
        ratios = [float(row[f"{name}_width"]) / float(row["ours_width"]) for row in rows]
        cells += [f"{worst:.1f}", f"{np.mean(ratios):.2f}"]
    else:
        cells += ["", ""]
    return name, str(len(rows)), *cells


def _named(row: dict[str, str]) -> str:
    drop = f", drop {row['drop']}, seeds {row['seeds']}" if row["drop"] else ""
    clusters = f"{row['clusters']} clusters of {row['size']}, correlation {row['correlation']}"
    return f"{row['metric']} {row['score']}, {clusters}{drop}"


def page(rows: Sequence[dict[str, str]], made_by: str) -> str:
    """The report: what was simulated, and what came out, from the rows of the csv."""
    replications = int(rows[0]["replications"])
    error = 100 * (0.95 * 0.05 / replications) ** 0.5
    note = f"{replications} replications a design: a coverage of 95 % is known to +-{error:.1f} (one standard error)."
    blocks = (*about(__doc__, made_by), Prose(f"{note} `coverage.csv` has a row a design."), *summary(rows))
    return markdown.render(ReportPage("Coverage of the 95 % intervals", blocks))


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, write the csv, print the page."""
    given = parser(__doc__ or "", "replications", 2000, Path("reports/coverage.csv"))
    given.add_argument("--clusters", type=int, nargs="+", default=list(CLUSTERS))
    options = given.parse_args(arguments)
    coverages = simulated(
        partial(cover, replications=options.replications),
        designs(options.clusters),
        options.jobs,
        lambda coverage: f"{coverage.shares['ours']:5.1f} {coverage.corner.named}",
    )
    write([_line(coverage) for coverage in coverages], options.csv)
    print(page(read(options.csv), command("coverage", arguments)), end="")


if __name__ == "__main__":
    main()

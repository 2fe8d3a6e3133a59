"""Whether a study of robustness claims what is planted in made-up grids, and nothing where nothing is planted.

    python -m benchmarks.simulations.studies --draws 500 --jobs 2 > reports/benchmarks/studies.md

A grid has three targets with six languages, three noises, and arms: none, one with intermediate training, two plain
checkpoints of other steps, a control. The noise of training has standard deviations of 1 point for a run, 1 for a run
under one condition and 1.5 for one cell, normal, with heavy tails (t with 3 degrees of freedom) or skewed
(exponential); levels are rounded to 200 items. The arm has a gain on clean text, which shrinks by 0, 2 or 5 points
under each noise. Every draw goes through the estimands and claims of the study itself.

Columns: `covered`: per cent of draws whose interval of the primary endpoint, in points, contains the truth; the bar is
93-97. `stated`: the power in per cent that the planning states for this effect, by the spread over seeds of all draws.
`points`: how often the interval in points alone is significant in the right direction, `claimed`: how often "shrinks"
is claimed, for which the logit scale has to agree. `false`: draws in which the primary endpoint has a sign although
nothing is planted, or the wrong one. `any false`: draws in which any primary or secondary claim is false: of a grid
without gain every sign, else the sign of a change that is not planted, and a wrong direction; the bar is 5 in grids
without any effect. `controls`: draws with a false claim about a control, which have an alpha of their own. `retained`:
per cent of intervals of the retained share that contain the truth, where one is given, and `given`: in how many draws
it is. With three seeds nothing is claimed. `studies.csv` has the same rows.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from benchmarks.simulations._runner import about, command, parser, read, simulated, write
from benchmarks.simulations._study_grids import ANALYSIS, ARMS_FRAME, SHAPES, Planted, values

from robust_xtreme.report.blocks import Block, Bullets, Heading, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.studies.cells import Crossing, grid_of
from robust_xtreme.studies.claims import CONTROL, PRIMARY, PRIMARY_SHARE, PRIMARY_TESTS, SECONDARY, contrasts, power_of
from robust_xtreme.studies.designs.robustness import robustness

CHANGE, GAIN, NOISE = "change of the gain", "gain", "noise"
SEEDS: Final = (3, 5, 10)
SHRINKS: Final = (0.0, 2.0, 5.0)
CLEAN_GAIN: Final = 6.0
WEAK_GAIN: Final = 3.0
_ALPHA: Final = 0.05


def designs() -> list[Planted]:
    """What is simulated: no effect at all, a gain that shrinks or does not, and a weak gain."""
    shapes = [*SHAPES]
    return [
        *(Planted(seeds, 0.0, 0.0, shape) for shape in shapes for seeds in SEEDS),
        *(Planted(seeds, CLEAN_GAIN, by, shape) for shape in shapes for by in SHRINKS for seeds in SEEDS),
        *(Planted(seeds, WEAK_GAIN, 1.5) for seeds in SEEDS),
    ]


@dataclass(frozen=True, slots=True)
class Draw:
    """What one draw says: the endpoint's numbers by seed, and per question whether the answer is as it should be.

    `retained` is None where no share is given.
    """

    numbers: tuple[float, ...]
    covered: bool
    points: bool
    claimed: bool
    false: bool
    any_false: bool
    controls: bool
    retained: bool | None


def drawn(planted: Planted, draw: np.random.Generator) -> Draw:
    """One draw of a grid through estimands and claims."""
    frame = values(planted, draw)
    made = robustness.estimands(frame, ARMS_FRAME, ANALYSIS)
    numbers = next(each.by_seed for each in made if (each.tier, each.scale) == (PRIMARY, "points"))
    rows = contrasts(made)
    primary = rows.filter(pl.col("tier") == PRIMARY, pl.col("scale") == "points").row(0, named=True)
    share = grid_of(frame).retained(ANALYSIS.endpoint_arm, ANALYSIS.without)
    right = "lower" if planted.shrinks else None
    significant = primary["p"] < _ALPHA * PRIMARY_SHARE and primary["estimate"] < 0
    false = [row for row in rows.filter(pl.col("sign").is_not_null()).iter_rows(named=True) if _is_false(planted, row)]
    return Draw(
        numbers=tuple(numbers.values()),
        covered=primary["low"] <= -planted.shrinks <= primary["high"],
        points=significant,
        claimed=primary["sign"] == "lower",
        false=primary["sign"] not in (None, right),
        any_false=any(row["tier"] in (PRIMARY, SECONDARY) for row in false),
        controls=any(row["tier"] == CONTROL for row in false),
        retained=_retains(planted, share),
    )


def _is_false(planted: Planted, row: dict[str, Any]) -> bool:
    """Whether a claimed sign is not that of what is planted."""
    if row["tier"] == CONTROL and row["arm"] == "shuffled":
        return True
    if row["contrast"] == CHANGE:
        return bool(row["sign"] != ("lower" if planted.shrinks else None))
    if row["contrast"] == GAIN:
        left = planted.gain - planted.shrinks * (row["condition"] == NOISE)
        return bool(row["sign"] != ("higher" if left > 0 else "lower" if left < 0 else None))
    return planted.gain == 0


def _retains(planted: Planted, share: Crossing | None) -> bool | None:
    if planted.gain == 0 or share is None:
        return None
    return bool(share.low <= 100 * (1 - planted.shrinks / planted.gain) <= share.high)


def row_of(planted: Planted, draws: int, seed: int = 0) -> dict[str, object]:
    """The row of a design, from this many draws."""
    draw = np.random.default_rng([seed, zlib.crc32(repr(planted).encode())])
    several = [drawn(planted, draw) for _ in range(draws)]
    sd = float(np.sqrt(np.mean([np.var(each.numbers, ddof=1) for each in several])))
    stated = power_of(planted.shrinks, sd, planted.seeds, PRIMARY_TESTS) if planted.shrinks else None
    shares = [each.retained for each in several if each.retained is not None]
    counted = ("covered", "points", "claimed", "false", "any_false", "controls")
    return {
        "noise": planted.shape,
        "seeds": planted.seeds,
        "gain": planted.gain,
        "shrinks": planted.shrinks,
        "draws": draws,
        "sd": f"{sd:.2f}",
        "stated": "" if stated is None else f"{100 * stated:.1f}",
        **{name: f"{_percent([getattr(each, name) for each in several]):.1f}" for name in counted},
        "retained": f"{_percent(shares):.1f}" if shares else "",
        "given": f"{100 * len(shares) / draws:.1f}" if planted.gain else "",
    }


def _percent(several: Sequence[bool]) -> float:
    return 100 * sum(several) / len(several)


_HEADS: Final = (
    *("noise", "seeds", "gain", "shrinks by", "sd over seeds", "covered", "stated", "points", "claimed"),
    *("false", "any false", "controls", "retained", "given"),
)
_COLUMNS: Final = (
    *("noise", "seeds", "gain", "shrinks", "sd", "covered", "stated", "points", "claimed"),
    *("false", "any_false", "controls", "retained", "given"),
)


def summary(rows: Sequence[dict[str, str]]) -> Iterator[Block]:
    """The bars, and the table."""
    covered = [float(row["covered"]) for row in rows]
    outside = [value for value in covered if not 93 <= value <= 97]
    none = [float(row["any_false"]) for row in rows if float(row["gain"]) == 0]
    false = [float(row["false"]) for row in rows if float(row["shrinks"]) == 0]
    spread = f"{min(covered):.1f} to {max(covered):.1f} per cent, in the mean {np.mean(covered):.1f}"
    yield Bullets(
        (
            f"Coverage of the primary endpoint: {spread}; outside of 93-97 in {len(outside)} of {len(rows)} designs.",
            f"Grids without any effect that claim something: at most {max(none):.1f} per cent.",
            f"False claims of the primary endpoint where nothing is planted: at most {max(false):.1f} per cent.",
        )
    )
    yield Heading("Designs")
    yield grid(_HEADS, ([row[name] for name in _COLUMNS] for row in rows), 1)


def page(rows: Sequence[dict[str, str]], made_by: str) -> str:
    """The report, from the rows of the csv."""
    draws = int(rows[0]["draws"])
    error = 100 * (0.95 * 0.05 / draws) ** 0.5
    note = f"{draws} draws a design: 95 % is known to +-{error:.1f} (one standard error)."
    blocks = (*about(__doc__, made_by), Prose(note), *summary(rows))
    return markdown.render(ReportPage("Claims of a study of robustness on planted grids", blocks))


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, write the csv, print the page."""
    options = parser(__doc__ or "", "draws", 500, Path("reports/benchmarks/studies.csv")).parse_args(arguments)
    rows = simulated(
        partial(row_of, draws=options.draws), designs(), options.jobs, lambda row: " ".join(map(str, row.values()))
    )
    write(rows, options.csv)
    print(page(read(options.csv), command("studies", arguments)), end="")


if __name__ == "__main__":
    main()

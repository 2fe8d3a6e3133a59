"""A/A comparisons of a run: how often the gate alarms where nothing is worse, in these cells, under this policy.

Of one run alone the clusters are put into two random halves, and a cluster of the second half answers for one of the
first: as two models would that are equally good and know nothing of each other, on half of the items. With a baseline
the outcomes of the two runs are exchanged at random, cluster by cluster: the items that differ stay those that differ,
and neither side is better; of a baseline with an anchor those of all three, and a gate is against both, as in `gate`.
What cells have in common is kept in all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.gating.baselines import Baseline, check_comparable
from robust_xtreme.gating.document import BETTER, BEYOND, GATED, OK, REGRESSED, UNDECIDED
from robust_xtreme.gating.policy import Policy
from robust_xtreme.gating.verdicts import decide
from robust_xtreme.report.blocks import Block, Paragraph, Strong, grid
from robust_xtreme.report.columns import points
from robust_xtreme.stats.components import Numbers, numbered
from robust_xtreme.stats.contrasts import Key, contrasts
from robust_xtreme.stats.intervals import cluster_sums, share_bounds
from robust_xtreme.stats.outcomes import Cells

DRAWS: Final = 200
"""The comparisons of a self-test: a rate of 5 % is then known within 3 points."""

_HALVES: Final = "Each puts the clusters of {} into two random halves; a cluster of one answers for one of the other."
_SWAPPED: Final = "Each exchanges the outcomes of {} at random, cluster by cluster."
_SHOWN: Final = (OK, UNDECIDED, BEYOND, REGRESSED)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The outcome of A/A comparisons of a run under a policy.

    `regressed` and `failed` are the numbers of comparisons with a regressed row, and of gates that fail. `rows` has for
    each kind of row and task the share of each verdict in per cent, and the median `mde` in points.
    """

    how: str
    draws: int
    regressed: int
    failed: int
    rows: pl.DataFrame
    policy: Policy

    def blocks(self) -> Iterator[Block]:
        """The rates in words, then the verdicts by task."""
        what = f"Of {self.draws} comparisons in which nothing is worse, {self.regressed} have a regressed row: "
        found = Strong(what + _rate(self.regressed, self.draws))
        yield Paragraph((found, f"; at most {100 * self.policy.alpha:g}% should."))
        failed = f"{self.failed} gates fail under this policy: {_rate(self.failed, self.draws)}."
        yield Paragraph(f"{failed} {self.how}")
        lines = [(kind, task, *map(points, numbers)) for kind, task, *numbers in self.rows.iter_rows()]
        title = "Verdicts in per cent, and the median smallest fall that is detected"
        yield grid(("rows", *self.rows.columns[1:]), lines, 2, title)


def _rate(count: int, draws: int) -> str:
    low, high = share_bounds(count, draws)
    return f"{count / draws:.1%} ({low:.1%} to {high:.1%})"


def self_test(
    run: Baseline,
    policy: Policy,
    baseline: Baseline | None = None,
    draws: int = DRAWS,
    each: Callable[[range], Iterable[int]] = iter,
) -> SelfTest:
    """Gate A/A comparisons of a run, or of a run, a baseline and its anchor whose outcomes are exchanged.

    They are the same at each call.
    `each` shows the progress. Raises Mismatch where a side has no outcomes of items or several runs, where the two
    cannot be compared, or where no row can be tested.
    """
    others = [each for each in (baseline, baseline and baseline.anchor) if each is not None]
    sides = [run, *others]
    cells = [_only(side) for side in sides]
    for other in others:
        check_comparable(other, run)
    both = set(cells[0]).intersection(*cells[1:])
    numbers = numbered((cells[0][key] for key in sorted(both)), {name: t.parallel_ids for name, t in run.tasks.items()})
    make = _halves if baseline is None else _swapped
    sides_of = [{key: side[key] for key in sorted(both)} for side in cells]
    frames = []
    for draw in each(range(draws)):
        candidate, *against = make(sides_of, numbers, np.random.default_rng([draw, 0]))
        compared = [contrasts(side, candidate, run.tasks, joint=False) for side in against]
        verdicts = [decide(frame, policy, (), (), date.min, sides=len(against)).verdicts for frame in compared]
        frames.append(pl.concat(verdicts).filter(pl.col("verdict").is_not_null()))
    how = (_HALVES if baseline is None else _SWAPPED).format(" and ".join(side.title for side in sides))
    regressed = sum(frame["verdict"].is_in((REGRESSED, BETTER)).any() for frame in frames)
    return SelfTest(
        how, draws, regressed, sum(frame["fails"].any() for frame in frames), _shares(frames, policy), policy
    )


def _only(side: Baseline) -> Cells:
    if not side.paired:
        raise Mismatch(f"{side.title} has no outcomes of items, which a self-test exchanges.")
    if side.seeds > 1:
        raise Mismatch(f"{side.title} has {side.seeds} runs; a self-test takes one.")
    return side.runs[0]


def _shares(frames: Iterable[pl.DataFrame], policy: Policy) -> pl.DataFrame:
    rows = pl.concat([frame.select("kind", "task", "verdict", "mde") for frame in frames])
    shown = _SHOWN if policy.equivalent is None else (*_SHOWN, BETTER)
    shares = [(pl.col("verdict") == verdict).mean().mul(100).alias(verdict) for verdict in shown]
    grouped = rows.group_by("kind", "task").agg(*shares, pl.col("mde").median())
    return grouped.sort(pl.col("kind").replace_strict({kind: at for at, kind in enumerate(GATED)}), "task")


def _swapped(sides: Sequence[Cells], numbers: Numbers, draw: np.random.Generator) -> list[Cells]:
    """The runs with the outcomes of each joined cluster in a random order among them."""
    order = draw.permuted(np.tile(np.arange(len(sides)), (len(numbers.names), 1)), axis=1)
    exchanged: list[dict[Key, Any]] = [{} for _ in sides]
    for key, cell in sides[0].items():
        sums, of = np.stack([side[key].sums for side in sides]), order[numbers.of(cell.items.clusters)]
        for at, side in enumerate(sides):
            chosen = np.take_along_axis(sums, of[None, None, :, at, None], 0)[0]
            exchanged[at][key] = replace(side[key], sums=chosen)
    return [*exchanged]


def _halves(sides: Sequence[Cells], numbers: Numbers, draw: np.random.Generator) -> list[Cells]:
    """Pairs of joined clusters at random: the cells of the first of each pair, and those of the second."""
    pairs = _pairs(sides[0], numbers, draw)
    first, second = {}, {}
    for key, cell in sides[0].items():
        joined, slots = np.unique(numbers.of(cell.items.clusters), return_inverse=True)
        at = np.full(len(numbers.names), -1)
        at[joined] = np.arange(len(joined))
        left, right = at[pairs[:, at[pairs[0]] >= 0]]
        if not len(left):
            continue
        sums = np.stack([cluster_sums(arm, slots, len(joined)) for arm in cell.sums])
        at[:] = -1
        at[left] = np.arange(len(left))
        codes = at[slots[cell.items.codes]]
        names = tuple(str(joined[number]) for number in left)
        items = replace(cell.items, examples=cell.items.examples[codes >= 0], codes=codes[codes >= 0], clusters=names)
        first[key], second[key] = (replace(cell, items=items, sums=sums[:, half]) for half in (left, right))
    return [first, second]


def _pairs(cells: Cells, numbers: Numbers, draw: np.random.Generator) -> Any:
    """Random pairs (2, pairs) of joined clusters, each of two that are in the same cells."""
    where: defaultdict[int, list[int]] = defaultdict(list)
    for at, cell in enumerate(cells.values()):
        for number in np.unique(numbers.of(cell.items.clusters)).tolist():
            where[number].append(at)
    alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in sorted(where):
        alike[tuple(where[number])].append(number)
    shuffled = [draw.permutation(group)[: len(group) // 2 * 2].reshape(2, -1) for group in alike.values()]
    return np.concatenate(shuffled, 1)

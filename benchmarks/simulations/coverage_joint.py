"""How often all joint intervals of a family contain their true drops, and how often Holm finds a drop that is none.

    python -m benchmarks.simulations.coverage_joint --run runs/panx --run runs/mlqa --jobs 2 > reports/coverage-joint.md

The population are real answers: of each cell (task, language, noise) of the runs the sums of its clusters, clean and
noisy. A draw takes G clusters of each cell with replacement, the same ones where cells have the same clusters, and its
true drops are those of the population. The cells of a kind of metric are one family: F1 of spans and of answers, and
accuracy of choices, of retrieval and of tags. A draw is missed where the joint interval of any cell does not contain
its true drop: `larger` where a true drop is larger than its interval says, `smaller` where one is smaller. The bar is 3
to 7 % from 160 clusters on. With fewer the program has no joint interval: with 20 too many draws are missed (F1), and
with up to 120 fewer than 3 %, because few clusters of many cells differ, and bounds that agree with a sign test are
then longer than 95 % need.

The committed runs are of multilingual-e5-small with `--limit 400 --perturb char_noise:0.1`: `train --task panx --steps
400 --batch-size 16 --lr 5e-5`, then PAN-X in en, de, sw, ar, hi, ru, tr, fa and es, and once more with `natural:0.02`;
`train --task tydiqa --steps 260 --batch-size 12 --lr 8e-5`, then MLQA in en, de, ar and hi with `--limit 250`; `train
--task xnli --steps 700 --batch-size 16 --lr 5e-5`, then XNLI in en, fr, es, de, ru, hi and sw with `--limit 600`; and,
without training, Tatoeba in de, es, ar, hi, ko, tr, sw, te and he.

A cluster with more than 1/20 of the items of its cell (PAN-X Swahili has one: 119 of 400 sentences are equal but for
their numbers) is in each draw, once, and its sums count (G-1)/(K-1) times where the population has K clusters: a sample
of a language has its share of such sentences. Surveys treat units that are certain to be chosen in this way. The rows
`by chance` are of draws that take it as any other cluster. Most of these do not have it, and no interval knows of a
cluster that its sample does not have.

`false drops`: the same with clean and noisy answers of each cluster exchanged at random, so that every true drop is 0.
They are the draws in which Holm's p of any cell shows a drop, nominally 2.5 %; the bar is 3.5 %.

The methods: `ours`; `former`, one quantile for both sides, and J that does not grow with it; `sides`, a quantile for
each side, and such a J; `grown`, one quantile, and J that grows with it; `Hall`, the former with |skewness|
(2 t^2 + 1) / 6 more on the side of the longer tail; `Bonferroni`, Student's t at 2.5 % over the number of cells. All of
them contain the interval of the cell alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from benchmarks.simulations._runner import about, command, drawn_clusters, parser, read, simulated, write

from robust_xtreme.core.metric import ALL, named
from robust_xtreme.files import store
from robust_xtreme.files.schema import CELL, CHANCE, SHALLOW, STATS
from robust_xtreme.report.blocks import Heading, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.stats.claims import holm
from robust_xtreme.stats.intervals import (
    CONFIDENCE,
    CPU,
    Moments,
    cluster_sums,
    difference_bounds,
    paired,
    skewness,
    t_quantile,
)
from robust_xtreme.stats.resampling import RESAMPLES, Member, keys, studentised

CLUSTERS: Final = (20, 40, 60, 120, 160, 250, 1000)
METRICS: Final = {
    "F1": ("span_f1", "squad_f1", "mlqa_f1"),
    "accuracy": ("accuracy", "retrieval_accuracy", "token_accuracy"),
}
METHODS: Final = ("ours", "former", "sides", "grown", "Hall", "Bonferroni")
CLEAN: Final = "clean"
BY_CHANCE: Final = "by chance"
_BATCH: Final = 20
_ALPHA: Final = 1 - CONFIDENCE

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Population:
    """Sums of the clusters of a cell, (seeds, G, k), and items (G,); cells of a `group` have the same clusters."""

    clean: Any
    noisy: Any
    reduce: Callable[[Any], Any]
    group: int
    items: Any

    @property
    def truth(self) -> float:
        """The drop of the whole population, in points."""
        values = [self.reduce(sums.sum(-2)).mean() for sums in (self.clean, self.noisy)]
        return float(values[0] - values[1])


@dataclass(frozen=True, slots=True)
class Design:
    """A kind of metric, how many clusters are drawn of each of its cells, and whether large ones are by chance."""

    metric: str
    clusters: int
    by_chance: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A cell in several draws (R,): its moments, the bounds of its own interval and its p."""

    truth: float
    group: int
    moments: Moments
    low: Any
    high: Any
    p: Any

    def at(self, draw: int) -> Moments:
        """The moments of one draw."""
        given = self.moments
        value, deviations = given.value[draw], given.deviations[draw]
        sizes = {"jump": given.jump[draw], "clusters": given.clusters[draw]}
        return replace(given, value=value, deviations=deviations, variance=given.variance[draw], **sizes)


@cache
def population(runs: tuple[str, ...], metric: str) -> tuple[Population, ...]:
    """The perturbed cells of finished runs by metrics of a kind."""
    groups: dict[tuple[str, ...], int] = {}
    cells = []
    for run in runs:
        sums = dict(_cells(Path(run), METRICS[metric]))
        for (names, condition), (clusters, noisy, items) in sums.items():
            if condition != CLEAN:
                number = groups.setdefault(clusters, len(groups))
                cells.append(Population(sums[names, CLEAN][1], noisy, named(names[-1]).reduce, number, items))
    return tuple(cells)


def _cells(run: Path, metrics: Sequence[str]) -> Iterator[tuple[Any, tuple[tuple[str, ...], Any, Any]]]:
    """The names and the condition of a model's cells, their clusters, sums (seeds, G, k) and numbers of items (G,)."""
    stats = store.read_frame(run / "stats.parquet", STATS)
    answers = ~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})")
    rows = stats.filter(pl.col("metric").is_in(metrics), answers, scope=ALL).sort(*CELL, "metric", "noise_seed")
    for key, cell in rows.group_by(*CELL[:-1], "metric", "condition", maintain_order=True):
        clusters, codes = np.unique(cell.get_column("cluster").to_numpy(), return_inverse=True)
        seeds, slots = np.unique(cell.get_column("noise_seed").to_numpy(), return_inverse=True)
        size = len(clusters)
        sums = cluster_sums(np.array(cell.get_column("stats").to_list()), slots * size + codes, len(seeds) * size)
        yield (key[:-1], key[-1]), (tuple(clusters), sums.reshape(len(seeds), size, -1), np.bincount(codes))


def sample(
    cells: Sequence[Population], design: Design, draws: int, draw: np.random.Generator, exchanged: bool = False
) -> list[Sample]:
    """Draws of a population; `exchanged`: with clean and noisy answers exchanged at random, and true drops of 0."""
    chosen: dict[int, tuple[Any, Any, Any]] = {}
    samples = []
    for cell in cells:
        if cell.group not in chosen:
            shape = (draws, design.clusters)
            taken = drawn_clusters(cell.items, shape, draw, by_chance=design.by_chance)
            chosen[cell.group] = (*taken, draw.random(shape) < 0.5)
        at, times, swapped = chosen[cell.group]
        noisy = cell.noisy[:, at].swapaxes(0, 1) * times
        clean = np.broadcast_to(cell.clean[:, at].swapaxes(0, 1) * times, noisy.shape)
        if exchanged:
            swap = swapped[:, None, :, None]
            clean, noisy = np.where(swap, noisy, clean), np.where(swap, clean, noisy)
        moments, (_, low, high), p = paired(CPU, clean, noisy, cell.reduce)
        samples.append(Sample(0.0 if exchanged else cell.truth, cell.group, moments, low, high, p))
    return samples


def greatest(samples: Sequence[Sample], draws: int, resamples: int) -> Any:
    """The greatest t and the greatest -t of the cells of each draw, (draws, resamples, 2)."""
    ends = np.zeros((draws, resamples, 2))
    for group in {each.group for each in samples}:
        members = [_member(each, at) for each in samples if each.group == group for at in range(draws)]
        start = 0
        for t in studentised(members, 0, resamples):
            of_draws = t.reshape(len(t), -1, draws)
            part = ends[:, start : start + len(t)]
            np.maximum(part, np.stack([of_draws.max(1), -of_draws.min(1)], -1).swapaxes(0, 1), out=part)
            start += len(t)
    return ends


def _member(given: Sample, draw: int) -> Member:
    moments = given.at(draw)
    return Member(lambda: moments.deviations, float(moments.jump), _keys(given.group, moments.deviations.shape[-1]))


@cache
def _keys(group: int, clusters: int) -> Any:
    return keys([f"{group}/{number}" for number in range(clusters)])


def bounds(samples: Sequence[Sample], draw: int, ends: Any) -> dict[str, list[tuple[float, float]]]:
    """Low and high of the cells of one draw by each method; `ends` (resamples, 2) are greatest t and -t."""
    single = t_quantile(0.5 + CONFIDENCE / 2, samples[0].moments.freedom)
    each = np.quantile(ends, 0.5 + CONFIDENCE / 2, axis=0, method="higher")
    sides = (max(single, float(each[0])), max(single, float(each[1])))
    common = max(single, float(np.quantile(ends.max(-1), CONFIDENCE, method="higher")))
    least = t_quantile(1 - _ALPHA / 2 / len(samples), samples[0].moments.freedom)
    by_method: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    for given in samples:
        moments = given.at(draw)
        skew, further = float(skewness(moments)), (2 * common**2 + 1) / 6
        pairs = {
            "ours": difference_bounds(CPU, moments, sides),
            "former": _former(moments, (common, common), single),
            "sides": _former(moments, sides, single),
            "grown": difference_bounds(CPU, moments, (common, common)),
            "Hall": _former(moments, (common + max(-skew, 0) * further, common + max(skew, 0) * further), single),
            "Bonferroni": _former(moments, (least, least), single),
        }
        for name, (_, low, high) in pairs.items():
            by_method[name].append((min(float(low), given.low[draw]), max(float(high), given.high[draw])))
    return by_method


def _former(moments: Moments, quantiles: tuple[float, float], single: float) -> tuple[Any, Any, Any]:
    """The bounds with a J that does not grow with the quantile."""
    sides = [
        difference_bounds(CPU, replace(moments, jump=moments.jump * (single / each) ** 2), (each, each))
        for each in quantiles
    ]
    return sides[0][0], sides[0][1], sides[1][2]


def cover(design: Design, runs: tuple[str, ...], draws: int, seed: int = 0, resamples: int = RESAMPLES) -> list[Row]:
    """The row of each method."""
    cells = population(runs, design.metric)
    draw = np.random.default_rng([seed, design.clusters, list(METRICS).index(design.metric)])
    missed = {name: np.zeros(4) for name in METHODS}
    false = 0
    for start in range(0, draws, _BATCH):
        size = min(_BATCH, draws - start)
        samples = sample(cells, design, size, draw)
        ends = greatest(samples, size, resamples)
        for at in range(size):
            for name, pairs in bounds(samples, at, ends[at]).items():
                missed[name] += _missed(samples, np.array(pairs))
        null = sample(cells, design, size, draw, exchanged=True)
        false += sum(_false(null, at) for at in range(size))
    return [_row(design, cells, draws, name, missed[name], false) for name in METHODS]


def _missed(samples: Sequence[Sample], pairs: Any) -> Any:
    """Whether a draw is missed, on which side, and the mean width."""
    truths = np.array([each.truth for each in samples])
    larger, smaller = pairs[:, 1] < truths - 1e-9, pairs[:, 0] > truths + 1e-9
    return np.array([(larger | smaller).any(), larger.any(), smaller.any(), np.ptp(pairs, axis=1).mean()])


def _false(samples: Sequence[Sample], draw: int) -> bool:
    """Whether Holm's p of any cell shows a drop."""
    adjusted = holm([float(each.p[draw]) for each in samples])
    return any(p < _ALPHA and each.moments.value[draw] > 0 for p, each in zip(adjusted, samples, strict=True))


def _row(design: Design, cells: Sequence[Population], draws: int, name: str, missed: Any, false: int) -> Row:
    both, larger, smaller = (f"{100 * count / draws:.1f}" for count in missed[:3])
    return {
        "metric": design.metric,
        "cells": len(cells),
        "clusters": design.clusters,
        "large": BY_CHANCE if design.by_chance else "its share",
        "method": name,
        "draws": draws,
        "missed": both,
        "larger": larger,
        "smaller": smaller,
        "width": f"{missed[3] / draws:.2f}",
        "false_drops": f"{100 * false / draws:.1f}",
    }


_HEADS: Final = ("clusters", "large clusters", "method", "missed", "larger", "smaller", "mean width", "false drops")


def page(rows: Sequence[Mapping[str, str]], made_by: str) -> str:
    """The report, from the rows of the csv."""
    draws = int(rows[0]["draws"])
    note = f"{draws} draws a design: 5 % are known to +-{100 * (0.95 * 0.05 / draws) ** 0.5:.1f} (one standard error)."
    blocks = [*about(__doc__, made_by), Prose(f"Per cent of draws, and width in points. {note}")]
    columns = ("clusters", "large", "method", "missed", "larger", "smaller", "width", "false_drops")
    for metric in METRICS:
        of_metric = [row for row in rows if row["metric"] == metric]
        if of_metric:
            blocks.append(Heading(f"{metric}: {of_metric[0]['cells']} cells"))
            blocks.append(grid(_HEADS, ([row[name] for name in columns] for row in of_metric), 3))
    return markdown.render(ReportPage("Joint coverage on real answers", tuple(blocks)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw from the runs, write the csv, print the page."""
    given = parser(__doc__ or "", "draws", 1000, Path("reports/coverage-joint.csv"))
    given.add_argument("--run", action="append", required=True, help="a finished run; repeatable")
    given.add_argument("--clusters", type=int, nargs="+", default=list(CLUSTERS))
    options = given.parse_args(arguments)
    runs = tuple(options.run)
    designs = [Design(*each) for each in product(METRICS, options.clusters, (False, True)) if population(runs, each[0])]
    results = simulated(
        partial(cover, runs=runs, draws=options.draws), designs, options.jobs, lambda rows: f"{rows[0]}"
    )
    kept = [row for rows in results for row in rows if row["large"] != BY_CHANCE or row["method"] == METHODS[0]]
    write(kept, options.csv)
    print(page(read(options.csv), command("coverage_joint", arguments)), end="")


if __name__ == "__main__":
    main()

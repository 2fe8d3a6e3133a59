"""How often a drop is claimed where there is none: of noise, which is tested, and of attacks, which are not any more.

    python -m benchmarks.simulations.selected_drops --draws 2000 --jobs 2 --run RUN --csv reports/selected-drops.csv \\
        > reports/selected-drops.md

The true drop is 0. In drawn answers a cell has n items, each right on clean text with the accuracy, and a model answers
a share of them again under noise, by chance (in per cent). In answers of a run (`--run`, repeated; only these rates
are kept of it) the clean and the noisy answers of each cluster are exchanged at random. What is claimed is a drop with
p at most 0.05, nominally in 2.5 %. Draws have the crc32 of their design as seed. The run was made with

    robust-xtreme train --task panx --from E5_SMALL --data DIR --steps 400 --batch-size 16 --lr 5e-5 --out HEAD
    robust-xtreme eval --tasks panx --model panx=HEAD --data DIR --languages en,de,sw,ru,zh --limit 300 \\
        --perturb char_noise:0.02,0.1 --perturb diacritics:0.3 --no-cache --out RUN

The columns: `noise` edits every item, and is tested. `average` is over all languages of the run, which is tested, too.
The others edit only items that are right on clean text, so that these can be lost and no other be gained. `like` is one
draw of noise on them, as `NAME@like=ATTACK` is. `searched` is the worst of several draws, as attacks and random search
have it: of ten in drawn answers, of the noises of the run in its answers (where it has several). `frozen` has noise
where another model is right, whose answers on clean text are the same by chance in half of the items. The bar is 3.5 %
for rows that have a p; the others are printed to show why they have none.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from benchmarks.simulations._runner import about, command, parser, simulated, write

from robust_xtreme.core.metric import ALL, named
from robust_xtreme.files.schema import STATS
from robust_xtreme.files.store import read_frame
from robust_xtreme.noise.conditions.condition import CLEAN
from robust_xtreme.report.blocks import Heading, Paragraph, ReportPage, grid
from robust_xtreme.report.document import results_of
from robust_xtreme.report.renderers import markdown
from robust_xtreme.stats import intervals
from robust_xtreme.stats.averages import average, drop
from robust_xtreme.stats.claims import is_selected
from robust_xtreme.stats.intervals import CPU, cluster_sums

ACCURACY: Final = named("accuracy")

TESTED: Final = ("noise", "average")
FORMER: Final = ("like", "searched", "frozen")
NAMES: Final = ("answers", "items", "accuracy", "answered again")
BAR: Final = 3.5
ITEMS: Final = (60, 250, 1000)
ACCURACIES: Final = (0.5, 0.7, 0.9)
ANSWERED_AGAIN: Final = (0.02, 0.05, 0.1, 0.3)
SEARCHED: Final = 10
ALIKE: Final = 0.5
_ALPHA: Final = 1 - intervals.CONFIDENCE
_WHOLE: Final = 100 - 1e-9

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Design:
    """Drawn answers: n items, the share that is right, and the share that is answered again under noise."""

    items: int
    accuracy: float
    again: float


@dataclass(frozen=True, slots=True)
class Stored:
    """The answers of a task in a run: by language, statistics (answers, items, k) of clean text and of each noise."""

    name: str
    metric: str
    languages: tuple[str, ...]
    codes: tuple[Any, ...]
    answers: tuple[Any, ...]


def designs(runs: Sequence[Path] = ()) -> Iterator[Design | Stored]:
    """All designs of drawn answers, then the tasks of runs."""
    yield from (Design(*design) for design in product(ITEMS, ACCURACIES, ANSWERED_AGAIN))
    for run in runs:
        yield from stored(run)


def stored(run: Path) -> Iterator[Stored]:
    """The answers of each task of a finished run by its headline metric, under the noises of all of its languages."""
    rows = read_frame(run / "stats.parquet", STATS).filter(pl.col("scope") == ALL, ~pl.col("model").str.contains("/"))
    for task, facts in results_of(run).manifest["tasks"].items():
        of_task = rows.filter(task=task, metric=facts["metrics"][0]).sort("example")
        by_language = of_task.partition_by("language", as_dict=True, include_key=True)
        parts = {str(code): part for (code,), part in sorted(by_language.items())}
        shared = set.intersection(*(set(part["condition"]) for part in parts.values()))
        noises = sorted(name for name in shared if name != CLEAN and not is_selected(name))
        title = f"{task}: {', '.join(name.partition('@')[0] for name in noises)}"
        clean = [part.filter(condition=CLEAN) for part in parts.values()]
        codes = tuple(part["cluster"].rank("dense").to_numpy().astype(np.int64) - 1 for part in clean)
        answers = tuple(_values(part, (CLEAN, *noises)) for part in parts.values())
        yield Stored(title, facts["metrics"][0], tuple(parts), codes, answers)


def _values(rows: pl.DataFrame, conditions: Sequence[str]) -> Any:
    """The statistics (answers, items, k) under each condition and its first noise seed."""
    several = (rows.filter(condition=name) for name in conditions)
    first = (each.filter(pl.col("noise_seed") == pl.col("noise_seed").min()) for each in several)
    return np.stack([np.array(each["stats"].to_list()) for each in first])


# --------------------------------------------------------------------------------------- drawn answers


def drawn(design: Design, draws: int, draw: np.random.Generator) -> Iterator[tuple[str, float]]:
    """The share of draws in which each kind of row claims a drop."""
    shape = (draws, design.items)
    clean, other = (draw.random(shape) < design.accuracy for _ in range(2))
    noisy = _again(clean, design, draw)
    worst = clean.copy()
    for _ in range(SEARCHED):
        worst &= _again(clean, design, draw)
    victim = np.where(draw.random(shape) < ALIKE, clean, other)
    rows = {
        "noise": noisy,
        "like": np.where(clean, noisy, clean),
        "searched": worst,
        "frozen": np.where(victim, noisy, clean),
    }
    for name, after in rows.items():
        moments, _, p = intervals.paired(CPU, _sums(clean), _sums(after), ACCURACY.reduce)
        yield name, float(((p <= _ALPHA) & (moments.value > 0)).mean())


def _again(clean: Any, design: Design, draw: np.random.Generator) -> Any:
    """The answers of a model that answers some items again."""
    fresh = draw.random(clean.shape) < design.accuracy
    return np.where(draw.random(clean.shape) < design.again, fresh, clean)


def _sums(right: Any) -> Any:
    """Sums of accuracy (draws, 1, items, 2): each item is a cluster."""
    values = right.astype(np.float64)
    return np.stack([values, np.ones_like(values)], -1)[:, None]


# -------------------------------------------------------------------------------------- stored answers


def exchanged(task: Stored, draws: int, draw: np.random.Generator) -> dict[str, dict[str, float]]:
    """The same by language: the answers of each cluster are in an order by chance, of which the first is clean."""
    claims: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reduce = named(task.metric).reduce
    for _ in range(draws):
        drops = []
        for language, codes, answers in zip(task.languages, task.codes, task.answers, strict=True):
            order = _shuffled(answers, codes, draw)
            clean, noisy = order[:2]
            right = (~clean.any(-1) | (reduce(clean) >= _WHOLE))[:, None]
            rows = {"noise": noisy, "like": np.where(right, noisy, clean)}
            if len(order) > 2:
                rows["searched"] = np.where(right, _worst(order, reduce), clean)
            measured = {name: _drop(clean, after, codes, reduce) for name, after in rows.items()}
            drops.append(measured["noise"])
            claims[language].update({name: _claims([each]) for name, each in measured.items()})
        claims[" ".join(task.languages)]["average"] += _claims(drops)
    return {of: {name: count / draws for name, count in counts.items()} for of, counts in claims.items()}


def _shuffled(answers: Any, codes: Any, draw: np.random.Generator) -> Any:
    """Answers (answers, items, k), whose first ones are exchanged by cluster."""
    order = draw.random((len(answers), int(codes.max()) + 1)).argsort(0)[:, codes]
    return np.take_along_axis(answers, order[..., None], 0)


def _worst(answers: Any, reduce: Any) -> Any:
    """The worst answer to each item; where nothing is counted nothing is wrong."""
    values = np.where(answers.any(-1), reduce(answers), np.inf)
    return answers[values.argmin(0), np.arange(answers.shape[1])]


def _drop(clean: Any, noisy: Any, codes: Any, reduce: Any) -> Any:
    count = int(codes.max()) + 1
    before, after = (cluster_sums(each, codes, count)[None] for each in (clean, noisy))
    return drop(before, after, np.arange(count), reduce)


def _claims(drops: Sequence[Any]) -> bool:
    estimate = average(drops, (1 / len(drops),) * len(drops))
    return estimate.p is not None and estimate.p <= _ALPHA and estimate.value > 0


# -------------------------------------------------------------------------------------------- the page


def lines(design: Design | Stored, draws: int) -> list[Row]:
    """Lines of the csv: false drops of each kind of row in per cent."""
    if isinstance(design, Stored):
        draw = np.random.default_rng(zlib.crc32(design.name.encode()))
        by_language = exchanged(design, draws, draw)
        sizes = dict(zip(design.languages, map(len, design.codes), strict=True))
        return [
            _line((f"{design.name}, {of}", str(sizes.get(of, "")), "", ""), draws, rates)
            for of, rates in by_language.items()
        ]
    draw = np.random.default_rng(zlib.crc32(repr(design).encode()))
    names = ("drawn", str(design.items), f"{design.accuracy:g}", f"{100 * design.again:g}")
    return [_line(names, draws, dict(drawn(design, draws, draw)))]


def _line(names: Sequence[str], draws: int, rates: Mapping[str, float]) -> Row:
    shown = {name: f"{100 * rates[name]:.1f}" if name in rates else "" for name in (*TESTED, *FORMER)}
    return {**dict(zip(NAMES, names, strict=True)), "draws": str(draws), **shown}


def above(rows: Sequence[Row]) -> list[Row]:
    """The rows in which a kind that has a p claims more than the bar."""
    return [line for line in rows if any(float(line[name] or 0) > BAR for name in TESTED)]


def page(rows: Sequence[Row], made_by: str) -> str:
    """The report, from the rows of the csv."""
    names = (*NAMES, *TESTED, *FORMER)
    table = grid(names, [tuple(line[name] or "-" for name in names) for line in rows], 1)
    ranges = [_range(rows, name) for name in (*TESTED, *FORMER)]
    verdict = f"Above {BAR} % among rows that have a p: {len(above(rows))} of {len(rows)}. Lowest to highest: "
    blocks = (*about(__doc__, made_by), Paragraph(f"{verdict}{', '.join(ranges)}."), Heading("False drops, %"), table)
    return markdown.render(ReportPage("False drops of rows that are selected on the outcome", blocks))


def _range(rows: Sequence[Row], name: str) -> str:
    values = [float(line[name]) for line in rows if line[name]]
    return f"{name} {min(values):.1f} to {max(values):.1f}" if values else f"{name} -"


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, write the csv, print the page."""
    options = parser(__doc__ or "", "draws", 2000, Path("reports/selected-drops.csv"))
    options.add_argument("--run", type=Path, action="append", default=[], help="a finished run, whose answers are used")
    given = options.parse_args(arguments)
    made = simulated(partial(lines, draws=given.draws), designs(given.run), given.jobs, str)
    rows = [line for each in made for line in each]
    write(rows, given.csv)
    print(page(rows, command("selected_drops", arguments)), end="")


if __name__ == "__main__":
    main()

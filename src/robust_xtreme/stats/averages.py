"""AVERAGES: mean levels and drops over languages, scripts, families, tasks and benchmarks, each with its interval.

Every cell to which the noise applies counts, unless it is inert: no cell is chosen by its outcome, and attacks, which
choose items by it, have no averages. Averages over languages are over those in which their condition counts for each of
the models, and over those in common; docs/method.md says why. Languages, tasks and weights are fixed.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.languages import language
from robust_xtreme.core.metric import Array, named
from robust_xtreme.files import store
from robust_xtreme.files.schema import AVERAGES, CHANCE, DELTAS, SCORES, SHALLOW, build, empty
from robust_xtreme.stats import intervals
from robust_xtreme.stats._cells import ALL, Cell, CellLevel, by_language, cells, check_distinct, in_groups, levels_of
from robust_xtreme.stats.benchmark import Average, Task, benchmark_averages
from robust_xtreme.stats.claims import CLEAN
from robust_xtreme.stats.components import Clustered, clustered, components
from robust_xtreme.stats.degrade import Compared, compared, deltas_of, drops_without_risk
from robust_xtreme.stats.intervals import CONFIDENCE, CPU, ArrayBackend, Estimate, Moments, cluster_sums
from robust_xtreme.stats.merging import BASE, together
from robust_xtreme.stats.score import scores_of

# Average drops with intervals: by leaving one cluster out of the average, not out of each cell, so that what cells have
# in common (a premise in fifteen languages) is counted once. docs/method.md has J, V and the degrees of freedom, over
# strata: clusters that are in the same cells. Strata have no cluster in common, so that their variances add.

ESTIMATED: Final = ("clusters", "se", "widened_se", "low", "high", "p", "df", "method")
"""The columns of an estimate beside its value."""

_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Drop:
    """The drop of one cell in points, and its deviations without each cluster, (G,).

    `clusters` are sorted numbers, the same for the same cluster in every cell. `differ` tells which of them have other
    sums under noise, `alike` (G,) how many of the size of each would make the cell: G where all have one size.
    """

    value: float
    clusters: Any
    deviations: Any
    differ: Any
    alike: Any


def drop(clean: Any, noisy: Any, clusters: Any, reduce: Callable[[Array], Array]) -> Drop:
    """The drop of sums (arms, G, k), whose clusters have the numbers (G,); clusters with one number are joined."""
    numbers, slots = np.unique(clusters, return_inverse=True)
    left, right = (np.stack([cluster_sums(arm, slots, len(numbers)) for arm in sums]) for sums in (clean, noisy))
    moments = intervals.difference(CPU, left, right, reduce)
    alike = intervals.clusters_like(CPU, left)
    return Drop(float(moments.value), numbers, moments.deviations, intervals.differs(left, right), alike)


def average(drops: Sequence[Drop], weights: Sequence[float]) -> Estimate:
    """The weighted sum of drops with interval and p; `weights` are positive and their sum is 1."""
    differing = np.concatenate([cell.clusters[cell.differ] for cell in drops])
    return intervals.estimate_average(average_moments(drops, weights), len(np.unique(differing)))


def average_moments(drops: Sequence[Drop], weights: Sequence[float]) -> Moments:
    """The weighted sum of drops, with the deviations of the clusters of all of them."""
    sizes = [len(cell.clusters) for cell in drops]
    _, slots = np.unique(np.concatenate([cell.clusters for cell in drops]), return_inverse=True)
    moved = np.concatenate([weight * cell.deviations for cell, weight in zip(drops, weights, strict=True)])
    deviations = np.bincount(slots, weights=moved)
    squares = np.bincount(slots, weights=moved * np.sqrt(np.repeat(1 - np.divide(1, sizes), sizes))) ** 2
    shares = [weight / cell.alike for cell, weight in zip(drops, weights, strict=True)]
    share = np.bincount(slots, weights=np.concatenate(shares))
    value = intervals.added(weight * cell.value for cell, weight in zip(drops, weights, strict=True))
    freedom, jump = _freedom(squares, slots, sizes), intervals.jump(CPU, deviations)
    return Moments(np.asarray(value), deviations, squares.sum(), jump, freedom, 1 / share.max())


def _freedom(squares: Any, slots: Any, sizes: Sequence[int]) -> float:
    """Satterthwaite's degrees of freedom; 0 where a cell has one cluster, and its variance is not known."""
    if min(sizes) < 2:
        return 0.0
    # A sum of random numbers, one a cell, is the same only for clusters that are in the same cells.
    names = np.bincount(slots, weights=np.repeat(np.random.default_rng(0).random(len(sizes)), sizes))
    fewest = np.full(len(squares), np.inf)
    np.minimum.at(fewest, slots, np.repeat(sizes, sizes))
    _, strata = np.unique(names, return_inverse=True)
    freedoms = np.bincount(strata, weights=1 - 1 / fewest)
    variances = np.bincount(strata, weights=squares)
    if not variances.sum() > 0:
        return round(float(freedoms.sum()), _DIGITS)
    return round(float(variances.sum() ** 2 / (variances**2 / freedoms).sum()), _DIGITS)


def drops_at_least(estimates: Sequence[Estimate]) -> int:
    """The greatest k for which "at least k of them have a drop" is true with 95 %, whatever their dependence.

    The partial conjunction test of Benjamini and Heller (Biometrics 2008) by Bonferroni, (N - k + 1) p_(k) <= 0.05 with
    the one-sided p in rising order, for every number up to k; so the greatest k is as safe as each of them.
    """
    rejected = 0
    for p in sorted(1.0 if it.p is None else float(intervals.one_sided(-it.value, it.p)) for it in estimates):
        if (len(estimates) - rejected) * p > 1 - CONFIDENCE:
            break
        rejected += 1
    return rejected


def spread(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """The standard deviation of drops over languages, and the bounds that predict the drop of another one like them.

    mean +- t_{N-1} SD sqrt(1 + 1/N): a description, because languages are not a sample. Two languages give no bounds.
    """
    count = len(values)
    if count < 2:
        return None, None, None
    deviation, mean = float(np.std(values, ddof=1)), float(np.mean(values))
    if count == 2:
        return deviation, None, None
    reach = intervals.t_quantile(0.5 + CONFIDENCE / 2, count - 1) * deviation * float(np.sqrt(1 + 1 / count))
    return deviation, mean - reach, mean + reach


LANGUAGES: Final = "languages"
COMMON: Final = "common"
"""The kinds of averages over the languages of a task: those of one condition, and those that all conditions share."""

KINDS: Final = ("script", "family")
UNKNOWN: Final = "unknown"

Key = tuple[tuple[str, ...], str]
"""The key of a cell, and the metric."""

Drops = Mapping[Key, Drop]
"""The drop of each perturbed cell by its key and metric."""

Counted = Mapping[Key, tuple[Any, Any]]
"""The sums (arms, G, k), clean and perturbed, of each perturbed cell that averages count."""

Numbers = Mapping[Key, Any]
"""The numbers of the clusters of each clean cell, (G,), by its key and metric: the same cluster has the same number."""

Absent = Sequence[Mapping[str, str]]
"""Cells of a language that were asked for and have no scores: entries of a manifest's `not_run`."""


def averages(
    stats: pl.DataFrame, scores: pl.DataFrame, deltas: pl.DataFrame, tasks: Mapping[str, Task], absent: Absent = ()
) -> pl.DataFrame:
    """AVERAGES from STATS with their SCORES and DELTAS; see `averaged`."""
    levels, whole = levels_of(scores, deltas), cells(stats.filter(pl.col("scope") == ALL))
    drops = drops_of(counted(whole, levels), numbers_of([*clusters_of(whole, tasks)]))
    return averaged(levels, drops, tasks, absent=absent)


def averaged(
    levels: Sequence[CellLevel],
    drops: Drops,
    tasks: Mapping[str, Task],
    asked: Sequence[str] = (),
    suite: str = "",
    absent: Absent = (),
) -> pl.DataFrame:
    """AVERAGES of the levels of known tasks, and of their drops, sorted.

    `asked` are the tasks and benchmarks that the run was started with, `suite` is that whose rows were evaluated.
    Raises Mismatch where an average would count a cell twice.
    """
    levels = [level for level in levels if level["task"] in tasks]
    named = [*_within_tasks(levels, tasks, absent), *_over_tasks(levels, tasks, asked, suite)]
    marks = {level.key: level.marked for level in levels if level.metric == tasks[level["task"]].metrics[0]}
    return build([_row(named_average, drops, marks) for named_average in named], AVERAGES).sort(AVERAGES.key)


def clusters_of(all_cells: Iterable[Cell], tasks: Mapping[str, Task]) -> Iterator[tuple[Key, Clustered]]:
    """The clusters of the clean cells of models, by the key and metric of each."""
    for cell in all_cells:
        if cell.answers and cell.scope == ALL and cell.condition == CLEAN:
            task = tasks.get(cell.columns["task"])
            yield (cell.key, cell.metric), clustered(cell.items, task.parallel_ids if task else "")


def numbers_of(clean: Sequence[tuple[Key, Clustered]]) -> Numbers:
    """The numbers of the clusters of the clean cells of a run, which are in the order of their keys."""
    return dict(zip([key for key, _ in clean], components([clusters for _, clusters in clean]), strict=True))


def counted(all_cells: Iterable[Cell], levels: Iterable[CellLevel]) -> Counted:
    """The sums of all perturbed levels that count, from their cells."""
    measured = {(cell.key, cell.metric): cell.sums for cell in all_cells if cell.scope == ALL}
    keys = [(level.key, level.metric) for level in levels if level["condition"] != CLEAN and not level.unfit]
    return {key: (measured[_twin(key)], measured[key]) for key in keys}


def drops_of(sums: Counted, numbers: Numbers) -> Drops:
    """The drops of cells from their sums, and the numbers of the clusters of their clean cells."""
    return {key: drop(*pair, numbers[_twin(key)], named(key[1]).reduce) for key, pair in sums.items()}


def _twin(key: Key) -> Key:
    (*cell, _), metric = key
    return (*cell, CLEAN), metric


def _within_tasks(levels: Sequence[CellLevel], tasks: Mapping[str, Task], absent: Absent) -> Iterator[Average]:
    """Averages over the languages of a task, and over those of each script and family for its headline metric."""
    of_task = itemgetter("task", "split", "metric")
    for group in in_groups(levels, lambda level: (of_task(level), level.translated, level.fields)):
        by_noise = in_groups(_perturbed(group), itemgetter("condition"))
        noises = [(noise, here) for noise in by_noise if (here := _served(noise))]
        common = frozenset.intersection(*(here for _, here in noises)) if noises else frozenset()
        every = {level.language for level in _perturbed(group)}
        shared = dict.fromkeys(sorted(every - common), "not under every noise")
        for noise, here in noises:
            missing = _missing(noise, here, every, absent)
            for same in in_groups(noise, itemgetter("model", "inference")):
                check_distinct(same)
                counting = (level for level in same if level.language in here and not level.unfit)
                if kept := sorted(counting, key=by_language):
                    yield _equal(LANGUAGES, kept[0]["task"], kept, missing)
                    if kept[0].metric == tasks[kept[0]["task"]].metrics[0]:
                        yield from (each for kind in KINDS for each in _by_kind(kind, kept, missing))
                if kept and common and any(other != common for _, other in noises):
                    yield _equal(COMMON, kept[0]["task"], [level for level in kept if level.language in common], shared)


def _perturbed(levels: Iterable[CellLevel]) -> list[CellLevel]:
    return [level for level in levels if level["condition"] != CLEAN]


def _served(levels: Sequence[CellLevel]) -> frozenset[str]:
    """The languages with a level that counts for each model, under one condition; of models with any such level."""
    counted: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for level in levels:
        if not level.unfit:
            counted[level.language].add((level["model"], level["inference"]))
    combinations = set().union(*counted.values())
    return frozenset(code for code, present in counted.items() if present == combinations)


def _missing(levels: Sequence[CellLevel], served: frozenset[str], every: set[str], absent: Absent) -> dict[str, str]:
    """The languages that an average under one condition does not have, with the reason, also by `absent` cells."""
    task, split, condition = (levels[0][name] for name in ("task", "split", "condition"))
    reasons = {
        cell["language"]: cell["reason"].replace("_", " ")
        for cell in absent
        if (cell["task"], cell["split"]) in ((task, split), (task, "auto"))
        if cell.get("condition") in (None, "", CLEAN, condition)
    }
    reasons |= {level.language: level.unfit for level in levels if level.unfit}
    return {
        code: reasons.get(code, "not under this noise for every model") for code in sorted({*every, *reasons} - served)
    }


def _equal(kind: str, name: str, levels: Sequence[CellLevel], missing: Mapping[str, str]) -> Average:
    weights = (1 / len(levels),) * len(levels)
    named = ", ".join(f"{code} ({reason})" for code, reason in missing.items())
    return Average(kind, name, levels[0]["task"], levels[0].metric, tuple(levels), weights, named)


def _by_kind(kind: str, levels: Sequence[CellLevel], missing: Mapping[str, str]) -> Iterator[Average]:
    """Averages over the languages with the same `kind`, an attribute of Language; of a pair, the question's."""
    for members in in_groups(levels, lambda level: _kind(level["language"], kind)):
        name = _kind(members[0]["language"], kind)
        of_name = {code: reason for code, reason in missing.items() if _kind(code.partition("@")[0], kind) == name}
        yield _equal(kind, name, members, of_name)


def _kind(code: str, kind: str) -> str:
    try:
        return str(getattr(language(code), kind))
    except UnknownName:
        return UNKNOWN


def _over_tasks(
    levels: Sequence[CellLevel], tasks: Mapping[str, Task], asked: Sequence[str], suite: str
) -> Iterator[Average]:
    """The averages of benchmarks, by noise: of each model where several answer a task, else of all models together."""
    levels = _widest(levels)
    pairs = {(level["task"], level["model"]) for level in levels}
    together = len({task for task, _ in pairs}) == len(pairs)
    for of_model in [levels] if together else in_groups(_shared(levels), itemgetter("model")):
        for same in in_groups(of_model, attrgetter("noise")):
            yield from benchmark_averages(same, tasks, asked, suite)


def _widest(levels: Sequence[CellLevel]) -> list[CellLevel]:
    """The levels that tasks count with where their vectors were cut: of several `dims` the most, so that one does."""
    cuts = [int((re.search(r" dims=(\d+)$", level["inference"]) or [0, 0])[1]) for level in levels]
    most: defaultdict[tuple[str, str], int] = defaultdict(int)
    for level, cut in zip(levels, cuts, strict=True):
        most[level["task"], level["model"]] = max(cut, most[level["task"], level["model"]])
    return [level for level, cut in zip(levels, cuts, strict=True) if cut == most[level["task"], level["model"]]]


def _shared(levels: Sequence[CellLevel]) -> list[CellLevel]:
    """The levels of the languages in which every model that answers a task has one that counts."""
    return [
        level
        for group in in_groups(levels, itemgetter("task", "split", "condition", "metric"))
        for level in group
        if {other["model"] for other in group if other.language == level.language and not other.unfit}
        == {other["model"] for other in group}
    ]


def _row(averaged: Average, drops: Drops, marks: Mapping[tuple[str, ...], bool | None]) -> dict[str, Any]:
    first, levels = averaged.levels[0], averaged.levels
    languages = sorted({level.language for level in levels})
    tasks = {level["task"]: None for level in levels}
    cells = {level.key: level for level in levels}
    edits = [level.edit_rate for level in levels if level.edit_rate is not None]
    named = [f"{task} ({' '.join(sorted({x.language for x in levels if x['task'] == task}))})" for task in tasks]
    return {
        "model": ", ".join(sorted({level["model"] for level in levels})),
        "kind": averaged.kind,
        "name": averaged.name,
        "task": averaged.task,
        "split": first["split"] if averaged.task else "",
        "setting": first.translated if averaged.task else "",
        "inference": first["inference"] if averaged.task else "",
        "condition": first["condition"] if averaged.kind in (LANGUAGES, COMMON, *KINDS) else first.noise,
        "metric": averaged.metric,
        "languages": " ".join(languages),
        "cells": ", ".join(named),
        "missing": averaged.missing or None,
        "n": sum(level.n for level in cells.values()),
        "clean": _mean(averaged, [level.clean for level in levels]),
        "value": _mean(averaged, [level.value for level in levels]),
        "grapheme_edit_rate": _mean(averaged, edits) if len(edits) == len(levels) else None,
        "marked": _marked(averaged, marks),
        **({} if first["condition"] == CLEAN else _change(averaged, drops)),
    }


def _marked(averaged: Average, marks: Mapping[tuple[str, ...], bool | None]) -> float | None:
    """The share of tasks and languages with a mark; over several tasks each by its headline metric."""
    units = {level.key: level.marked if averaged.task else marks.get(level.key) for level in averaged.levels}
    known = [mark for mark in units.values() if mark is not None]
    return intervals.added(known) / len(units) if known else None


def _mean(average: Average, values: Sequence[float]) -> float:
    return intervals.added(weight * value for weight, value in zip(average.weights, values, strict=True))


def _change(averaged: Average, drops: Drops) -> dict[str, Any]:
    """The drop with its interval, and what the languages of the average say one by one."""
    several = [drops[level.key, level.metric] for level in averaged.levels]
    whole = average(several, averaged.weights)
    units = _units(averaged, several)
    within = spread([unit.value for unit in units]) if averaged.task else (None, None, None)
    return {
        "drop": whole.value,
        **{name: getattr(whole, name) for name in ESTIMATED},
        **dict(zip(("spread", "prediction_low", "prediction_high"), within, strict=True)),
        "units": len(units),
        "drops_at_least": drops_at_least(units),
    }


def _units(averaged: Average, drops: Sequence[Drop]) -> list[Estimate]:
    """The average within each task and language: the drop of one cell, or that of the metrics of a score."""
    members: defaultdict[tuple[str, str], list[tuple[Drop, float]]] = defaultdict(list)
    for level, cell, weight in zip(averaged.levels, drops, averaged.weights, strict=True):
        members[level["task"], level.language].append((cell, weight))
    return [
        average([cell for cell, _ in unit], [weight / intervals.added(each for _, each in unit) for _, weight in unit])
        for unit in members.values()
    ]


# A cell, what it is compared with and the strengths of its noise are in one task run, so that each is measured alone,
# also where it is computed. Of all of them together only what tests and averages combine is kept: numbers of each cell
# and cluster.


_UNUSED: Final = ("cluster", "fingerprint", "answer", "gold")
"""Columns of PREDICTIONS that no number is made of."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The files of a task run: its rows of PREDICTIONS and those of STATS, both sorted."""

    predictions: Path
    stats: Path


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run that is measured.

    The metric of each task that claims are made on, the facts of the tasks, and the models, tasks, splits and languages
    whose text the model has seen in training (`stamped`).
    """

    headlines: Mapping[str, str]
    tasks: Mapping[str, Task]
    stamped: Collection[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class MeasuredPart:
    """What is measured of some task runs alone: SCORES, drops, and what tests and averages combine with other parts.

    `key` is what the first of their PREDICTIONS begins with, by which parts are ordered; `clusters` are those of the
    clean cells.
    """

    key: tuple[str, ...]
    scores: pl.DataFrame
    compared: Compared
    clusters: Sequence[tuple[Key, Clustered]]
    counted: Counted

    @property
    def nbytes(self) -> int:
        """The memory of the largest arrays: the sums of clusters."""
        sums = {id(each): each for pair in self.counted.values() for each in pair}
        return sum(int(each.nbytes) for each in sums.values())


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """SCORES and DELTAS of a run, and the drops that AVERAGES are made of."""

    scores: pl.DataFrame
    deltas: pl.DataFrame
    drops: Drops

    @property
    def levels(self) -> list[CellLevel]:
        """The cells that averages are over."""
        return levels_of(self.scores, self.deltas)


def measured(
    stored: Iterable[Stored],
    facts: Facts,
    backend: ArrayBackend = CPU,
    known: Mapping[Stored, MeasuredPart] = MappingProxyType({}),
) -> MeasuredRun:
    """Measure a run, of which some task runs are `known`. Raises Mismatch, DataError where a file cannot be read."""
    keyed = sorted((known[files].key if files in known else _key(files), at, files) for at, files in enumerate(stored))
    groups = groupby((files for *_, files in keyed), key=known.__contains__)
    sources = [source for are_known, files in groups for source in (files if are_known else together(files, _height))]
    numbers = numbers_of([clusters for source in sources for clusters in _clusters(source, facts, known)])
    scored: list[pl.DataFrame] = [empty(SCORES)]
    rows: list[Compared] = []
    drops: dict[Key, Drop] = {}
    for source in sources:
        part = known[source] if isinstance(source, Stored) else _read(source, facts, backend)
        if part:
            scored.append(part.scores)
            rows.append(part.compared)
            drops |= drops_of(part.counted, numbers)
    return MeasuredRun(pl.concat(scored).sort(SCORES.key), deltas_of(rows, backend), drops)


def _read(files: Iterable[Stored], facts: Facts, backend: ArrayBackend) -> MeasuredPart | None:
    """What is measured of task runs from their files; None where there are no statistics."""
    stats = _stats(files)
    predictions = _collected([(run.predictions, store.scan(run.predictions).drop(_UNUSED)) for run in files])
    return None if stats.is_empty() else measured_part(stats, predictions, facts, backend)


def measured_part(
    stats: pl.DataFrame, predictions: pl.DataFrame, facts: Facts, backend: ArrayBackend = CPU
) -> MeasuredPart:
    """Measure whole task runs by their STATS and PREDICTIONS. Raises Mismatch."""
    of_files = cells(stats)
    scored = scores_of(of_files, predictions, stamped=facts.stamped, backend=backend)
    without_risk = drops_without_risk(of_files, predictions, backend)
    drops = compared(of_files, scored, facts.headlines, backend, without_risk)
    sums = counted(of_files, levels_of(scored, empty(DELTAS)))
    return MeasuredPart(_first(predictions), scored, drops, [*clusters_of(of_files, facts.tasks)], sums)


def _first(predictions: pl.DataFrame) -> tuple[str, ...]:
    """What the first of the keys of predictions begins with."""
    return min(predictions.select(BASE).unique().rows(), default=())


def _key(task_run: Stored) -> tuple[str, ...]:
    """What the keys of the predictions of a task run begin with."""
    with store.reading(task_run.predictions):
        return _first(store.scan(task_run.predictions).select(BASE).head(1).collect())


def _height(task_run: Stored) -> int:
    """The rows of STATS of a task run."""
    with store.reading(task_run.stats):
        return int(store.scan(task_run.stats).select(pl.len()).collect().item())


def _stats(files: Iterable[Stored], *only: pl.Expr) -> pl.DataFrame:
    """The rows of STATS of some task runs."""
    return _collected([(task_run.stats, store.scan(task_run.stats).filter(*only)) for task_run in files])


def _collected(rows: Iterable[tuple[Path, pl.LazyFrame]]) -> pl.DataFrame:
    """The rows of several files."""
    frames = []
    for path, of_file in rows:
        with store.reading(path):
            frames.append(of_file.collect(engine="streaming"))
    return pl.concat(frames, rechunk=True)


def _clusters(
    source: Stored | Sequence[Stored], facts: Facts, known: Mapping[Stored, MeasuredPart]
) -> Iterable[tuple[Key, Clustered]]:
    """The clusters of the clean cells of the models of task runs, known or not."""
    if isinstance(source, Stored):
        return known[source].clusters
    answers = ~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})")
    clean = _stats(source, pl.col("condition") == CLEAN, pl.col("scope") == ALL, answers)
    return clusters_of(cells(clean), facts.tasks)

"""CONTRASTS: candidate minus baseline of two runs on the same items, paired, by cell, task and language.

A difference is below 0 where the candidate is worse. Three scales are compared: the level of clean text, the level of
perturbed text, and the change (perturbed minus clean), which says how much more, or less, noise costs the candidate.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files.schema import CELL, CONTRASTS, build, language_of
from robust_xtreme.stats import intervals
from robust_xtreme.stats._cells import Cell, Items, check_same, in_groups
from robust_xtreme.stats.averages import ESTIMATED, Drop, average_moments, drop
from robust_xtreme.stats.benchmark import SCORE, Task
from robust_xtreme.stats.claims import CLEAN, holm, is_selected
from robust_xtreme.stats.components import Numbers, numbered
from robust_xtreme.stats.degrade import parts_of, without_fields
from robust_xtreme.stats.intervals import CPU, EXACT_METHOD, Estimate, Moments, Quantiles, has_joint
from robust_xtreme.stats.resampling import Member, keys, simultaneous_quantiles

CELLS, TASKS, LANGUAGES, OVERALL = "cell", "task", "language", "overall"
"""What a row is about: one cell, the languages of a task, the tasks of a language, or all tasks and languages."""

PERTURBED, CHANGE = "perturbed", "change"
_NAMES: Final = CELL[1:]
_OF_TASK: Final = ("task", "split", "inference", "condition", "metric")

Key = tuple[str, ...]
"""The values of CELL without the model, and the metric."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A cell in both runs, with the levels of the two and the difference, candidate minus baseline.

    `of` is that difference; of a change the one on perturbed text and the one on clean text.
    """

    key: Key
    scale: str
    n: int
    baseline: float
    candidate: float
    of: tuple[Drop, ...]

    @property
    def drop(self) -> Drop:
        """The difference, or the difference between two, which is computed when it is asked for."""
        if len(self.of) == 1:
            return self.of[0]
        noisy, clean = self.of
        deviations, differ = noisy.deviations - clean.deviations, noisy.differ | clean.differ
        return replace(noisy, value=noisy.value - clean.value, deviations=deviations, differ=differ)

    def __getitem__(self, name: str) -> str:
        """The value of a column of CELL, or the metric."""
        return self.key[-1] if name == "metric" else self.key[_NAMES.index(name)]


@dataclass(frozen=True, slots=True)
class _Contrast:
    """The mean difference of some pairs of one scale, and the columns that name it."""

    names: Mapping[str, str]
    pairs: tuple[_Pair, ...]

    @property
    def weights(self) -> tuple[float, ...]:
        """The weight of each pair: over several tasks each task has as much, whatever its cells are."""
        many = Counter(pair["task"] for pair in self.pairs)
        return tuple(1 / len(many) / many[pair["task"]] for pair in self.pairs)


class _Clusters:
    """The joined clusters of cells: their numbers, and the keys, of the first names, that weights are drawn by.

    Equal numbers of several cells are kept once, and so are their keys.
    """

    __slots__ = ("_drawn", "_first", "_keys", "_last", "_named", "_numbers", "_sets", "_several")

    def __init__(self, numbers: Numbers, named: bool) -> None:
        self._numbers, self._named = numbers, named
        self._several = numbers.names > 1
        self._keys: Any = np.zeros(len(self._several), np.uint64)
        self._first: dict[int, str] = {}
        self._last: tuple[Items, Any] | None = None
        self._sets: dict[bytes, Any] = {}
        self._drawn: dict[bytes, Any] = {}

    def of(self, items: Items) -> Any:
        """The numbers (G,) of the clusters of a cell."""
        if self._last is None or self._last[0] is not items:
            self._last = items, self._numbers.of(items.clusters)
            if self._named:
                self._name(items.clusters, self._last[1])
        return self._last[1]

    def shared(self, numbers: Any) -> Any:
        """These numbers (G,), or equal ones that are kept."""
        return self._sets.setdefault(blake2b(numbers).digest(), numbers)

    def keys(self, numbers: Any) -> Any:
        """The keys of joined clusters, uint64 (G,); all cells have been numbered before."""
        for number, name in self._first.items():
            self._keys[number] = keys([name])[0]
        self._first.clear()
        return self._drawn.setdefault(blake2b(numbers).digest(), self._keys[numbers])

    def _name(self, names: Sequence[str], numbers: Any) -> None:
        several = self._several[numbers]
        alone = np.flatnonzero(~several & (self._keys[numbers] == 0))
        self._keys[numbers[alone]] = keys([names[at] for at in alone.tolist()])
        for at in np.flatnonzero(several).tolist():
            number = int(numbers[at])
            self._first[number] = min(names[at], self._first.get(number, names[at]))


def contrasts(
    baseline: Mapping[Key, Cell], candidate: Mapping[Key, Cell], tasks: Mapping[str, Task], joint: bool = True
) -> pl.DataFrame:
    """CONTRASTS of the cells that both runs have, sorted.

    p is corrected by Holm within the rows of one kind (cell, task or language), those of clean and perturbed text
    together and those of the changes apart; so are the bounds that are `joint`. Raises Mismatch, naming the example or
    the cell, where the items or the noise seeds of a cell are not the same.
    """
    both = sorted(baseline.keys() & candidate.keys())
    numbers = numbered((baseline[key] for key in both), {name: task.parallel_ids for name, task in tasks.items()})
    clusters = _Clusters(numbers, joint)
    pairs = [_pair(key, baseline[key], candidate[key], clusters) for key in both]
    several = _contrasts([*pairs, *_changes(pairs)], tasks)
    families = in_groups(several, lambda contrast: (contrast.names["kind"], contrast.pairs[0].scale == CHANGE))
    rows = [row for family in families for row in _tested(family, clusters if joint else None)]
    return build(rows, CONTRASTS).sort(CONTRASTS.key)


def _pair(key: Key, baseline: Cell, candidate: Cell, clusters: _Clusters) -> _Pair:
    if baseline.seeds != candidate.seeds:
        mine, theirs = (", ".join(map(str, cell.seeds)) for cell in (baseline, candidate))
        raise Mismatch(f"{baseline.named()} has the noise seeds {mine}, and {candidate.named()} {theirs}.")
    check_same(baseline, candidate)
    difference = drop(candidate.sums, baseline.sums, clusters.of(baseline.items), baseline.reduce)
    shared = replace(difference, clusters=clusters.shared(difference.clusters))
    scale = CLEAN if baseline.condition == CLEAN else PERTURBED
    return _Pair(key, scale, len(baseline.items.examples), baseline.level, candidate.level, (shared,))


def _changes(pairs: Sequence[_Pair]) -> Iterator[_Pair]:
    """For each perturbed pair how much more than the baseline the candidate changes by the noise; not by attacks."""
    clean = {_twin(pair): pair for pair in pairs if pair["condition"] == CLEAN}
    for pair in pairs:
        twin = clean.get(_twin(pair))
        if twin is None or pair is twin or is_selected(pair["condition"]):
            continue
        levels = (pair.baseline - twin.baseline, pair.candidate - twin.candidate)
        yield _Pair(pair.key, CHANGE, pair.n, *levels, (*pair.of, *twin.of))


_twin: Final = itemgetter(*CELL[1:-1], "metric")


def _contrasts(pairs: Sequence[_Pair], tasks: Mapping[str, Task]) -> Iterator[_Contrast]:
    """Each pair alone; under one noise the languages of each task, the tasks of each language, and all of both."""
    for pair in pairs:
        yield _Contrast({"kind": CELLS, **dict(zip(_NAMES, pair.key, strict=False)), "metric": pair["metric"]}, (pair,))
    for group in in_groups(pairs, lambda pair: (pair.scale, *map(pair.__getitem__, _OF_TASK))):
        if len({language_of(pair) for pair in group}) > 1:
            yield _Contrast({"kind": TASKS, **{name: group[0][name] for name in _OF_TASK}}, tuple(group))
    of_language = itemgetter("language", "context_language")
    fields = {name: ("", ",".join(task.headline)) for name, task in tasks.items()}
    headline = [pair for pair in pairs if parts_of(pair["condition"])[2] in fields[pair["task"]]]
    for group in in_groups(headline, lambda pair: (pair.scale, *of_language(pair), _noise(pair))):
        if len({pair["task"] for pair in group}) > 1:
            names = {"language": group[0]["language"], "context_language": group[0]["context_language"]}
            yield _Contrast({"kind": LANGUAGES, **names, "condition": _noise(group[0]), "metric": SCORE}, tuple(group))
    for group in in_groups(headline, lambda pair: (pair.scale, _noise(pair))):
        if len({pair["task"] for pair in group}) > 1 and len({language_of(pair) for pair in group}) > 1:
            yield _Contrast({"kind": OVERALL, "condition": _noise(group[0]), "metric": SCORE}, tuple(group))


def _noise(pair: _Pair) -> str:
    return without_fields(pair["condition"])


@dataclass(frozen=True, slots=True)
class _Test:
    """A contrast with its estimate; what it takes from the deviations of its clusters, which are not kept."""

    contrast: _Contrast
    moments: Moments
    estimate: Estimate
    differing: int
    skewness: float


def _tested(family: Sequence[_Contrast], clusters: _Clusters | None) -> Iterator[dict[str, Any]]:
    """The rows of one family of tests, with joint bounds if clusters have keys; those without an interval are not."""
    tests = [_test(contrast) for contrast in family]
    tested = [at for at, test in enumerate(tests) if test.estimate.p is not None]
    adjusted = dict(zip(tested, holm([tests[at].estimate.p or 0.0 for at in tested]), strict=True))
    quantiles = _quantiles([tests[at] for at in tested], clusters) if clusters else None
    for at, test in enumerate(tests):
        row = _row(test)
        if at in adjusted:
            wide = quantiles and _widened(quantiles, test, len(tested))
            _, low, high = (float(bound) for bound in intervals.difference_bounds(CPU, test.moments, wide))
            step = still_step(row["method"], row["n"])
            mde = intervals.smallest_detectable(test.estimate, len(tested), step=step)
            row |= {"p_adjusted": adjusted[at], "m": len(tested), "mde": mde, "skewness": test.skewness}
            row |= {"unseen": float(intervals.unseen(test.moments.clusters))}
            if has_joint(test.moments):
                row |= {"joint_low": min(low, row["low"]), "joint_high": max(high, row["high"])}
        yield row


def _test(contrast: _Contrast) -> _Test:
    drops = [pair.drop for pair in contrast.pairs]
    moments = _moments(contrast)
    differing = len(np.unique(np.concatenate([each.clusters[each.differ] for each in drops])))
    estimate = intervals.estimate_average(moments, differing)
    without = replace(moments, deviations=np.empty(0))
    return _Test(contrast, without, estimate, differing, float(intervals.skewness(moments)))


def still_step(method: str, n: int) -> float | None:
    """The change in points by one differing cluster where none differs: that of one item; None where some differ."""
    return intervals.TOP / n if method == EXACT_METHOD else None


def _widened(quantiles: Quantiles, test: _Test, tests: int) -> Quantiles:
    """The quantiles; where no cluster differs, which resampling does not vary, they are at least Bonferroni's."""
    exact = test.estimate.method == EXACT_METHOD
    least = intervals.t_quantile(1 - (1 - intervals.CONFIDENCE) / 2 / tests, test.moments.freedom) if exact else 0.0
    return max(quantiles[0], least), max(quantiles[1], least)


def _moments(contrast: _Contrast) -> Moments:
    return average_moments([pair.drop for pair in contrast.pairs], contrast.weights)


def _quantiles(tested: Sequence[_Test], clusters: _Clusters) -> Quantiles | None:
    members = [_member(test, clusters) for test in tested if has_joint(test.moments)]
    return simultaneous_quantiles(members) if members else None


def _member(test: _Test, clusters: _Clusters) -> Member:
    numbers = np.unique(np.concatenate([pair.of[0].clusters for pair in test.contrast.pairs]))
    return Member(lambda: _moments(test.contrast).deviations, float(test.moments.jump), clusters.keys(numbers))


def _row(test: _Test) -> dict[str, Any]:
    """The columns of CONTRASTS that are known without the others of the family."""
    contrast, estimate, pairs = test.contrast, test.estimate, test.contrast.pairs
    names = ("baseline", "candidate")
    mean = {name: float(np.dot(contrast.weights, [getattr(pair, name) for pair in pairs])) for name in names}
    return {
        **dict.fromkeys(_NAMES, ""),
        **contrast.names,
        "scale": pairs[0].scale,
        "cells": len(pairs),
        "n": sum(pair.n for pair in pairs),
        **mean,
        "difference": estimate.value,
        **{name: getattr(estimate, name) for name in ESTIMATED},
        "differing": test.differing,
    }

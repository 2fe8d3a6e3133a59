"""CONTRASTS: candidate minus baseline of two runs on the same items, paired, by cell, task and language.

A difference is below 0 where the candidate is worse. Three scales are compared: the level of clean text, the level of
perturbed text, and the change (perturbed minus clean), which says how much more, or less, noise costs the candidate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme.errors import Mismatch
from robust_xtreme.results._cells import ALL, CLEAN, Cell, cells, check_same
from robust_xtreme.results.averaging import Drop, average_moments, drop
from robust_xtreme.results.benchmark import SCORE, Task
from robust_xtreme.results.components import numbered
from robust_xtreme.results.degrade import parts_of, without_fields
from robust_xtreme.results.intervals import (
    CONFIDENCE,
    CPU,
    EXACT_METHOD,
    TOP,
    Backend,
    Estimate,
    Moments,
    difference_bounds,
    estimate_average,
    skewness,
    smallest_detectable,
    t_quantile,
)
from robust_xtreme.results.multiplicity import holm
from robust_xtreme.results.no_claim import no_claim
from robust_xtreme.results.resampling import Member, keys, simultaneous_quantile
from robust_xtreme.results.schema import CELL, CHANCE, CONTRASTS, SHALLOW, build

CELLS, TASKS, LANGUAGES = "cell", "task", "language"
"""What a row is about: one cell, the languages of a task, or the tasks of a language."""

PERTURBED, CHANGE = "perturbed", "change"
_NAMES: Final = CELL[1:]
_OF_TASK: Final = ("task", "split", "inference", "condition", "metric")

Key = tuple[str, ...]
"""The values of CELL without the model, and the metric."""


@final
@dataclass(frozen=True, slots=True)
class _Pair:
    """A cell in both runs, with the levels of the two and the difference, candidate minus baseline."""

    key: Key
    scale: str
    n: int
    baseline: float
    candidate: float
    drop: Drop

    def __getitem__(self, name: str) -> str:
        """The value of a column of CELL, or the metric."""
        return self.key[-1] if name == "metric" else self.key[_NAMES.index(name)]

    @property
    def language(self) -> str:
        """The language; of a pair `question@context`."""
        question, context = self["language"], self["context_language"]
        return question if question == context else f"{question}@{context}"


@final
@dataclass(frozen=True, slots=True)
class _Contrast:
    """The mean difference of some pairs of one scale, and the columns that name it."""

    names: Mapping[str, str]
    pairs: tuple[_Pair, ...]

    @property
    def scale(self) -> str:
        """What is compared."""
        return self.pairs[0].scale


def measured(parts: Iterable[pl.DataFrame], scores: pl.DataFrame, tasks: Mapping[str, Task]) -> dict[Key, Cell]:
    """The cells of the headline metrics of a run that noise reaches, by their keys, from SCORES and parts of STATS.

    Raises Mismatch where two models of the run answer one of them.
    """
    headlines = pl.DataFrame({"task": [*tasks], "metric": [task.metrics[0] for task in tasks.values()]})
    answers = ~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})")
    served = scores.filter(no_claim().is_null(), pl.col("scope") == ALL).select(*CELL, "metric")
    by_key: dict[Key, Cell] = {}
    for stats in parts:
        kept = stats.filter(pl.col("scope") == ALL, answers).join(headlines, on=["task", "metric"], how="semi")
        for cell in cells(kept.join(served, on=[*CELL, "metric"], how="semi")):
            key = (*cell.key[1:], cell.metric)
            if key in by_key:
                what = f"Two models of one run answer {cell.named()}"
                raise Mismatch(f"{what}. Compare runs with one model for each task.")
            by_key[key] = cell
    return by_key


def contrasts(
    baseline: Mapping[Key, Cell],
    candidate: Mapping[Key, Cell],
    tasks: Mapping[str, Task],
    backend: Backend = CPU,
    joint: bool = True,
) -> pl.DataFrame:
    """CONTRASTS of the cells that both runs have, sorted.

    p is corrected by Holm within the rows of one kind (cell, task or language), those of clean and perturbed text
    together and those of the changes apart; so are the joint bounds. They are resampled; without `joint` they are those
    of each row alone. Raises Mismatch, naming the example or the cell, where the items or the noise seeds of a cell are
    not the same.
    """
    both = sorted(baseline.keys() & candidate.keys())
    numbers = numbered((baseline[key] for key in both), {name: task.parallel_ids for name, task in tasks.items()})
    pairs = [_pair(key, baseline[key], candidate[key], numbers) for key in both]
    families: defaultdict[tuple[str, bool], list[_Contrast]] = defaultdict(list)
    for contrast in _contrasts([*pairs, *_changes(pairs)], tasks):
        families[contrast.names["kind"], contrast.scale == CHANGE].append(contrast)
    drawn = _keys(numbers) if joint else None
    rows = [row for family in families.values() for row in _tested(family, drawn, backend)]
    return build(rows, CONTRASTS).sort(CONTRASTS.key)


def _pair(key: Key, baseline: Cell, candidate: Cell, numbers: Mapping[str, int]) -> _Pair:
    if baseline.seeds != candidate.seeds:
        mine, theirs = (", ".join(map(str, cell.seeds)) for cell in (baseline, candidate))
        raise Mismatch(f"{baseline.named()} has the noise seeds {mine}, and {candidate.named()} {theirs}.")
    check_same(baseline, candidate)
    clusters = [numbers[name] for name in baseline.items.clusters]
    before, after = (float(cell.reduce(cell.sums.sum(-2)).mean()) for cell in (baseline, candidate))
    difference = drop(candidate.sums, baseline.sums, clusters, baseline.reduce)
    scale = CLEAN if baseline.condition == CLEAN else PERTURBED
    return _Pair(key, scale, len(baseline.items.examples), before, after, difference)


def _changes(pairs: Sequence[_Pair]) -> Iterator[_Pair]:
    """For each perturbed pair how much more the candidate changes by the noise than the baseline."""
    clean = {_twin(pair): pair for pair in pairs if pair["condition"] == CLEAN}
    for pair in pairs:
        twin = clean.get(_twin(pair))
        if twin is None or pair is twin:
            continue
        value, deviations = pair.drop.value - twin.drop.value, pair.drop.deviations - twin.drop.deviations
        both = Drop(value, pair.drop.clusters, deviations, pair.drop.differ | twin.drop.differ)
        levels = (pair.baseline - twin.baseline, pair.candidate - twin.candidate)
        yield _Pair(pair.key, CHANGE, pair.n, *levels, both)


def _twin(pair: _Pair) -> tuple[str, ...]:
    return tuple(pair[name] for name in (*_NAMES, "metric") if name != "condition")


def _keys(numbers: Mapping[str, int]) -> Any:
    """The key of each joined cluster's name, (components,), so that its weight is the same whatever is compared."""
    names: dict[int, str] = {}
    for name in sorted(numbers):
        names.setdefault(numbers[name], name)
    return keys([names[number] for number in sorted(names)])


# ----------------------------------------------------------------------------------------------- what is averaged


def _contrasts(pairs: Sequence[_Pair], tasks: Mapping[str, Task]) -> Iterator[_Contrast]:
    """Each pair alone, the languages of each task, and the tasks of each language under one noise."""
    for pair in pairs:
        yield _Contrast({"kind": CELLS, **dict(zip(_NAMES, pair.key, strict=False)), "metric": pair["metric"]}, (pair,))
    for group in _groups(pairs, lambda pair: tuple(map(pair.__getitem__, _OF_TASK))):
        if len({pair.language for pair in group}) > 1:
            yield _Contrast({"kind": TASKS, **{name: group[0][name] for name in _OF_TASK}}, group)
    headline = [pair for pair in pairs if _is_headline(pair, tasks)]
    for group in _groups(headline, lambda pair: (pair["language"], pair["context_language"], _noise(pair))):
        if len({pair["task"] for pair in group}) > 1:
            names = {"language": group[0]["language"], "context_language": group[0]["context_language"]}
            yield _Contrast({"kind": LANGUAGES, **names, "condition": _noise(group[0]), "metric": SCORE}, group)


def _groups(pairs: Iterable[_Pair], key: Callable[[_Pair], tuple[str, ...]]) -> Iterator[tuple[_Pair, ...]]:
    groups: defaultdict[tuple[str, ...], list[_Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.scale, *key(pair)].append(pair)
    for name in sorted(groups):
        yield tuple(groups[name])


def _is_headline(pair: _Pair, tasks: Mapping[str, Task]) -> bool:
    """Whether the noise is on the fields of the task that its drop is first named by."""
    fields = parts_of(pair["condition"])[2]
    return not fields or fields == ",".join(tasks[pair["task"]].headline)


def _noise(pair: _Pair) -> str:
    return without_fields(pair["condition"])


# --------------------------------------------------------------------------------------------------------- one family


def _tested(family: Sequence[_Contrast], drawn: Any | None, backend: Backend) -> Iterator[dict[str, Any]]:
    """The rows of one family of tests, with joint bounds if clusters have keys; those without an interval are not."""
    moments = [_moments(contrast) for contrast in family]
    estimates = [estimate_average(each, _differing(contrast)) for each, contrast in zip(moments, family, strict=True)]
    tested = [at for at, estimate in enumerate(estimates) if estimate.p is not None]
    adjusted = dict(zip(tested, holm([estimates[at].p or 0.0 for at in tested]), strict=True))
    quantile = (
        None if drawn is None else _quantile([(moments[at], drawn[_numbers(family[at])]) for at in tested], backend)
    )
    for at, (contrast, estimate) in enumerate(zip(family, estimates, strict=True)):
        row = _row(contrast, estimate)
        if at in adjusted:
            wide = _still_quantile(moments[at], len(tested), quantile) if row["method"] == EXACT_METHOD else quantile
            _, low, high = (float(bound) for bound in difference_bounds(CPU, moments[at], wide))
            step = still_step(row["method"], row["n"])
            mde = smallest_detectable(estimate, len(tested), step=step)
            row |= {"p_adjusted": adjusted[at], "m": len(tested), "mde": mde}
            row |= {"skewness": float(skewness(moments[at]))}
            row |= {"joint_low": min(low, row["low"]), "joint_high": max(high, row["high"])}
        yield row


def still_step(method: str, n: int) -> float | None:
    """The change in points by one differing cluster where none differs: that of one item; None where some differ."""
    return TOP / n if method == EXACT_METHOD else None


def _still_quantile(moments: Moments, tests: int, quantile: float | None) -> float | None:
    """The quantile of a row in which no cluster differs, which resampling does not vary: Bonferroni's."""
    return quantile and max(quantile, t_quantile(1 - (1 - CONFIDENCE) / 2 / tests, moments.freedom))


def _moments(contrast: _Contrast) -> Moments:
    size = len(contrast.pairs)
    return average_moments([pair.drop for pair in contrast.pairs], (1 / size,) * size)


def _differing(contrast: _Contrast) -> int:
    return len(np.unique(np.concatenate([pair.drop.clusters[pair.drop.differ] for pair in contrast.pairs])))


def _numbers(contrast: _Contrast) -> Any:
    """The numbers of the joined clusters, sorted."""
    return np.unique(np.concatenate([pair.drop.clusters for pair in contrast.pairs]))


def _quantile(tested: Sequence[tuple[Moments, Any]], backend: Backend) -> float | None:
    members = [Member(partial(np.asarray, each.deviations), float(each.jump), clusters) for each, clusters in tested]
    return simultaneous_quantile(members, backend=backend) if members else None


def _row(contrast: _Contrast, estimate: Estimate) -> dict[str, Any]:
    """The columns of CONTRASTS that are known without the others of the family."""
    pairs = contrast.pairs
    mean = {name: float(np.mean([getattr(pair, name) for pair in pairs])) for name in ("baseline", "candidate")}
    return {
        **dict.fromkeys(_NAMES, ""),
        **contrast.names,
        "scale": contrast.scale,
        "cells": len(pairs),
        "n": sum(pair.n for pair in pairs),
        "clusters": estimate.clusters,
        **mean,
        "difference": estimate.value,
        "se": estimate.se,
        "widened_se": estimate.widened_se,
        "df": estimate.df,
        "low": estimate.low,
        "high": estimate.high,
        "p": estimate.p,
        "differing": _differing(contrast),
        "method": estimate.method,
    }

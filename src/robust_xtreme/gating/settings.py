"""Pairs the cells of any two models: each may have been asked with its own lengths, prompts, layers or shots.

These are settings of the model and not of what is asked. That items, pools, noise and metric are the same is checked by
`identities` and `stats/contrasts.py`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.gating.baselines import Baseline
from robust_xtreme.stats.contrasts import Key
from robust_xtreme.stats.outcomes import RenamedCells
from robust_xtreme.stats.run_cells import KEY

BETWEEN: Final = " | "
"""What is between the settings of the baseline and those of the candidate, in the name of a cell that both share."""

_SETTINGS: Final = ("setting", "inference")
_OF_CELL: Final = tuple(name for name in KEY if name not in _SETTINGS)
_SETTING: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')
_DIMS: Final = re.compile(r"(?:^| )dims=(\d+)")


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """The settings of the two models in some tasks, without those that both have; a side can be empty."""

    tasks: tuple[str, ...]
    baseline: str
    candidate: str


def pair_settings(baseline: Iterable[Key], candidate: Iterable[Key]) -> tuple[dict[Key, Key], dict[Key, Key]]:
    """The key that a cell of both runs gets, by its own key in each; a cell that both have is not renamed.

    Where a run has a cell several times, with vectors of several sizes, those of the same size are paired. Raises
    Mismatch, naming the sizes, where that is not possible.
    """
    before, after = (_group_by_cell(keys) for keys in (baseline, candidate))
    shared_keys: tuple[dict[Key, Key], dict[Key, Key]] = {}, {}
    for cell in sorted(before.keys() & after.keys()):
        if set(before[cell]) & set(after[cell]):
            continue
        mine, theirs = ({_size(key): key for key in side[cell]} for side in (before, after))
        pairs = [(key, theirs[size]) for size, key in mine.items() if size in theirs]
        if len(before[cell]) == len(after[cell]) == 1:
            pairs = [(before[cell][0], after[cell][0])]
        if not pairs or len(mine) < len(before[cell]) or len(theirs) < len(after[cell]):
            row = dict(zip(_OF_CELL, cell, strict=True))
            raise Mismatch(
                f"{row['task']}/{row['language']} {row['condition']} was answered in several settings, vectors of the "
                f"sizes {', '.join(mine)} and {', '.join(theirs)}, and none are of one size. Evaluate both with one."
            )
        for own, other in pairs:
            shared_keys[0][own] = shared_keys[1][other] = _shared_key(own, other)
    return shared_keys


def _group_by_cell(keys: Iterable[Key]) -> dict[tuple[str, ...], list[Key]]:
    """The keys of a run by the cell that they are of, whatever its settings."""
    by_cell: defaultdict[tuple[str, ...], list[Key]] = defaultdict(list)
    for key in sorted(keys):
        row = dict(zip(KEY, key, strict=True))
        by_cell[tuple(row[name] for name in _OF_CELL)].append(key)
    return by_cell


def _size(key: Key) -> str:
    """The numbers that are kept of a vector, `all` where the settings do not say it."""
    kept = _DIMS.search(key[KEY.index("inference")])
    return kept[1] if kept else "all"


def _shared_key(own: Key, other: Key) -> Key:
    values = zip(own, other, strict=True)
    return tuple(mine if mine == theirs else f"{mine}{BETWEEN}{theirs}" for mine, theirs in values)


def with_shared_keys(side: Baseline, shared_keys: Mapping[Key, Key]) -> Baseline:
    """A run or baseline whose cells have the keys that another one shares."""
    if not shared_keys:
        return side
    rows = [shared_keys.get(key, key) for key in side.levels.select(KEY).iter_rows()]
    names = pl.DataFrame(rows, schema=dict.fromkeys(KEY, pl.String), orient="row")
    runs = tuple(RenamedCells(cells, shared_keys) for cells in side.runs)
    return replace(side, runs=runs, levels=side.levels.with_columns(names.get_columns()))


def own_settings(baseline: Mapping[Key, Key], candidate: Mapping[Key, Key]) -> tuple[OwnSettings, ...]:
    """What differs in the settings of two runs, from the shared keys of both; tasks with the same are together."""
    others = {shared: key for key, shared in candidate.items()}
    by_task: defaultdict[str, tuple[dict[str, None], dict[str, None]]] = defaultdict(lambda: ({}, {}))
    for own, shared in baseline.items():
        mine, theirs = _settings_of(own), _settings_of(others[shared])
        of_baseline, of_candidate = by_task[own[KEY.index("task")]]
        of_baseline |= dict.fromkeys(setting for setting in mine if setting not in theirs)
        of_candidate |= dict.fromkeys(setting for setting in theirs if setting not in mine)
    tasks: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for task, (of_baseline, of_candidate) in by_task.items():
        tasks[" ".join(of_baseline), " ".join(of_candidate)].append(task)
    return tuple(OwnSettings(tuple(names), *sides) for sides, names in tasks.items())


def _settings_of(key: Key) -> list[str]:
    row = dict(zip(KEY, key, strict=True))
    return [*_SETTING.findall(row["inference"]), f"setting={row['setting']}"]


def settings_sentences(
    sides: Sequence[Baseline], names: Sequence[str], settings: Sequence[OwnSettings]
) -> tuple[str, ...]:
    """A sentence for each of two runs: its models, and their settings that the other does not have; () without any."""
    if not settings:
        return ()
    texts = ([each.baseline for each in settings], [each.candidate for each in settings])
    sentences = []
    for side, name, of_side in zip(sides, names, texts, strict=True):
        models = dict.fromkeys(str(model["model"]) for run in side.facts["runs"] for model in run["models"])
        asked = [
            f"in {', '.join(each.tasks)} with {text or 'nothing that the other lacks'}"
            for each, text in zip(settings, of_side, strict=True)
        ]
        sentences.append(f"{name}: {', '.join(models)}, {'; '.join(asked)}")
    return tuple(sentences)

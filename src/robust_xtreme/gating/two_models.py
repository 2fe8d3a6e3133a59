"""Any two models: their cells are paired, their settings are named, and both stand beside each other.

Each may have been asked with its own lengths, prompts, layers or shots, which are settings of the model and not of what
is asked. That items, pools, noise and metric are the same is checked by `identities` and `stats/contrasts.py`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import Mismatch, counted
from robust_xtreme.gating.baselines import Baseline
from robust_xtreme.gating.document import code_of, contrast_cells, lost_share, noise_name, with_clean_levels
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.columns import points
from robust_xtreme.stats.contrasts import CELLS, PERTURBED, TASKS, Key
from robust_xtreme.stats.outcomes import RenamedCells
from robust_xtreme.stats.run_cells import KEY

_SETTINGS: Final = ("setting", "inference")
_SETTING: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')
_DIMS: Final = re.compile(r"(?:^| )dims=\d+")


def pair_settings(baseline: Iterable[Key], candidate: Iterable[Key]) -> tuple[dict[Key, Key], dict[Key, Key]]:
    """The key that a cell of both runs gets, by its own key in each; a key that both have stays.

    Settings that differ are both in it, `BASELINE | CANDIDATE`. Where a run has a cell several times, with vectors of
    several sizes, those of the same size are paired. Raises Mismatch where no cell has a partner.
    """
    before, after = set(baseline), set(candidate)
    own, others = _name_by_cell(before - after), _name_by_cell(after - before)
    pairs = [(own[name], others[name]) for name in sorted(own.keys() & others.keys())]
    if not pairs and not before & after:
        raise Mismatch("The two runs have no cell with vectors of one size in both. Evaluate both with the same dims.")
    shared = {own_key: _join_settings(own_key, other_key) for own_key, other_key in pairs}
    return shared, {other_key: shared[own_key] for own_key, other_key in pairs}


def _join_settings(own_key: Key, other_key: Key) -> Key:
    values = zip(own_key, other_key, strict=True)
    return tuple(own if own == other else f"{own} | {other}" for own, other in values)


def _name_by_cell(keys: Iterable[Key]) -> dict[tuple[str, ...], Key]:
    """Keys of a run by what they are of, whatever its settings; of vectors of several sizes also by the size."""
    by_cell: defaultdict[tuple[str, ...], dict[str, Key]] = defaultdict(dict)
    for key in keys:
        cell = tuple(value for name, value in zip(KEY, key, strict=True) if name not in _SETTINGS)
        size = "".join(_DIMS.findall(key[KEY.index("inference")]))
        if size in by_cell[cell]:
            raise Mismatch(f"One of the runs has {' '.join(cell)} in several settings. Compare runs with one of them.")
        by_cell[cell][size] = key
    sizes = ((cell, size, key) for cell, by_size in by_cell.items() for size, key in by_size.items())
    return {(*cell, size if len(by_cell[cell]) > 1 else ""): key for cell, size, key in sizes}


def with_shared_keys(side: Baseline, shared_keys: Mapping[Key, Key]) -> Baseline:
    """A run or baseline whose cells have the keys that another one shares."""
    if not shared_keys:
        return side
    rows = [shared_keys.get(key, key) for key in side.levels.select(KEY).iter_rows()]
    names = pl.DataFrame(rows, schema=dict.fromkeys(KEY, pl.String), orient="row")
    runs = tuple(RenamedCells(cells, shared_keys) for cells in side.runs)
    return replace(side, runs=runs, levels=side.levels.with_columns(names.get_columns()))


def own_settings(side: Baseline, shared_keys: Mapping[Key, Key], others: Mapping[Key, Key]) -> str:
    """The models of a run, and in which tasks they have which settings that those of the other run do not have."""
    theirs = {shared: _settings_of(key) for key, shared in others.items()}
    by_task: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for key, shared in shared_keys.items():
        own = (setting for setting in _settings_of(key) if setting not in theirs[shared])
        by_task[key[KEY.index("task")]] |= dict.fromkeys(own)
    tasks: defaultdict[str, list[str]] = defaultdict(list)
    for task, settings in by_task.items():
        tasks[" ".join(settings) or "nothing that the other lacks"].append(task)
    models = dict.fromkeys(str(model["model"]) for run in side.facts["runs"] for model in run["models"])
    told = (f"in {', '.join(names)} with {settings}" for settings, names in tasks.items())
    return f"{', '.join(models)}, {'; '.join(told)}"


def _settings_of(key: Key) -> list[str]:
    setting, inference = (key[KEY.index(name)] for name in _SETTINGS)
    return [*_SETTING.findall(inference), f"setting={setting}"]


_OF_TABLE: Final = ("task", "split", "inference", "metric", "condition")
_ALONE: Final = "*"
_NOTES: Final = ((_ALONE, "of the row alone: there are too few clusters for a joint interval"),)
_OF_SIDE: Final = {"clean": 4, "noisy": 8, "lost": 7}
"""The columns of each model, with their weights on a narrow terminal."""


def side_by_side(contrasts: pl.DataFrame, names: Sequence[str], most: int) -> Iterator[doc.Block]:
    """A table for each task and noise, with the languages in rows, the largest fall first, at most `most` rows in all.

    Args:
        contrasts: Rows of COMPARISONS.
        names: What the baseline and the candidate are called in the headings.
        most: The rows of all tables together. The mean over the languages is always there.
    """
    cells = with_clean_levels(contrasts).filter(
        pl.col("kind").is_in((CELLS, TASKS)), pl.col("baseline_clean").is_not_null(), scale=PERTURBED
    )
    heads = [(name, *each) for name in names for each in _OF_SIDE.items()]
    columns = (
        doc.TableColumn("language"),
        *(doc.TableColumn(head, right=True, group=name, weight=weight) for name, head, weight in heads),
        doc.TableColumn("noisy difference, 95 % interval", right=True, weight=9),
        doc.TableColumn("shown", weight=1),
    )
    left = most
    for _, of_table in cells.sort(*_OF_TABLE, "difference").group_by(_OF_TABLE, maintain_order=True):
        means, languages = (of_table.filter(kind=kind).rows(named=True) for kind in (TASKS, CELLS))
        shown = [*means, *languages[: max(left, 0)]]
        if len(shown) > len(means):
            row = languages[0]
            title = f"{row['task']}, {noise_name(row)}, {row['metric'].replace('_', ' ')}"
            rows = tuple(map(_row, shown))
            notes = _NOTES if any(_ALONE in row[-2] for row in rows) else ()
            yield doc.Table(columns, rows, title, notes=notes, over=len(means))
        left -= len(languages)
    if left < 0:
        yield doc.Paragraph(f"{counted(-left, 'more row')}: -o FILE.html, .md or .csv writes all.")


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of a row of noisy levels."""
    levels = []
    for side in ("baseline", "candidate"):
        clean, noisy = row[f"{side}_clean"], row[side]
        levels += [points(clean), points(noisy), lost_share(clean, noisy)]
    language = code_of(row) or f"mean of {row['cells']}"
    shown = contrast_cells(row)
    bounds = shown["95 % interval"].replace(" alone", _ALONE)
    return (language, *levels, f"{shown['difference']} {bounds}", shown["shown"])

"""What is kept of a run to compare others with it: the level of each cell, and the outcome of each item without texts.

Several runs on the same items, which differ by training seed, are kept together, and can be compared with another run
as if they were one: as the mean of their levels, cell by cell and pooled by task.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import DataError, Mismatch
from robust_xtreme.files import store
from robust_xtreme.files.frames import Frame, FrameColumn, build, columns, validate
from robust_xtreme.stats._cells import ALL, Cell, check_same
from robust_xtreme.stats.claims import CLEAN
from robust_xtreme.stats.contrasts import CHANGE, PERTURBED, Key
from robust_xtreme.stats.intervals import estimate_level
from robust_xtreme.stats.run_cells import KEY, StoredCells, StoredRows, stamp_of

Cells = Mapping[Key, Cell]
"""The cells of a run by their keys; where they are read from a file, those of one task run are in memory."""

_ITEM: Final = ("noise_seed", "example")
_UNFIT: Final = "does not have the items of the cells that the .csv beside it has"
POOL: Final = ("task", "split", "inference", "condition", "metric", "scale")
"""The columns that name a pool: the cells of one task under one condition, on one scale."""

LEVELS: Final = Frame(
    "levels",
    {
        **columns(pl.String, " ".join(KEY)),
        "run": FrameColumn(pl.Int64),
        "model": FrameColumn(pl.String),
        **columns(pl.Int64, "n clusters seeds"),
        "value": FrameColumn(pl.Float64),
        "se": FrameColumn(pl.Float64, nullable=True),
    },
    ("task", "language", "context_language", "condition", "metric", "split", "setting", "inference", "data", "run"),
)
"""One row per cell and run (from 1), with its items, clusters and noise seeds; `value` and `se` in points."""

OUTCOMES: Final = Frame(
    "outcomes",
    {
        **columns(pl.Int64, "cell noise_seed"),
        **columns(pl.String, "example cluster fingerprint"),
        "stats": FrameColumn(pl.List(pl.Float64)),
    },
    ("cell", *_ITEM),
)
"""One row per item of a cell and noise seed; `cell` counts the cells of LEVELS from 0.

`stats` are the metric's sums for the item in the first run, then those in the second, and so on.
"""


def levels_of(runs: Sequence[Cells]) -> pl.DataFrame:
    """LEVELS of the cells of some runs, sorted."""
    rows = [_level(key, cell, run) for run, by_key in enumerate(runs, 1) for key, cell in by_key.items()]
    return store.canonical(build(rows, LEVELS), LEVELS)


def _level(key: Key, cell: Cell, run: int) -> dict[str, Any]:
    estimate = estimate_level(cell.sums, cell.reduce)
    size = {"n": len(cell.items.examples), "clusters": len(cell.items.clusters), "seeds": len(cell.seeds)}
    named = {**dict(zip(KEY, key, strict=True)), "run": run, "model": cell.model}
    return {**named, **size, "value": estimate.value, "se": estimate.se}


def outcomes_of(stats: Sequence[pl.DataFrame], levels: pl.DataFrame) -> pl.DataFrame:
    """OUTCOMES of runs on the same items, from the STATS of each and the LEVELS of all."""
    first = pl.col("run") == 1
    models = [levels.filter(pl.col("run") == run).select("model", *KEY) for run in range(1, len(stats) + 1)]
    numbered = levels.filter(first).select(KEY).with_row_index("cell").with_columns(pl.col("cell").cast(pl.Int64))
    rows = [
        frame.filter(pl.col("scope") == ALL)
        .join(named, on=["model", *KEY], how="semi")
        .join(numbered, on=KEY)
        .sort("cell", *_ITEM)
        for frame, named in zip(stats, models, strict=True)
    ]
    together = pl.select(pl.concat_list([frame["stats"] for frame in rows])).to_series().alias("stats")
    return rows[0].with_columns(together).select(*OUTCOMES.columns)


def cells_of(path: Path, levels: pl.DataFrame) -> tuple[Cells, ...]:
    """The cells of each run, from LEVELS and a file of OUTCOMES. Raises DataError for outcomes that do not fit.

    Of each run those of a task and language are in memory at a time.
    """
    runs = sorted(set(levels["run"]))
    named = [levels.filter(pl.col("run") == run).select("model", *KEY).with_row_index("cell") for run in runs]
    if len({of_run.height for of_run in named}) > 1:
        raise DataError(path, _UNFIT)
    parts = _parts(path, named[0])
    numbers = {cell: part for part, (cells_of_part, _) in enumerate(parts) for cell in cells_of_part}

    def cells_of_run(slot: int, of_run: pl.DataFrame) -> StoredCells:
        read = [partial(_stats, rows, of_run[part.start : part.stop], slot, len(runs)) for part, rows in parts]
        return StoredCells(path, read, {row[2:]: numbers[row[0]] for row in of_run.iter_rows()})

    return tuple(cells_of_run(slot, of_run) for slot, of_run in enumerate(named))


def _parts(path: Path, named: pl.DataFrame) -> list[tuple[range, StoredRows]]:
    """The numbers of the cells of each task and language, and the rows of OUTCOMES that they have."""
    every, stamp = store.scan_frame(path), stamp_of(path)
    with store.reading(path), store.checking(path):
        validate(every.head(0).collect(), OUTCOMES)
        counts = every.group_by("cell").len().sort("cell").collect(engine="streaming")
    if counts["cell"].to_list() != named["cell"].to_list():
        raise DataError(path, _UNFIT)
    starts = [0, *counts["len"].cum_sum()]
    parts = []
    for _, same in groupby(named.iter_rows(named=True), key=itemgetter("task", "language", "context_language")):
        cells_of_part = [row["cell"] for row in same]
        first, stop = cells_of_part[0], cells_of_part[-1] + 1
        rows = StoredRows(path, OUTCOMES, every.slice(starts[first], starts[stop] - starts[first]), stamp)
        parts.append((range(first, stop), rows))
    return parts


def _stats(part: StoredRows, named: pl.DataFrame, slot: int, runs: int) -> pl.DataFrame:
    """The rows of STATS of one of some runs, from OUTCOMES and the names of their cells."""
    outcomes = part.read()
    size = pl.col("stats").list.len() // runs
    rows = outcomes.join(named.with_columns(pl.col("cell").cast(pl.Int64)), on="cell").with_columns(
        pl.lit(ALL).alias("scope"), pl.col("stats").list.slice(slot * size, size)
    )
    lengths = rows.group_by("cell").agg(pl.col("stats").list.len().n_unique())
    if rows.height != outcomes.height or lengths.height != named.height or (lengths["stats"] != 1).any():
        raise DataError(part.path, _UNFIT)
    return rows


def check_same_cells(before: Cells, after: Cells, names: tuple[str, str]) -> None:
    """Raise Mismatch where one of two runs has a cell, noise seed or item that the other does not have."""
    for key in sorted(before.keys() ^ after.keys()):
        has, has_not = names if key in before else reversed(names)
        cell = before.get(key) or after[key]
        raise Mismatch(f"{has_not} does not have the cell {cell.named()} of {has}.")
    for key, cell in before.items():
        if cell.seeds != after[key].seeds:
            raise Mismatch(f"{' and '.join(names)} have different noise seeds in {cell.named()}.")
        check_same(cell, after[key])


class MeanOfRuns(Mapping[Key, Cell]):
    """The mean of some runs on the same items: cells, made when asked for, whose arms are the noise seeds of each run.

    Raises Mismatch where the items of a cell differ.
    """

    __slots__ = ("_keys", "_runs")

    def __init__(self, runs: Sequence[Cells]) -> None:
        self._runs, self._keys = runs, sorted(set(runs[0]).intersection(*runs[1:]))

    def __getitem__(self, key: Key) -> Cell:
        first, *others = several = [run[key] for run in self._runs]
        for other in others:
            check_same(first, other)
        seeds = tuple(seed for cell in several for seed in cell.seeds)
        return replace(first, seeds=seeds, sums=np.concatenate([cell.sums for cell in several]), worst=None)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return all(key in run for run in self._runs)


class RenamedCells(Mapping[Key, Cell]):
    """The cells of a run by other keys, read when they are asked for."""

    __slots__ = ("_cells", "_own_keys")

    def __init__(self, cells: Cells, shared_keys: Mapping[Key, Key]) -> None:
        self._cells = cells
        self._own_keys = {shared_keys.get(key, key): key for key in cells}

    def __getitem__(self, key: Key) -> Cell:
        return self._cells[self._own_keys[key]]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._own_keys)

    def __len__(self) -> int:
        return len(self._own_keys)

    def __contains__(self, key: object) -> bool:
        return key in self._own_keys


def pool_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The pool that a row of CONTRASTS belongs to, the values of POOL."""
    return tuple(row[name] for name in POOL)


def pooled_levels(levels: pl.DataFrame, keys: Collection[Key]) -> dict[tuple[str, ...], list[float]]:
    """The mean levels in points of each run of a LEVELS frame over the cells of each pool, of those in `keys`."""
    pools: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for _, of_run in sorted(levels.group_by("run")):
        by_key = {row[:-1]: row[-1] for row in of_run.select(*KEY, "value").iter_rows() if row[:-1] in keys}
        for pool, values in _by_pool(by_key).items():
            pools[pool].append(float(np.mean(values)))
    return pools


def _by_pool(levels: Mapping[Key, float]) -> dict[tuple[str, ...], list[float]]:
    """The levels of the cells of each pool, and what noise changes of the clean level of the same cell."""
    values: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for key, level in levels.items():
        named = dict(zip(KEY, key, strict=True))
        is_clean = named["condition"] == CLEAN
        values[pool_of({**named, "scale": CLEAN if is_clean else PERTURBED})].append(level)
        clean = levels.get(tuple({**named, "condition": CLEAN}.values()))
        if clean is not None and not is_clean:
            values[pool_of({**named, "scale": CHANGE})].append(level - clean)
    return values

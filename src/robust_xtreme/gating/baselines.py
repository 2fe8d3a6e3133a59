"""Baselines: what the gate compares a run with, saved as three files that are small enough to commit.

NAME.csv has the level of each cell, for people and diffs; NAME.parquet the outcome of each item, which paired tests
need, without texts; NAME.json what they were measured on, and the sha256 of both. Several runs, one for each training
seed, make one baseline. The first baseline that an update replaces stays beside it as its anchor, NAME.anchor.*, so
that many small losses do not add up unseen.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from operator import or_
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import polars as pl

from robust_xtreme import __version__
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, UserError, counted, nearest, plain, shown
from robust_xtreme.files import store
from robust_xtreme.files.frames import to_pandas
from robust_xtreme.files.manifest import MANIFEST, PAGE
from robust_xtreme.files.schema import STATS, empty
from robust_xtreme.gating import _files
from robust_xtreme.gating._files import CSV, JSON, PARQUET
from robust_xtreme.gating._files import ROOT as ROOT
from robust_xtreme.gating._files import names as names
from robust_xtreme.gating.document import baseline_blocks
from robust_xtreme.gating.identities import check_alike, identity, models
from robust_xtreme.gating.verdicts import FEWEST
from robust_xtreme.report.document import finished
from robust_xtreme.report.renderers.html import notebook_blocks
from robust_xtreme.stats.benchmark import Task, tasks_of
from robust_xtreme.stats.contrasts import Key
from robust_xtreme.stats.outcomes import LEVELS, OUTCOMES, Cells, cells_of, check_same_cells, levels_of, outcomes_of
from robust_xtreme.stats.run_cells import KEY, StoredCells, StoredRows, any_precision, headline_rows

SAME: Final = 1e-7
"""The points by which equal levels may differ."""


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The cells of two LEVELS frames whose level differs.

    The columns are KEY, `before`, `after` (points, means over runs) and `difference`. A cell that only one of
    them has is null in the other, and last; the largest loss is first.
    """
    earlier = before.group_by(KEY).agg(before=pl.col("value").mean())
    later = after.group_by(KEY).agg(after=pl.col("value").mean())
    both = earlier.join(later, on=KEY, how="full", coalesce=True)
    difference = (pl.col("after") - pl.col("before")).alias("difference")
    changed = both.with_columns(difference).filter(pl.col("difference").is_null() | (pl.col("difference").abs() > SAME))
    return changed.sort("difference", *KEY, nulls_last=True)


def in_words(changed: pl.DataFrame) -> str:
    """What `changes` found, in a line: how many levels changed, the largest loss and gain, cells added and removed."""
    both = changed.drop_nulls("difference")
    parts = []
    if both.height:
        loss, gain = (f"{row['difference']:+.2f} ({named(row)})" for row in both[[0, -1]].iter_rows(named=True))
        parts.append(f"{counted(both.height, 'level')} changed, by {loss} to {gain} points")
    for verb, column in (("added", "before"), ("removed", "after")):
        if count := changed[column].null_count():
            parts.append(f"{counted(count, 'cell')} {verb}")
    return "; ".join(parts) if parts else "no level changed"


def named(row: Mapping[str, Any]) -> str:
    """A cell in a message."""
    return f"{row['task']}/{row['language']} {row['condition']}"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """One run or several of different training seeds, saved as a baseline or read from run folders.

    `Baseline.save(runs, name)` saves one, `Baseline.load(name)` reads it, and `compare` and `gate` take it by its name.
    `runs` are the cells of each run by their keys, none where NAME.parquet is absent, and are read from the file when
    they are asked for; `levels` is a LEVELS frame.
    `facts` are identities, the models of each run and the version of the program. A run folder has no `saved_at`.
    """

    name: str
    runs: tuple[Cells, ...] = field(repr=False)
    levels: pl.DataFrame = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)
    reason: str = ""
    saved_at: str = ""
    anchor: Baseline | None = None

    @staticmethod
    @plain()
    def load(name: str | Path = "main", folder: str | Path = ROOT) -> Baseline:
        """The baseline of a name, of a path to NAME.json, or the run in a folder. Raises as `robust-xtreme gate`."""
        return load(name, Path(folder))

    @staticmethod
    @plain()
    def save(
        runs: str | Path | Sequence[str | Path],
        name: str = "main",
        folder: str | Path = ROOT,
        *,
        reason: str = "",
        force: bool = False,
    ) -> Baseline:
        """Save a finished run, or several of different training seeds; return the baseline as it is read again.

        With `force` a baseline of that name is replaced. Raises UserError, Locked and DiskError as `baseline save`.
        """
        several = [runs] if isinstance(runs, (str, Path)) else runs
        return load(save([Path(run) for run in several], name, Path(folder), reason, force), Path(folder))

    @plain()
    def check(self) -> None:
        """Raise Mismatch where the errors of its levels are not those of its items, or its anchor is of other things.

        MissingData where its .parquet is absent. That its files are as they were saved, and agree with each other, is
        checked when it is loaded.
        """
        if self.paired:
            _check_levels(self, ("se",))
        elif PARQUET in self.facts["files"]:
            what = f"{self.name}{PARQUET} is absent, so that {self.title} is compared by levels alone, unpaired"
            raise MissingData(f"{what}. Restore it from version control.")
        if self.anchor is not None:
            check_comparable(self.anchor, self)
            self.anchor.check()

    def to_pandas(self) -> Any:
        """`levels` as a frame of pandas. Raises UserError where pandas is not installed."""
        return to_pandas(self.levels)

    def __repr__(self) -> str:
        return f"Baseline({shown(self.name)}, {self.size}, saved {self.saved_at or 'not yet'})"

    def _repr_html_(self) -> str:
        """Its levels, which a notebook shows."""
        return notebook_blocks("Baseline", baseline_blocks(repr(self), self.levels))

    @property
    def size(self) -> str:
        """How many cells of how many runs it has, and whether their items are known."""
        paired = "" if self.paired else ", levels alone (no .parquet)"
        return f"{counted(len(self.keys), 'cell')} of {counted(self.seeds, 'run')}{paired}"

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"the baseline {self.name}" if self.saved_at else f"the run {self.name}"

    @property
    def described(self) -> str:
        """Its title, the models, the data with the hash of the first split, and the pages of its runs."""
        models = dict.fromkeys(str(model["model"]) for run in self.facts["runs"] for model in run["models"])
        first, *more = self.facts["data"]
        name = self.facts["runs"][0].get("data")
        data = f"{f'{name}: ' if name else ''}{first['task']}/{first['language']} {first.get('data', '')}"
        told = [f"model {', '.join(models)}", f"data {data}{f' and {len(more)} more' if more else ''}", *self.page]
        saved = [f"saved {self.saved_at}"] if self.saved_at else []
        return f"{self.title} ({'; '.join([*told, *saved])})"

    @property
    def page(self) -> list[str]:
        """The pages of its runs, of a baseline those whose folder still has the run that was saved."""
        known = ((Path(run.get("folder", "")), run.get("manifest")) for run in self.facts["runs"])
        there = ((folder, was) for folder, was in known if (folder / PAGE).is_file() and (folder / MANIFEST).is_file())
        return [str(folder / PAGE) for folder, was in there if store.sha256(folder / MANIFEST) == was]

    @property
    def paired(self) -> bool:
        """Whether the outcome of each item is known, so that a run is compared item by item."""
        return bool(self.runs)

    @property
    def seeds(self) -> int:
        """The number of runs, one for each training seed."""
        return len(self.facts["runs"])

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks by name, as `contrasts` takes them."""
        return tasks_of(self.facts["tasks"])

    @property
    def keys(self) -> list[Key]:
        """The keys of its cells, sorted."""
        return sorted(set(self.levels.select(KEY).iter_rows()))


class _Run(NamedTuple):
    """A finished run: its folder as given, the STATS that its cells are made of, the cells, and what it was."""

    folder: str
    rows: Sequence[StoredRows]
    cells: Cells
    identity: Mapping[str, Any]
    facts: Mapping[str, Any]


def load(name: str | Path, root: Path = ROOT) -> Baseline:
    """The baseline of a name in the folder `root`, of a path to NAME.json, or the run in a folder.

    Raises MissingData where there is none, DataError where a file was changed or cut, Mismatch for another schema, or
    where the levels are not those of the items.
    """
    given = str(name)
    stem = _stem(given, root)
    if stem is not None:
        return _load(stem, given.removesuffix(JSON))
    if os.path.lexists(given):
        return of_runs([Path(given)])
    if "/" in given:
        raise MissingData(f"There is no run or baseline {shown(given)}.")
    raise _missing(given, root, ", and no folder of a run of that name")


def side(name: str | Path) -> Baseline:
    """The same for a comparison. Raises UserError for the name of a saved baseline that a run's folder has, too."""
    if _is_saved(str(name), ROOT) and (Path(name) / MANIFEST).is_file():
        what = f"{shown(str(name))} is a saved baseline, and a run in the folder of that name"
        raise UserError(f"{what}. Write {ROOT / str(name)}{JSON} for the baseline, or the run's whole path.")
    return load(name)


def check_saved(name: str, root: Path = ROOT) -> None:
    """Raise MissingData where no saved baseline has a name, UserError where it is no name."""
    if not _is_saved(_files.check_name(name), root):
        raise _missing(name, root)


def _missing(name: str, root: Path, more: str = "") -> MissingData:
    near = nearest(name, names(root))
    cure = "" if near else " Save one: robust-xtreme baseline save RUN"
    return MissingData(f"There is no baseline named {shown(name)} in {root}{more}.{near}{cure}")


def _is_saved(name: str, root: Path) -> bool:
    return "/" not in name and os.path.lexists(_files.files_of(root / name)[JSON])


def of_runs(folders: Sequence[Path]) -> Baseline:
    """The run in a folder, or several runs of different training seeds, as they are compared.

    Raises MissingData, DataError; Mismatch where several were measured on different things or have the same weights,
    UserError where they are too few.
    """
    return _measured(folders)[1]


def check_comparable(baseline: Baseline, candidate: Baseline, any_settings: bool = False) -> None:
    """Raise Mismatch, with what differs in both, where they were not measured on the same things.

    With `any_settings` their models may have been asked otherwise. That the items of each cell are the same is checked
    by `contrasts`.
    """
    before, after = ((side.title, side.facts, side.keys) for side in (baseline, candidate))
    check_alike(before, after, any_settings=any_settings)


def _stem(given: str, root: Path) -> Path | None:
    """The files' path without a suffix, of a path or a name in `root`; None where it is not that of a baseline."""
    if _is_saved(given, root):
        return root / given
    path = Path(given.removesuffix(JSON))
    if (Path(given) / MANIFEST).is_file() or not path.name:
        return None
    return path if os.path.lexists(_files.files_of(path)[JSON]) else None


def _load(stem: Path, name: str) -> Baseline:
    paths = _files.files_of(stem)
    facts = _files.facts_beside(paths)
    levels = store.read_frame(paths[CSV], LEVELS).with_columns(any_precision())
    _check_described(paths[CSV], levels, facts)
    runs: tuple[Cells, ...] = ()
    if os.path.lexists(paths[PARQUET]):
        runs = cells_of(paths[PARQUET], levels)
    anchor = _load_anchor(stem, name, facts["anchor"]) if "anchor" in facts else None
    baseline = Baseline(name, runs, levels, facts, facts["reason"], facts["saved_at"], anchor)
    if baseline.paired:
        _check_levels(baseline, ("n", "clusters", "seeds", "value"))
    return baseline


def _load_anchor(stem: Path, name: str, digest: str) -> Baseline:
    """The anchor of a baseline, whose NAME.anchor.json has this sha256."""
    path = _files.files_of(_files.anchor_of(stem))[JSON]
    if not path.is_file() or store.sha256(path) != digest:
        what = "is not the anchor that the baseline had when it was saved: later runs have to pass it, too"
        raise DataError(path, f"{what}. Restore it from version control")
    return _load(_files.anchor_of(stem), f"{name}{_files.ANCHOR}")


def _check_described(path: Path, levels: pl.DataFrame, facts: Mapping[str, Any]) -> None:
    """Raise DataError where LEVELS have other runs, models, metrics or conditions than NAME.json."""
    runs = enumerate(facts["runs"], 1)
    known: dict[tuple[str, ...], set[Any]] = {
        ("run", "task", "model"): {(run, it["task"], it["model"]) for run, entry in runs for it in entry["models"]},
        ("task", "metric"): {(task, entry["metrics"][0]) for task, entry in facts["tasks"].items()},
        ("condition",): {(row["condition"],) for row in facts["conditions"]},
    }
    strange = [columns for columns, rows in known.items() if not set(levels.select(columns).iter_rows()) <= rows]
    if strange or levels["run"].n_unique() != len(facts["runs"]):
        raise DataError(path, "does not have the runs and cells that the .json beside it describes")


def _check_levels(baseline: Baseline, columns: Iterable[str]) -> None:
    """Raise Mismatch where LEVELS are not those of the items, in these columns."""
    again, levels = levels_of(baseline.runs), baseline.levels
    differ = [
        ((again[name] - levels[name]).abs() > SAME).fill_null(False) | (levels[name].is_null() != again[name].is_null())
        for name in columns
    ]
    if (wrong := levels.filter(reduce(or_, differ))).height:
        what = f"The levels of {baseline.title} are not those of its items: {named(wrong.row(0, named=True))}."
        saved = f"It was saved by version {baseline.facts['version']}; this is {__version__}."
        raise Mismatch(f"{what} {saved} Save it again.")


def _measured(folders: Sequence[Path]) -> tuple[list[_Run], Baseline]:
    """Some runs, and the baseline that they make. Raises as `of_runs`."""
    if len(folders) in range(2, FEWEST):
        what = f"{len(folders)} runs do not show how much training seeds differ"
        raise UserError(f"{what}: a baseline is one run, or at least {FEWEST}, one for each training seed.")
    runs = [_run(folder) for folder in folders]
    for before, after in pairwise(runs):
        check_alike(*((f"the run {run.folder}", run.identity, run.cells) for run in (before, after)))
        check_same_cells(before.cells, after.cells, (before.folder, after.folder))
    known: dict[tuple[tuple[str, str], ...], str] = {}
    for run in runs:
        # Weights that are not known, as those of imported runs, count as other ones in each run.
        weights = tuple(sorted((of["task"], of["identity"] or run.facts["manifest"]) for of in run.facts["models"]))
        if weights in known:
            what = f"{known[weights]} and {run.folder} have the same weights"
            raise Mismatch(f"{what}. A baseline of several runs has one for each training seed.")
        known[weights] = run.folder
    by_key = tuple(run.cells for run in runs)
    facts = {**runs[0].identity, "version": __version__, "runs": [run.facts for run in runs]}
    return runs, Baseline(", ".join(run.folder for run in runs), by_key, levels_of(by_key), facts)


def _run(folder: Path) -> _Run:
    results = finished(folder)
    rows, where = headline_rows(folder, results.manifest, results.scores)
    if not where:
        raise Mismatch(f"{folder} has no cell with a score to compare.")
    cells = StoredCells(rows[0].path, [part.read for part in rows], where)
    facts = {"models": models(results.manifest), "data": results.manifest.get("suite") or ""}
    facts |= {"folder": str(folder), "manifest": store.sha256(folder / MANIFEST)}
    return _Run(str(folder), rows, cells, identity(results), facts)


def save(runs: Sequence[Path], name: str, root: Path = ROOT, reason: str = "", force: bool = False) -> Path:
    """Save one run, or several of different training seeds, as a baseline; return the path of NAME.json.

    With `force` a baseline of that name is replaced, and its anchor removed. Raises as `of_runs`; UserError for a name
    that is taken or cannot be one, Locked where another process saves, DiskError.
    """
    stem = root / _files.check_name(name)
    contents = _contents(stem, *_measured(runs), reason)
    with _files.locked(root):
        paths = (path for each in (stem, _files.anchor_of(stem)) for path in _files.files_of(each).values())
        taken = [path for path in paths if os.path.lexists(path)]
        if taken and not force:
            what = f"The baseline {name} exists already ({taken[0]})"
            raise UserError(f"{what}. Save under another --name, or replace it: --force")
        _files.write_all(contents)
        _files.remove(_files.anchor_of(stem))
    return _files.files_of(stem)[JSON]


def update(runs: Sequence[Path], name: str, root: Path = ROOT, reason: str = "") -> pl.DataFrame:
    """Replace a baseline by other runs; return what changed, as `changes`.

    Its anchor stays; where it has none, the replaced baseline becomes it. Raises as `load` and `save`, Mismatch where
    the runs cannot be compared with the baseline and its anchor, and UserError where one run would replace several.
    """
    check_saved(name, root)
    stem = root / name
    measured_runs, after = _measured(runs)
    with _files.locked(root):
        before = load(name, root)
        if before.seeds > 1 and after.seeds == 1:
            what = f"{before.title} has {before.seeds} runs, one for each training seed, and one run would replace them"
            cure = f"Save several: robust-xtreme baseline save RUN RUN RUN --name {before.name} --force"
            raise UserError(f"{what}. {cure}")
        for earlier in filter(None, (before.anchor, before)):
            check_comparable(earlier, after)
        anchor = {} if before.anchor else _files.copied(stem)
        digest = before.facts.get("anchor") or store.sha256(_files.files_of(stem)[JSON])
        _files.write_all(anchor | _contents(stem, measured_runs, after, reason, {"anchor": digest}))
    return changes(before.levels, after.levels)


def _contents(
    stem: Path, runs: Sequence[_Run], baseline: Baseline, reason: str, anchor: Mapping[str, str] | None = None
) -> dict[Path, bytes]:
    """The bytes of each file of a baseline; `anchor` has the sha256 of its anchor's NAME.json."""
    paths, contents = _files.files_of(stem), dict[Path, bytes]()
    store.write_frame(paths[CSV], baseline.levels, LEVELS, contents.__setitem__)
    stats = [pl.concat([empty(STATS), *(rows.read() for rows in run.rows)]) for run in runs]
    store.write_frame(paths[PARQUET], outcomes_of(stats, baseline.levels), OUTCOMES, contents.__setitem__)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    facts = {**baseline.facts, "reason": reason, "saved_at": now, **(anchor or {})}
    contents[paths[JSON]] = _files.json_bytes(facts, {path.suffix: content for path, content in contents.items()})
    return contents


def files(path: Path) -> list[Path]:
    """The files of the baseline whose NAME.json is given, those that are there."""
    return [each for each in _files.files_of(path.with_name(path.name.removesuffix(JSON))).values() if each.is_file()]

"""Makes a finished run of imported rows: its folder appears whole or not at all, with the files of `eval`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, final

import polars as pl

from robust_xtreme.core.errors import Mismatch, SpecError, UnknownName
from robust_xtreme.core.examples import digest
from robust_xtreme.core.garbage import rarely_collected
from robust_xtreme.exchange.importing.answers import FAMILIES
from robust_xtreme.exchange.importing.checks import check_items
from robust_xtreme.exchange.importing.frames import conditions_of, models_of
from robust_xtreme.exchange.importing.identity import SPLIT, identified
from robust_xtreme.exchange.importing.items import items_of
from robust_xtreme.exchange.importing.known import with_known
from robust_xtreme.exchange.importing.manifest import manifest_of
from robust_xtreme.exchange.importing.parts import ImportedRows, headline_first
from robust_xtreme.exchange.importing.stated import differing_scores, other_words
from robust_xtreme.exchange.importing.tasks import facts_of, scoring_of, unscored
from robust_xtreme.files import store
from robust_xtreme.files.manifest import FILES, IMPORTED, MANIFEST, PAGE, REPORT, read_manifest, write_manifest
from robust_xtreme.files.schema import AVERAGES, CONDITIONS, DELTAS, MODELS, PREDICTIONS, SCORES, STATS
from robust_xtreme.files.sorting import ordered
from robust_xtreme.noise.conditions.condition import CLEAN
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.report.outputs import Added, written
from robust_xtreme.report.view import Results
from robust_xtreme.stats.averages import averaged
from robust_xtreme.stats.benchmark import Task, tasks_of
from robust_xtreme.stats.measuring import Facts, Stored, measured
from robust_xtreme.stats.merging import merged
from robust_xtreme.stats.replacing import replacing


@final
@dataclass(frozen=True, slots=True)
class Read:
    """What a reader finds: a function that reads raw rows (see `items.KEYS`), and what the manifest says of them.

    `notes` are sentences for the reader of the report, `differing` those about levels that are not as logs state them.
    """

    rows: Callable[[], pl.DataFrame]
    path: str
    source: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How rows are imported: `given` are values of keys for all rows without them; see the command `import`."""

    given: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    only_model: str = ""
    family: str = ""
    metric: str = ""
    command: str = ""
    rescored: bool = False


@final
@dataclass(frozen=True, slots=True)
class _Facts:
    """What a run has beside its scores; `overlap` are the models, tasks, splits and languages that were seen."""

    parts: tuple[Stored, ...]
    models: pl.DataFrame
    conditions: pl.DataFrame
    overlap: frozenset[tuple[str, ...]]
    manifest: dict[str, Any]


Watch = Callable[[str], None]
"""What gets a line about each step."""


@rarely_collected()
def import_run(
    read: Read, wanted: ImportOptions, out: Path, force: bool = False, watch: Watch = lambda _: None
) -> dict[str, Any]:
    """Write the run of what was read into the folder `out`, and return its manifest.

    Raises DataError and Mismatch naming an example, Mismatch where the folder has something else, DiskError.
    """
    out = out.absolute()
    check_target(out, force)
    if wanted.family and wanted.family not in FAMILIES:
        raise UnknownName("family", wanted.family, FAMILIES, "robust-xtreme import --help")
    with replacing(out, partial(check_target, out, force), "importing") as staging, Drawing() as draws:
        return _written(read, wanted, staging, watch, draws)


def check_target(out: Path, force: bool) -> None:
    """Raise Mismatch where the folder has files; with `force`, where it has others than those of an imported run."""
    there = sorted(entry.name for entry in out.iterdir()) if out.is_dir() and not out.is_symlink() else []
    if not there and (out.is_dir() or not out.exists()) and not out.is_symlink():
        return
    others = [name for name in there if name not in (*FILES, MANIFEST)]
    is_ours = not others and MANIFEST in there and IMPORTED in read_manifest(out / MANIFEST)
    if not is_ours:
        what = f"it has {others[0]!r}" if others else "it is not the folder of an imported run"
        raise Mismatch(f"{out} is there, and {what}. Name another folder with --out.")
    if not force:
        raise Mismatch(f"{out} has an imported run. Replace it with --force, or name another folder with --out.")


def _items(read: Read, wanted: ImportOptions) -> pl.DataFrame:
    rows = read.rows()
    if wanted.data and "split" not in {*rows.columns, *wanted.given}:
        raise SpecError("--data needs the split that the ids are of: --split test, or --split validation.")
    items = items_of(rows, wanted.given, read.path)
    del rows
    if wanted.only_model:
        items = items.filter(pl.col("model") == wanted.only_model)
        if items.is_empty():
            raise Mismatch(f"{read.path}: no row is of the model {wanted.only_model!r}")
    if wanted.data:
        items = with_known(items, wanted.data, read.path)
    items = identified(items, read.path)
    check_items(items, read.path)
    return ordered(items, PREDICTIONS.key)


def _written(read: Read, wanted: ImportOptions, folder: Path, watch: Watch, draws: Drawing) -> dict[str, Any]:
    """Write all files of the run; return its manifest."""
    watch("reading the rows")
    facts = _facts(_items(read, wanted), read, wanted, store.make_folder(folder / "parts"), watch)
    if facts.conditions.filter(pl.col("condition") != CLEAN).height:
        draws.start()
    watch("measuring drops")
    tasks = tasks_of(facts.manifest["tasks"])
    _check_metric(wanted.metric, tasks)
    headlines = {name: task.metrics[0] for name, task in tasks.items()}
    made = measured(facts.parts, Facts(headlines, tasks, facts.overlap))
    averages = averaged(made.levels, made.drops, tasks, sorted(tasks))
    frames = {"models": (facts.models, MODELS), "conditions": (facts.conditions, CONDITIONS)}
    frames |= {"scores": (made.scores, SCORES), "deltas": (made.deltas, DELTAS), "averages": (averages, AVERAGES)}
    for name, (rows, frame) in frames.items():
        store.write_frame(folder / f"{name}.csv", rows, frame)
    for name, frame in (("predictions.parquet", PREDICTIONS), ("stats.parquet", STATS)):
        paths = [getattr(part, frame.name) for part in facts.parts]
        store.write_sorted(folder / name, merged(paths, frame), frame)
    shutil.rmtree(folder / "parts")
    content = digest(*(str(value) for row in made.scores.iter_rows() for value in row))
    manifest = {**facts.manifest, "spec_hash": content}
    results = Results(made.scores, made.deltas, manifest, averages, facts.conditions)
    watch("writing the report")
    for name in (REPORT, PAGE):
        store.write(folder / name, written(results, Path(name).suffix, added=Added(draws=draws)))
    manifest |= {"files": {name: store.sha256(folder / name) for name in FILES}, "complete": True}
    write_manifest(folder / MANIFEST, manifest)
    return manifest


def _check_metric(name: str, tasks: Mapping[str, Task]) -> None:
    """Raise UnknownName where no task has the metric that claims are made on."""
    known = sorted({metric for task in tasks.values() for metric in task.metrics})
    if name and name not in known:
        raise UnknownName("metric", name, known, "robust-xtreme import --help")


def _facts(items: pl.DataFrame, read: Read, wanted: ImportOptions, folder: Path, watch: Watch) -> _Facts:
    """Write the files of each task run. The items, which need most of the memory, are gone after it."""
    parts, tasks, differing = _parts(items, wanted, read, folder, watch)
    overlap = items.filter(pl.col("overlap")).select("model", "task", "split", "language").unique()
    commands = [wanted.command] if wanted.command else []
    notes = (*read.notes, *unscored(items, tasks), *(f"Rescored: {sentence}." for sentence in differing))
    source = {**read.source, **({"rescored": differing} if differing else {})}
    more = {"commands": commands, "notes": notes, IMPORTED: source}
    manifest = manifest_of(items, tasks, more)
    return _Facts(tuple(parts), models_of(items), conditions_of(items), frozenset(overlap.iter_rows()), manifest)


def _parts(
    items: pl.DataFrame, wanted: ImportOptions, read: Read, folder: Path, watch: Watch
) -> tuple[list[Stored], dict[str, dict[str, Any]], list[str]]:
    """The files of each task run, the facts of each task, and what is not as stated: a Mismatch, unless it may be."""
    parts, tasks, beside, differing = [], {}, [], [*read.differing]
    for (task,), of_task in items.partition_by("task", as_dict=True, maintain_order=True).items():
        scoring = scoring_of(of_task, str(task), wanted.family)
        differing += other_words(of_task, scoring.family, read.path)
        metrics: dict[str, None] = {}
        for key in of_task.select(SPLIT).unique(maintain_order=True).iter_rows():
            rows = of_task.filter(*(pl.col(name) == value for name, value in zip(SPLIT, key, strict=True)))
            watch(f"scoring {key[0]}/{key[2]}")
            part = ImportedRows(rows, scoring, read.path)
            names = [store.part_path(folder, *map(str, key), kind) for kind in ("predictions", "stats")]
            parts.append(part.write(*names))
            metrics |= part.metric_names
            beside += part.beside
        tasks[str(task)] = facts_of(of_task, str(task), scoring, headline_first(metrics, wanted.metric))
    differing += differing_scores(beside)
    if differing and not wanted.rescored:
        raise Mismatch(f"{read.path}: {differing[0]}. Go on with --rescored; the page says so.")
    return parts, tasks, differing

"""Makes a finished run of imported rows: its folder appears whole or not at all, with the files of `eval`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from robust_xtreme import __version__
from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, SpecError, UnknownName, counted, shown
from robust_xtreme.core.examples import Choice, Example, digest, target_json
from robust_xtreme.core.garbage import rarely_collected
from robust_xtreme.core.sinks import json_text
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.targets.kinds import SPAN_QA
from robust_xtreme.exchange.importing.answers import FAMILIES, parsed
from robust_xtreme.exchange.importing.frames import answering, conditions_of, models_of
from robust_xtreme.exchange.importing.identity import SPLIT, identified, paired
from robust_xtreme.exchange.importing.items import GROUP, items_of, whole
from robust_xtreme.exchange.importing.parts import ImportedRows, headline_first
from robust_xtreme.exchange.importing.stated import differing_scores, other_words
from robust_xtreme.exchange.importing.tasks import facts_of, scoring_of, unscored
from robust_xtreme.files import store
from robust_xtreme.files.manifest import FILES, IMPORTED, MANIFEST, PAGE, REPORT, read_manifest, write_manifest
from robust_xtreme.files.schema import (
    AVERAGES,
    CHANCE,
    CONDITIONS,
    DELTAS,
    MODELS,
    PREDICTIONS,
    SCHEMA_VERSION,
    SCORES,
    SHALLOW,
    STATS,
)
from robust_xtreme.files.store import ordered
from robust_xtreme.noise.conditions.condition import CLEAN, CLEAN_SEED
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.report.outputs import Added, written
from robust_xtreme.report.view import Results
from robust_xtreme.stats.averages import averaged
from robust_xtreme.stats.benchmark import Task, tasks_of
from robust_xtreme.stats.measuring import Facts, Stored, measured
from robust_xtreme.stats.merging import merged
from robust_xtreme.stats.replacing import replacing
from robust_xtreme.tasks.sources.loading import load
from robust_xtreme.tasks.sources.pools import Pools
from robust_xtreme.tasks.sources.source import open_source

# What the manifest of an imported run says: what was answered by which model, on which data, and notes.


def manifest_of(items: pl.DataFrame, tasks: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of imported items and the facts of their tasks, with `more` entries; its notes come first."""
    rows = answering(items)
    noisy = rows.filter(pl.col("condition") != CLEAN)
    spec = {
        "tasks": sorted(tasks),
        "languages": sorted(set(rows.get_column("language"))),
        "split": ", ".join(sorted(set(rows.get_column("split")))),
        "perturb": sorted(set(noisy.get_column("condition"))),
        "seeds": max(1, noisy.get_column("noise_seed").n_unique()),
    }
    answered = rows.select("task", "model").unique().sort("task").iter_rows()
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "spec": spec,
        "device": IMPORTED,
        "models": [{"task": task, "model": model, "identity": "", "source": IMPORTED} for task, model in answered],
        "tasks": dict(tasks),
        "units": _units(rows),
        "not_run": [],
        **more,
        "notes": [*more.get("notes", ()), *_of_clusters(rows), *_notes(rows), *_of_noise(rows)],
    }


def _units(rows: pl.DataFrame) -> list[dict[str, Any]]:
    clean = rows.filter(pl.col("condition") == CLEAN)
    sizes = clean.group_by(*SPLIT, "data", maintain_order=True).agg(
        rows=pl.col("example").n_unique(), clusters=pl.col("cluster").n_unique()
    )
    names = ("task", "language", "split", "data", "rows", "clusters")
    in_pairs = sizes.sort(SPLIT).with_columns(language=paired()).select(names)
    return [{**row, "files": []} for row in in_pairs.iter_rows(named=True)]


def _of_clusters(rows: pl.DataFrame) -> list[str]:
    """Which tasks have examples as clusters."""
    clean = rows.filter(pl.col("sums").is_null(), pl.col("condition") == CLEAN)
    sizes = clean.group_by("task", "language").agg(alone=pl.col("cluster").n_unique() == pl.col("example").n_unique())
    alone = sizes.group_by("task").agg(pl.col("alone").all()).filter("alone").get_column("task").sort().to_list()
    return [f"{', '.join(alone)}: examples as clusters, each resampled by itself."] if alone else []


def _notes(rows: pl.DataFrame) -> Sequence[str]:
    """What a reader has to know of the answers."""
    cell = ("task", "language", "condition")
    nothing = pl.all_horizontal(pl.col("prediction", "scores", "sums").is_null())
    unparsed = nothing | (pl.col("status") == "unparsed").fill_null(False)
    other = unparsed & pl.col("answer").is_not_null()
    counts = rows.group_by(cell).agg(n=pl.len(), none=(unparsed & ~other).sum(), other=other.sum()).sort(cell)
    whats = {"none": "no prediction was found", "other": "the prediction is none of the choices"}
    return [
        f"{row['task']}/{row['language']} {row['condition']}: {what} in "
        f"{row[name]:,} of {counted(row['n'], 'answer')}, which count as no answer."
        for row in counts.iter_rows(named=True)
        for name, what in whats.items()
        if row[name]
    ]


def _of_noise(rows: pl.DataFrame) -> Iterator[str]:
    """Answers that noise cannot have changed, rates above all characters, and languages with fewer noise seeds."""
    key, cell = (*GROUP[:-1], "example"), ("task", "condition", "language")
    known = whole(rows.filter(pl.col("sums").is_null()), ("edits", "grapheme_edit_rate"))
    noisy = known.filter(pl.col("condition") != CLEAN)
    pairs = noisy.filter(edits=0).join(known.filter(condition=CLEAN).select(*key, clean="prediction"), on=key)
    differ = pairs.filter(pl.col("prediction") != pl.col("clean")).group_by(cell).len().sort(cell)
    for task, condition, language, count in differ.iter_rows():
        what = f"{counted(count, 'answer')} differ from clean text where nothing was edited"
        yield f"{task}/{language} {condition}: {what}."
    cells = noisy.group_by(cell).agg(pl.col("grapheme_edit_rate").mean(), pl.col("noise_seed").n_unique()).sort(cell)
    for task, condition, language, rate, _ in cells.filter(pl.col("grapheme_edit_rate") > 1).iter_rows():
        yield f"{task}/{language} {condition}: the mean grapheme_edit_rate is {rate:.3g}; it is a share, no percentage."
    for (task, condition), of_task in cells.group_by("task", "condition", maintain_order=True):
        few, *_, most = of_task.sort("noise_seed", "language").select("noise_seed", "language").rows() * 2
        if few[0] < most[0]:
            seeds = f"{few[1]} has {counted(few[0], 'noise seed')}, {most[1]} {most[0]:,}"
            yield f"{task} {condition}: {seeds}; an average over languages counts each language alike."


# Imported examples whose ids one of our tasks has: with the gold, cluster and fingerprint that `eval` gives them.

_GIVEN: Final = ("cluster", "fingerprint", "gold")


def with_known(items: pl.DataFrame, data: str, path: str) -> pl.DataFrame:
    """The items with the gold, cluster and fingerprint of the examples with their ids, whole or native, in a source.

    Raises UnknownName for a task that is not ours, MissingData where the source does not have a split, Mismatch at an
    id that the split does not have or whose gold is another one there.
    """
    pools = Pools(open_source(data))
    parts = items.partition_by(SPLIT, maintain_order=True)
    return pl.concat([_known(rows, pools, path) for rows in parts])


def _known(rows: pl.DataFrame, pools: Pools, path: str) -> pl.DataFrame:
    name, split, question, context = rows.select(SPLIT).row(0)
    if name not in registry.names("task"):
        raise UnknownName("task", name, registry.names("task"), "robust-xtreme list tasks")
    task: TaskSpec = registry.load("task", name)
    language = question if question == context else f"{question}@{context}"
    examples = load(task, pools.source, language, split, pools).examples
    ours = pl.DataFrame([_row(example, task) for example in examples], _SCHEMA, orient="row")
    origin = f"{name}/{split}/{language}/"
    whole = pl.when(pl.col("example").str.starts_with(origin)).then("example").otherwise(origin + pl.col("example"))
    joined = rows.with_columns(example=whole).join(ours, on="example", how="left", maintain_order="left")
    _check(joined, task, path)
    filled = [pl.coalesce(f"our_{column}", column).alias(column) for column in _GIVEN]
    return joined.with_columns(filled).select(rows.columns)


_SCHEMA: Final = {"example": pl.String, **{f"our_{name}": pl.String for name in _GIVEN}}


def _row(example: Example, task: TaskSpec) -> tuple[str, str, str, str]:
    gold = target_json(example.target)
    if isinstance(example.target, Choice) and task.labels:
        gold = task.labels[example.target.index]
    if task.family == SPAN_QA.name:
        context, spans = example.texts["context"], getattr(example.target, "spans", ())
        gold = json_text([context.at(span) for span in spans])
    return example.id, example.cluster, example.fingerprint, gold


def _check(joined: pl.DataFrame, task: TaskSpec, path: str) -> None:
    """Raise Mismatch at an id that the split does not have, or whose gold or fingerprint is another one there."""
    if (unknown := joined.filter(pl.col("our_cluster").is_null())).height:
        what = f"the example {shown(unknown.item(0, 'example'))} is not in the data of --data"
        raise Mismatch(f"{path}: {what}. Is it another split? See --split")
    pairs = joined.select("gold", "our_gold").unique().drop_nulls()
    other = [(given, ours) for given, ours in pairs.rows() if not _same(given, ours, task)]
    wrong = joined.join(pl.DataFrame(other, pairs.schema, orient="row"), on=["gold", "our_gold"], how="semi")
    if wrong.height:
        row = wrong.row(0, named=True)
        what = f"the gold of the example {shown(row['example'])} is {shown(row['gold'])}, in the data of --data it is"
        raise Mismatch(f"{path}: {what} {shown(row['our_gold'])}")


def _same(given: str, ours: str, task: TaskSpec) -> bool:
    """Whether a gold answer as given is ours; of texts of answers some of them."""
    left, right = (parsed(gold, task.family, task.labels) for gold in (given, ours))
    if isinstance(left, tuple) and isinstance(right, tuple) and task.family == SPAN_QA.name:
        return set(left) <= set(right)
    return left == right


# Whether imported items can be one run: each row once, one model, clean text beside all noise, the same examples.

_TWIN: Final = GROUP[:-1]
_SAME: Final = ("fingerprint", "cluster")


def check_items(items: pl.DataFrame, path: str) -> None:
    """Raise Mismatch where rows cannot be one run.

    That is where a row occurs twice, several models answer, noise has no clean text beside it, or a condition has
    other examples than the clean one, or other fingerprints or clusters; the message names the example.
    """
    _check_once(items, path)
    answers = items.filter(~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})"))
    _check_model(answers)
    _check_clean(answers, path)
    _check_pairs(answers, path)


def _check_once(items: pl.DataFrame, path: str) -> None:
    repeated = items.select(*GROUP, "noise_seed", "example").is_duplicated()
    if repeated.any():
        raise Mismatch(f"{path}: {_named(items.filter(repeated))} occurs twice")


def _check_model(answers: pl.DataFrame) -> None:
    """Raise Mismatch where several models answer a task, or none does."""
    for task, models in answers.group_by("task").agg(pl.col("model").unique().sort()).sort("task").iter_rows():
        if len(models) != 1:
            what = f"The rows of {task} are of {counted(len(models), 'model')}: {', '.join(map(shown, models[:5]))}"
            raise Mismatch(f"{what}. Choose one with --only-model NAME.")
    if answers.is_empty():
        raise Mismatch("The rows are of no model: all are those of constants or of shallow predictors.")


def _check_clean(answers: pl.DataFrame, path: str) -> None:
    """Raise Mismatch where noise has no clean rows to be compared with."""
    groups = answers.group_by(_TWIN, maintain_order=True).agg(pl.col("condition").unique().sort())
    for row in groups.filter(~pl.col("condition").list.contains(CLEAN)).iter_rows(named=True):
        cell = f"{row['task']}/{row['language']} ({row['split']}, {row['inference']})"
        noises = ", ".join(row["condition"][:3])
        raise Mismatch(f"{path}: {cell} has {noises}, and no rows of the condition clean to be compared with")


def _check_pairs(answers: pl.DataFrame, path: str) -> None:
    """Raise Mismatch at an example that a condition adds, or that is another one there."""
    key = [*_TWIN, "example"]
    clean = answers.filter(pl.col("condition") == CLEAN).select(*key, *_SAME, there=pl.lit(True))
    noisy = answers.filter(pl.col("condition") != CLEAN)
    joined = noisy.join(clean, on=key, how="left", suffix="_clean")
    if (new := joined.filter(pl.col("there").is_null())).height:
        raise Mismatch(f"{path}: {_named(new)} has no clean row")
    for name in _SAME:
        if (other := joined.filter(pl.col(name) != pl.col(f"{name}_clean"))).height:
            pair = f"{shown(other.item(0, f'{name}_clean'))} in clean text"
            raise Mismatch(f"{path}: {_named(other)} has the {name} {shown(other.item(0, name))}, and {pair}")
    _check_complete(noisy, clean, path)


def _check_complete(noisy: pl.DataFrame, clean: pl.DataFrame, path: str) -> None:
    """Raise Mismatch at an example of the clean text that is not under a condition and noise seed."""
    counts = noisy.group_by(*GROUP, "noise_seed", maintain_order=True).len()
    wanted = clean.group_by(_TWIN).agg(wanted=pl.len())
    for row in counts.join(wanted, on=_TWIN).filter(pl.col("len") < pl.col("wanted")).iter_rows(named=True):
        there = noisy.filter(*(pl.col(name) == row[name] for name in (*GROUP, "noise_seed")))
        of_twin = clean.filter(*(pl.col(name) == row[name] for name in _TWIN))
        missing = of_twin.join(there, on="example", how="anti").item(0, "example")
        where = f"{row['task']}/{row['language']} {row['condition']} (noise seed {row['noise_seed']})"
        raise Mismatch(f"{path}: the example {shown(missing)} is missing in {where}")


def _named(rows: pl.DataFrame) -> str:
    """The first of some rows in words."""
    row = rows.row(0, named=True)
    seed = "" if row["noise_seed"] == CLEAN_SEED else f" (noise seed {row['noise_seed']})"
    return f"the example {shown(row['example'])} of {row['task']}/{row['language']} {row['condition']}{seed}"


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

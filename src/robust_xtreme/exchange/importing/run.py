"""Makes a finished run of imported rows: its folder appears whole or not at all, with the files of `eval`.

The files of task runs are written some rows at a time: memory has them once.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme import __version__
from robust_xtreme.core import registry, strict_json
from robust_xtreme.core.errors import DataError, Mismatch, SpecError, UnknownName, UserError, counted, shown
from robust_xtreme.core.examples import CHOICE, CLASSIFICATION, SPAN_QA, Choice, Example, digest, target_json
from robust_xtreme.core.garbage import rarely_collected
from robust_xtreme.core.sinks import json_text
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.exchange.importing import items as entries
from robust_xtreme.exchange.importing import scoring as judging
from robust_xtreme.exchange.importing.answers import FAMILIES, index_of, parsed
from robust_xtreme.files import schema, store
from robust_xtreme.files.frames import check_columns
from robust_xtreme.files.manifest import BESIDES, FILES, IMPORTED, MANIFEST, PAGE, REPORT, read_manifest, write_manifest
from robust_xtreme.files.store import ordered
from robust_xtreme.noise.conditions.condition import CLEAN, KIND, named
from robust_xtreme.noise.engine.noising import asks
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.report.outputs import Added, written
from robust_xtreme.report.view import Results
from robust_xtreme.stats.averages import Facts, Stored, averaged, measured
from robust_xtreme.stats.benchmark import tasks_of
from robust_xtreme.stats.calibration import calibration
from robust_xtreme.stats.merging import merged
from robust_xtreme.stats.replacing import replacing, sweep
from robust_xtreme.tasks.noisy.measured import condition_row
from robust_xtreme.tasks.sources.source import Pools, load, open_source


def manifest_of(items: pl.DataFrame, tasks: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of imported items and the facts of their tasks, with `more` entries; its notes come first."""
    rows = entries.answering(items)
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
        "schema_version": schema.SCHEMA_VERSION,
        "version": __version__,
        "spec": spec,
        "device": IMPORTED,
        "models": [{"task": task, "model": model, "identity": "", "source": IMPORTED} for task, model in answered],
        "tasks": dict(tasks),
        "units": _units(rows),
        "not_run": [],
        **more,
        "notes": [*more.get("notes", ()), *_of_clusters(rows), *_numbered(rows), *_notes(rows), *_of_noise(rows)],
    }


def _units(rows: pl.DataFrame) -> list[dict[str, Any]]:
    clean = rows.filter(pl.col("condition") == CLEAN)
    sizes = clean.group_by(*entries.SPLIT, "data", maintain_order=True).agg(
        rows=pl.col("example").n_unique(), clusters=pl.col("cluster").n_unique()
    )
    names = ("task", "language", "split", "data", "rows", "clusters")
    in_pairs = sizes.sort(entries.SPLIT).with_columns(language=entries.paired()).select(names)
    return [{**row, "files": []} for row in in_pairs.iter_rows(named=True)]


def _of_clusters(rows: pl.DataFrame) -> list[str]:
    """Which tasks have examples as clusters."""
    clean = rows.filter(pl.col("sums").is_null(), pl.col("condition") == CLEAN)
    sizes = clean.group_by("task", "language").agg(alone=pl.col("cluster").n_unique() == pl.col("example").n_unique())
    alone = sizes.group_by("task").agg(pl.col("alone").all()).filter("alone").get_column("task").sort().to_list()
    return [f"{', '.join(alone)}: examples as clusters, each resampled by itself."] if alone else []


def _numbered(rows: pl.DataFrame) -> Iterator[str]:
    """Which predictions of labels are numbers, and what these mean: another order is not seen."""
    numbers = rows.filter(pl.col("sums").is_null(), pl.col("prediction").str.contains(r"^\d+$"))
    for name, count in numbers.group_by("task").len().sort("task").iter_rows():
        labels = registry.load("task", name).labels if name in registry.names("task") else ()
        if labels and not any(map(str.isdigit, labels)):
            meaning = ", ".join(f"{number} {label}" for number, label in enumerate(labels))
            yield f"{name}: {counted(count, 'prediction')} were given as numbers and read as {meaning}."


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
    key, cell = (*entries.GROUP[:-1], "example"), ("task", "condition", "language")
    known = entries.whole(rows.filter(pl.col("sums").is_null()), ("edits", "grapheme_edit_rate"))
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


_GIVEN: Final = ("cluster", "fingerprint", "gold")


def _known(rows: pl.DataFrame, pools: Pools, path: str) -> pl.DataFrame:
    """The items of a split with the gold, cluster and fingerprint of the examples with their ids, whole or native.

    Raises UnknownName for a task that is not ours, MissingData where the source does not have the split, Mismatch at an
    id that it does not have or whose gold is another one there.
    """
    name, split, question, context = rows.select(entries.SPLIT).row(0)
    if name not in registry.names("task"):
        raise UnknownName("task", name, registry.names("task"), "robust-xtreme list tasks")
    task: TaskSpec = registry.load("task", name)
    language = question if question == context else f"{question}@{context}"
    examples = load(task, pools.source, language, split, pools).examples
    known = dict.fromkeys(("example", *(f"our_{column}" for column in _GIVEN)), pl.String)
    ours = pl.DataFrame([_row(example, task) for example in examples], known, orient="row")
    origin = f"{name}/{split}/{language}/"
    whole = pl.when(pl.col("example").str.starts_with(origin)).then("example").otherwise(origin + pl.col("example"))
    joined = rows.with_columns(example=whole).join(ours, on="example", how="left", maintain_order="left")
    _check(joined, task, path)
    filled = [pl.coalesce(f"our_{column}", column).alias(column) for column in _GIVEN]
    return joined.with_columns(filled).select(rows.columns)


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


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader finds: a function that reads raw rows (see `items.KEYS`), and what the manifest says of them.

    `notes` are sentences for the reader of the report, `differing` those about levels that are not as logs state them,
    and `check` makes such of SCORES.
    """

    rows: Callable[[], pl.DataFrame]
    path: str
    source: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    check: Callable[[pl.DataFrame], list[str]] = lambda _: []


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


_ROWS: Final = 1 << 17
_ENDING: Final = "importing"
_CELL: Final = (*schema.CELL, "noise_seed")
_JSON: Final = r"^(\[|-?\d+$)"
"""How a list or a whole number begins in JSON."""


@dataclass(frozen=True, slots=True)
class ImportedRows:
    """The rows of a task run in the order of PREDICTIONS, each once, and how they are scored.

    `metrics` has those that were found, of each model, `computed` whether each comes from predictions, `beside` what
    was computed beside what is stated.
    """

    rows: pl.DataFrame
    scoring: judging.Scoring
    path: str
    metrics: dict[str, frozenset[str]] = field(default_factory=dict)
    computed: dict[str, bool] = field(default_factory=dict)
    beside: list[pl.DataFrame] = field(default_factory=list)

    def write(self, predictions: Path, stats: Path) -> Stored:
        """Write both files. Raises DataError and Mismatch naming an example, DiskError."""
        made = (_predictions_of(rows, self.scoring, self.path) for rows in self._slices())
        _write(predictions, (check_columns(rows, schema.PREDICTIONS) for rows in made), schema.PREDICTIONS)
        _write(stats, self._stats(), schema.STATS)
        return Stored(predictions, stats)

    def _slices(self) -> Iterator[pl.DataFrame]:
        """The rows a slice at a time; all at once where one question without an answer decides how all are scored."""
        golds = self.rows.get_column("gold")
        is_whole = self.scoring.family == SPAN_QA.name and golds.is_in(["[]", '[""]', '""']).any()
        return self.rows.iter_slices(max(_ROWS, self.rows.height) if is_whole else _ROWS)

    def _stats(self) -> Iterator[pl.DataFrame]:
        """STATS of the rows, and where they belong in the order of models those of constants."""
        scored = map(self._scored, self._slices())
        first = next(scored)
        constants = store.canonical(judging.constants_of(self.rows, self.scoring, [*self.metric_names]), schema.STATS)
        is_before = self.rows.item(0, "model") > schema.CHANCE
        yield from (constants, first) if is_before else (first,)
        yield from scored
        yield from () if is_before else (constants,)

    def _scored(self, rows: pl.DataFrame) -> pl.DataFrame:
        stats, computed, beside = judging.stats_of(rows, self.scoring, self.path)
        self.beside.append(beside)
        for metric in stats.get_column("metric").unique().sort():
            if self.computed.setdefault(metric, metric in computed) != (metric in computed):
                raise Mismatch(judging.mixed(rows.item(0, "example"), metric, self.path))
        of_cells = stats.filter(pl.col("scope") == "all").group_by(_CELL).agg(pl.col("metric").unique())
        for *cell, metrics in of_cells.iter_rows():
            self._check(rows, tuple(cell), frozenset(metrics))
        return check_columns(stats, schema.STATS)

    def _check(self, rows: pl.DataFrame, cell: tuple[object, ...], metrics: frozenset[str]) -> None:
        """Raise Mismatch where rows of a cell have other metrics than rows of the same model before."""
        before = self.metrics.setdefault(str(cell[0]), metrics)
        if other := sorted(before ^ metrics):
            of_cell = rows.filter(*(pl.col(name) == value for name, value in zip(_CELL, cell, strict=True)))
            has = "no" if other[0] in before else "a value of"
            where = f"{of_cell.item(0, 'task')}/{of_cell.item(0, 'language')} {of_cell.item(0, 'condition')}"
            what = f"the example {shown(of_cell.item(0, 'example'))} of {where} has {has} {other[0]}"
            raise Mismatch(f"{self.path}: {what}, and others do {'' if has == 'no' else 'not'}".rstrip())

    @property
    def metric_names(self) -> dict[str, None]:
        """The metrics that were found: in the order of the task, then those given, in the order of the first row."""
        there = frozenset[str]().union(*self.metrics.values())
        scores = self.rows.get_column("scores").drop_nulls().head(1)
        given = [judging.metric_of(name) for name in strict_json.loads(scores.item())] if len(scores) else []
        return dict.fromkeys(name for name in (*self.scoring.metrics, *given, *sorted(there)) if name in there)


def _write(path: Path, chunks: Iterator[pl.DataFrame], frame: schema.Frame) -> None:
    """Write sorted rows. Raises DiskError, and what the chunks raise."""
    with store.writing(path):
        store.write_sorted(path, chunks, frame)


def _predictions_of(items: pl.DataFrame, scoring: judging.Scoring, path: str) -> pl.DataFrame:
    """PREDICTIONS of the items of one task. Raises DataError naming the example whose answer is none of the task."""
    rows = entries.answering(items)
    nothing = pl.col("prediction").is_null() & pl.col("scores").is_null() & pl.col("sums").is_null()
    status = pl.when(nothing).then(pl.lit("unparsed")).otherwise(pl.lit("ok"))
    answer = pl.col("prediction") if scoring.family == SPAN_QA.name else pl.lit(None, pl.String)
    made = pl.when(pl.col("sums").is_null()).then(pl.coalesce("answer", answer)).otherwise("answer")
    columns: dict[str, Any] = {
        "status": pl.coalesce("status", status),
        "answer": pl.when(made != "").then(made),
        "prediction": _stored(rows, "prediction", scoring, path),
        "gold": _stored(rows, "gold", scoring, path).fill_null("null"),
        "score": "confidence",
    }
    made_rows = entries.whole(rows).with_columns(**columns)
    are_labels = pl.all_horizontal(pl.col("prediction", "gold").str.contains(r"^\d+$").fill_null(False))
    for example in made_rows.filter(~are_labels).drop_nulls("score").get_column("example"):
        raise DataError(path, f"the example {shown(example)} has a confidence, and no label or choice as its answer")
    return made_rows.select(list(schema.PREDICTIONS.columns))


def _stored(rows: pl.DataFrame, name: str, scoring: judging.Scoring, path: str) -> pl.Series:
    """Answers as JSON: labels as their numbers; those with sums, which our runs have stored, as they are."""
    is_json = pl.col(name).str.contains(_JSON) & ~pl.col(name).is_in(_no_json(rows, name))
    if scoring.family == SPAN_QA.name:  # a number is a text, too
        is_json = pl.col("sums").is_not_null() & is_json if name == "prediction" else is_json
    encoded = pl.struct(pl.col(name).alias("")).struct.json_encode()
    quoted = encoded.str.strip_prefix('{"":').str.strip_suffix("}")
    written: pl.Expr = pl.when(is_json).then(name).when(pl.col(name).is_not_null()).then(quoted)
    if scoring.family in (CHOICE.name, CLASSIFICATION.name):
        numbers = pl.col(name).replace_strict(_numbers(rows, name, scoring, path), default=None, return_dtype=pl.String)
        written = pl.when(pl.col("sums").is_null()).then(numbers).otherwise(written)
    return rows.select(written.alias(name)).to_series()


def _no_json(rows: pl.DataFrame, name: str) -> list[str]:
    """The texts that begin as JSON and are none."""
    is_text = pl.col(name + entries.TYPE).is_null() if name + entries.TYPE in rows.columns else True
    others = []
    for text in rows.filter(is_text, pl.col(name).str.contains(_JSON))[name].unique():
        try:
            strict_json.loads(text)
        except (ValueError, RecursionError):
            others.append(text)
    return others


def _numbers(rows: pl.DataFrame, name: str, scoring: judging.Scoring, path: str) -> dict[str, str]:
    """The number of each label that occurs."""
    numbers = {}
    for value in rows.filter(pl.col("sums").is_null()).get_column(name).drop_nulls().unique():
        try:
            numbers[value] = str(index_of(value, scoring.labels))
        except UserError as error:
            example = rows.filter(pl.col(name) == value).item(0, "example")
            raise DataError(path, f"the {name} of the example {shown(example)}: {error}") from error
    return numbers


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
    sweep(out, _ENDING)
    check_target(out, force)
    if wanted.family and wanted.family not in FAMILIES:
        raise UnknownName("family", wanted.family, FAMILIES, "robust-xtreme import --help")
    with replacing(out, partial(check_target, out, force), _ENDING) as staging, Drawing() as draws:
        return _written(read, wanted, staging, watch, draws)


def check_target(out: Path, force: bool) -> None:
    """Raise Mismatch where the folder has files; with `force`, where it has others than those of an imported run."""
    there = sorted(entry.name for entry in out.iterdir()) if out.is_dir() and not out.is_symlink() else []
    if not there and (out.is_dir() or not out.exists()) and not out.is_symlink():
        return
    others = [name for name in there if name not in (*FILES, *BESIDES, MANIFEST)]
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
    items = entries.items_of(rows, wanted.given, read.path)
    del rows
    if wanted.only_model:
        items = items.filter((pl.col("model") == wanted.only_model) | pl.col("model").str.contains(entries.NO_MODEL))
        if entries.answering(items).is_empty():
            raise Mismatch(f"{read.path}: no row is of the model {wanted.only_model!r}")
    if wanted.data:
        pools = Pools(open_source(wanted.data))
        parts = items.partition_by(entries.SPLIT, maintain_order=True)
        items = pl.concat([_known(rows, pools, read.path) for rows in parts])
    items = entries.identified(items, read.path)
    entries.check_items(items, read.path)
    return ordered(items, schema.PREDICTIONS.key)


def _written(read: Read, wanted: ImportOptions, folder: Path, watch: Watch, draws: Drawing) -> dict[str, Any]:
    """Write all files of the run; return its manifest."""
    watch("reading the rows")
    parts, known, frames, manifest = _facts(_items(read, wanted), read, wanted, folder, watch)
    if frames["conditions"][0].filter(pl.col("condition") != CLEAN).height:
        draws.start()
    made = measured(parts, known)
    _check_stated(differing := read.check(made.scores), wanted, read)
    manifest["notes"] += [f"Rescored: {sentence}." for sentence in differing]
    averages = averaged(made.levels, made.drops, known.tasks, sorted(known.tasks))
    frames |= {"scores": (made.scores, schema.SCORES), "deltas": (made.deltas, schema.DELTAS)}
    frames["averages"] = averages, schema.AVERAGES
    for name, frame in (("predictions.parquet", schema.PREDICTIONS), ("stats.parquet", schema.STATS)):
        paths = [getattr(part, frame.name) for part in parts]
        _write(folder / name, merged(paths, frame), frame)
    shutil.rmtree(folder / "parts")
    calibrated = calibration(store.scan(folder / "predictions.parquet"))
    frames |= {"calibration": (calibrated, schema.CALIBRATION)} if calibrated.height else {}
    for name, (rows, frame) in frames.items():
        store.write_frame(folder / f"{name}.csv", rows, frame)
    content = digest(*(str(value) for row in made.scores.iter_rows() for value in row))
    manifest |= {"spec_hash": content}
    results = Results(made.scores, made.deltas, manifest, averages, frames["conditions"][0], calibration=calibrated)
    watch("writing the report")
    for name in (REPORT, PAGE):
        store.write(folder / name, written(results, Path(name).suffix, added=Added(draws=draws)))
    manifest |= {"files": {path.name: store.sha256(path) for path in sorted(folder.iterdir())}, "complete": True}
    write_manifest(folder / MANIFEST, manifest)
    return manifest


def _facts(
    items: pl.DataFrame, read: Read, wanted: ImportOptions, folder: Path, watch: Watch
) -> tuple[list[Stored], Facts, dict[str, tuple[pl.DataFrame, schema.Frame]], dict[str, Any]]:
    """Write the files of each task run; what is measured in them, frames of models and conditions, and the manifest.

    The items, which need most of the memory, are gone after it. Raises UnknownName where no task has the metric that
    claims are made on.
    """
    parts, facts, differing = _parts(items, wanted, read, store.make_folder(folder / "parts"), watch)
    overlap = items.filter(pl.col("overlap")).select("model", "task", "split", "language").unique()
    commands = [wanted.command] if wanted.command else []
    notes = (*read.notes, *judging.unscored(items, facts), *(f"Rescored: {sentence}." for sentence in differing))
    source = {**read.source, **({"rescored": differing} if differing else {})}
    manifest = manifest_of(items, facts, {"commands": commands, "notes": notes, IMPORTED: source})
    models = entries.answering(items).get_column("model").unique().sort()
    conditions = items.get_column("condition").unique().sort()
    frames = {  # of models the names alone are known
        "models": (schema.build([{"model": name, "identity": ""} for name in models], schema.MODELS), schema.MODELS),
        "conditions": (schema.build([_condition(name) for name in conditions], schema.CONDITIONS), schema.CONDITIONS),
    }
    watch("measuring drops")
    tasks = tasks_of(facts)
    metrics = sorted({metric for task in tasks.values() for metric in task.metrics})
    if wanted.metric and wanted.metric not in metrics:
        raise UnknownName("metric", wanted.metric, metrics, "robust-xtreme import --help")
    headlines = {name: task.metrics[0] for name, task in tasks.items()}
    return parts, Facts(headlines, tasks, frozenset(overlap.iter_rows())), frames, manifest


def _condition(name: str) -> dict[str, Any]:
    """What CONDITIONS has of a condition: our perturbations by their names, another one as noise of others."""
    with suppress(UserError):  # not one of our perturbations, or one that is not installed here
        condition = named(name)
        if name == CLEAN or (condition.spec and not asks(condition.spec)):
            return condition_row(condition)
    return {"condition": name, "kind": KIND, "name": name, "pairing": "id"}


def _parts(
    items: pl.DataFrame, wanted: ImportOptions, read: Read, folder: Path, watch: Watch
) -> tuple[list[Stored], dict[str, dict[str, Any]], list[str]]:
    """The files of each task run, the facts of each task, and what is not as stated: a Mismatch, unless it may be."""
    parts, tasks, beside, differing = [], {}, [], [*read.differing]
    for (task,), of_task in items.partition_by("task", as_dict=True, maintain_order=True).items():
        scoring = judging.scoring_of(of_task, str(task), wanted.family)
        differing += judging.other_words(of_task, scoring.family, read.path)
        metrics: dict[str, None] = {}
        for key in of_task.select(entries.SPLIT).unique(maintain_order=True).iter_rows():
            rows = of_task.filter(*(pl.col(name) == value for name, value in zip(entries.SPLIT, key, strict=True)))
            watch(f"scoring {key[0]}/{key[2]}")
            part = ImportedRows(rows, scoring, read.path)
            names = [store.part_path(folder, *map(str, key), kind) for kind in ("predictions", "stats")]
            parts.append(part.write(*names))
            metrics |= part.metric_names
            beside += part.beside
        headline = dict.fromkeys(name for name in metrics if name == wanted.metric)
        tasks[str(task)] = judging.facts_of(of_task, str(task), scoring, [*(headline | metrics)])
    differing += judging.differing_scores(beside)
    _check_stated(differing, wanted, read)
    return parts, tasks, differing


def _check_stated(differing: Sequence[str], wanted: ImportOptions, read: Read) -> None:
    if differing and not wanted.rescored:
        raise Mismatch(f"{read.path}: {differing[0]}. Go on with --rescored; the page says so.")

"""Makes a finished run again from its spec, its data and its stored answers, and says where its files differ.

Without its models a function that is never called stands for each: so the run is planned, its noise drawn and its
stored answers scored. With them, tokens are counted again and some of the answers are asked for again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from robust_xtreme.attack.attacking import Attacked, AttackRecord
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, UserError
from robust_xtreme.core.examples import digest
from robust_xtreme.files import schema, store
from robust_xtreme.files.manifest import PAGE
from robust_xtreme.models.predictors.cache import read
from robust_xtreme.models.predictors.loaded import device_name, device_of
from robust_xtreme.models.predictors.predictor import Movable, Predicted, nowhere, predictor_of
from robust_xtreme.noise.engine.options import with_edits
from robust_xtreme.noise.user_packs import using
from robust_xtreme.report.document import finished
from robust_xtreme.report.samples.texts import spec_of
from robust_xtreme.report.view import Results
from robust_xtreme.run.finish import finish
from robust_xtreme.run.folder import DIGESTS, FILES, RUN, Folder, difference
from robust_xtreme.run.function_parts import KEPT
from robust_xtreme.run.manifest import new_manifest
from robust_xtreme.run.plan import OF_MODEL, Plan, make_plan, unasked
from robust_xtreme.run.prepare import prepare
from robust_xtreme.run.run import answered
from robust_xtreme.run.scoring import PARTS, TaskRunRows, score_examples, stage
from robust_xtreme.run.task_run import Cell, Splits, TaskRun, reading
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.noisy.frozen_runs import edits_of
from robust_xtreme.tasks.sources.source import Split, open_source
from robust_xtreme.tasks.sources.suite import Suite

_READ: Final = ("tokens_clean", "tokens", "tokens_changed", "truncated", "unknown_clean", "unknown")
_PLANNED: Final = (
    *("spec", "spec_hash", "packs", "suites", "language_models", "noise_sources", "suite", "tasks", "units"),
    *("not_run", "commands", *(_OF_MODELS := ("models", "overlap", "own_data", "notes", "licences"))),
)
"""Parts of a manifest that follow from a plan, some of them only from one with the models."""

_TARGETS: Final = {"tagging": "Tags", "span_qa": "Answers", "retrieval": "Document"}
_SUBWORDS: Final = re.compile(r"<dt>subwords</dt><dd>.*?</dd>", re.DOTALL)
_CHARTS: Final = re.compile(rf"(?s){_SUBWORDS.pattern}|<figure.*?</figure>\n?|<p>The page has no charts: [^<]*</p>\n")
_NO_CHARTS: Final = "Its charts, which cannot be drawn here, or could not where it was made; the rest is ok"
_NO_MODEL: Final = "It needs the model: --model NAME"
_LEAST: Final = 0.99
"""The share of equal answers, on another device or not in fp32, below which they are other answers."""

_CLOSE: Final = 0.001
"""By how much the score of an answer may be another, from 0 to 1."""


class RunCheck(NamedTuple):
    """A check of a run: what `differs`, or why it is `unchecked`; neither where the run is as made again."""

    name: str
    differs: str = ""
    unchecked: str = ""


@dataclass(frozen=True, slots=True)
class Verifying:
    """Other `data` than a run names, its models where they are at hand, and how many items of a task run are asked."""

    data: str = ""
    model: tuple[str, ...] = ()
    sample: int = 500
    seed: int = 0

    def checks(self, path: Path) -> Iterator[RunCheck]:
        """Each check of a run when it is made. Raises UserError where files cannot be read or are not the run's."""
        results, folder = finished(path), Folder(path)
        manifest = {"notes": [], "not_run": [], "parts": {}, **results.manifest}
        known = {**manifest[DIGESTS], **{f"{PARTS}/{name}": sha256 for name, sha256 in manifest["parts"].items()}}
        for name in dict.fromkeys((*(name for name in FILES if name != PAGE), *known)):
            if store.sha256(path / name) != known.get(name):
                raise DataError(path / name, "is not the file that the manifest names")
        yield RunCheck("files")
        if not (path / RUN).is_file():
            raise UserError(f"{path} has no {RUN}: it was imported. Only what `eval` computed can be made again.")
        spec = spec_of(path, manifest)
        spec = replace(spec, offline=True, data=self.data or spec.data, model=self.model or spec.model)
        with using(*spec.packs), own_tasks(spec.data), TemporaryDirectory() as made:
            try:
                asked, functions = (spec, None) if self.model else unasked(spec, manifest)
                plan = make_plan(asked, functions, keep_going=True, again=True)
            except MissingData as error:
                suite, found = manifest.get("suite", ""), None if self.data else _suite_of(spec.data)
                named = f"suite {suite or 'none'}, and the data of run.toml, {spec.data}, have {found or 'none'}"
                yield RunCheck("all else", "", str(error)) if found in (None, suite) else RunCheck("plan", named)
                return
            plan = replace(plan, spec=spec, task_runs=tuple(self._named(run, results) for run in plan.task_runs))
            yield RunCheck("plan", self._other(manifest, new_manifest(plan, "", 0, True)))
            plan = replace(plan, task_runs=tuple(run for run in plan.task_runs if folder.parts(run)[0].is_file()))
            store.make_folder(Path(made) / PARTS)
            store.write(Path(made) / RUN, b"")
            digests: dict[str, str] = {}
            try:
                for run in plan.task_runs:
                    rows = replayed(run, plan.splits.of(run), folder.read(run), not self.model)
                    digests |= stage(Path(made) / PARTS, run, rows)
                again = finish(Folder(Path(made)), plan, {**manifest, "parts": digests, "complete": False})
            except UserError as error:
                yield RunCheck("predictions.parquet", str(error))
                return
            undrawn = _NO_CHARTS if PAGE not in manifest[DIGESTS] or PAGE not in again[DIGESTS] else ""
            left = {PAGE: undrawn, "models.csv": "" if self.model else _NO_MODEL}
            for name in dict.fromkeys((*(name for name in manifest[DIGESTS] if name != RUN), PAGE)):
                why, sides = left.get(name, ""), (path / name, Path(made) / name)
                yield RunCheck(name, "" if why == _NO_MODEL else _where(*sides, _CHARTS if why else _SUBWORDS), why)
            yield self._answers(folder, plan, manifest) if self.model else RunCheck("answers", "", _NO_MODEL)

    def _other(self, *manifests: Mapping[str, Any]) -> str:
        """What the manifest has otherwise than that of a new plan; files of other data have other names."""
        sides = []
        for side in manifests:
            left = [cell for cell in side["not_run"] if cell["reason"] not in OF_MODEL]
            units = [{**unit, "files": [] if self.data else unit.get("files")} for unit in side["units"]]
            notes = [note for note in side["notes"] if "batch size was halved" not in note and KEPT not in note]
            sides.append({**side, "units": units, "notes": notes, "not_run": left})
        open_ones = (*(() if self.model else _OF_MODELS), *(("commands",) if self.data or self.model else ()))
        names = (name for name in _PLANNED if name not in open_ones and sides[0].get(name) != sides[1].get(name))
        return next((difference(name, *(side.get(name) for side in sides)) for name in names), "")

    def _named(self, run: TaskRun, results: Results) -> TaskRun:
        """A task run whose model has the name of the run's; without the model, with what the run's rows say of it."""
        models = {each["task"]: each for each in results.manifest["models"]}
        of = models.get(run.task.name, {"model": "", "identity": ""})
        model = replace(run.model, origin=replace(run.model.origin, called=str(of["model"]).rpartition("@")[0]))
        if self.model:
            return replace(run, model=model)
        scores = results.scores.filter(task=run.task.name, split=run.split, language=run.languages[0])
        setting, model = next(iter(scores["setting"]), ""), replace(model, identity=str(of["identity"]))
        return replace(run, model=model, overlap="stamped" if scores["overlap"].any() else "", setting=setting)

    def _answers(self, folder: Folder, plan: Plan, manifest: Mapping[str, Any]) -> RunCheck:
        """Whether the model gives the stored answers; on another device, or not in fp32, nearly all of them."""
        device, key, kept = device_of("auto"), [*schema.PREDICTIONS.key], dict[tuple[str, str, str], Split]()
        for run in (run for run in plan.task_runs if not run.external):
            split = plan.splits.of(run)
            drawn = sorted(split.examples, key=lambda example: digest(str(self.seed), example.id))
            some = {each.id for each in (drawn if split.tuned else drawn[: self.sample])}  # pairs are mined over all
            kept[run.key] = replace(split, examples=tuple(each for each in split.examples if each.id in some))
        made = answered(replace(plan, splits=Splits(plan.spec, plan.splits.pools, kept)), device)
        stored = pl.concat([folder.read(run).predictions for run in plan.task_runs])
        is_same = plan.spec.precision == "fp32" and manifest.get("device") == device_name(device)
        names = [name for name in made.columns if name == "prediction" or (is_same and name not in key)]
        was = [pl.col(f"{name}_right").ne_missing(pl.col(name)) for name in names if name != "score"]
        if "score" in names:  # its last digits depend on which texts are asked together
            was.append((pl.col("score_right").fill_null(-1.0) - pl.col("score").fill_null(-1.0)).abs() > _CLOSE)
        other = made.join(stored, on=key, how="left").filter(pl.any_horizontal(was)).sort(key)
        if other.height <= (0 if is_same else (1 - _LEAST) * made.height):
            return RunCheck("answers")
        first = " ".join(str(each) for each in other.select(*key[-3:], "prediction_right", "prediction").row(0))
        return RunCheck("answers", f"{other.height:,} of {made.height:,} are others now, as {first}")


def replayed(run: TaskRun, split: Split, stored: TaskRunRows, is_bare: bool) -> TaskRunRows:
    """The rows of a task run by its stored answers and edits of attacks; what needs the model, as tokens, is stored.

    Raises Mismatch where there are other rows than planned, or an answer is none of the task's kind.
    """
    if run.predictions != stored.predictions.height:
        raise Mismatch(f"{run.label} has {stored.predictions.height:,} rows, and {run.predictions:,} in a new plan.")
    predictor = predictor_of(run.model, run.task, nowhere)
    predictor = reading(predictor.moved(nowhere) if isinstance(predictor, Movable) else predictor, run)
    prepared = prepare(run, split, predictor, deduplicate=False, attacks=partial(_attacked, stored.attacked))
    inputs, kind = prepared.inputs, _TARGETS.get(run.task.family, "Choice")
    order = [(of.condition.name, of.seed, each.id) for of in prepared.variants for each in prepared.examples]
    key, made = schema.PREDICTIONS.key, list[TaskRunRows]()
    for name in stored.predictions["inference"].unique() if is_bare else [run.inference + cut for cut in run.cuts]:
        rows = stored.predictions.filter(inference=name).select(*key[-3:], "prediction", "status")
        known = {row[:3]: row[3:] for row in rows.iter_rows()}
        answers, statuses = zip(*(known.get(each, (None, "failed")) for each in order), strict=True)
        nothing = "0" if kind == "Choice" else "[]"
        sound, targets, _ = read([f'{{"{kind}": {nothing if each is None else each}}}'.encode() for each in answers])
        if len(sound) < len(order):
            raise Mismatch(f"{run.label} has an answer that is none of its kind.")
        if is_bare:
            lost = np.zeros(len(inputs.contents), np.bool_)
            lost[inputs.content[np.array(statuses) == "truncated_gold"]] = True
            inputs = replace(inputs, lost=lost)
        given = Predicted(targets, np.array([each is not None for each in answers]), targets)
        of_name = replace(prepared, inputs=inputs, task_run=replace(run, inference=name, dims=()))
        made.append(score_examples(of_name, given))
    names = ["score", *(_READ if is_bare else ()), *(("eligible",) if stored.attacked is not None else ())]
    kept = stored.predictions.select(*key, *names)
    predictions = pl.concat([each.predictions for each in made]).drop(names).join(kept, on=key, how="left")
    is_tuned = pl.col("metric") == "bitext_f1_retuned"
    stats = pl.concat([store.strings(each.stats) for each in made]).unique(schema.STATS.key).filter(~is_tuned)
    stats = store.ordered(pl.concat([stored.stats.filter(is_tuned), stats]), schema.STATS.key)
    predictions = store.ordered(predictions.select([*schema.PREDICTIONS.columns]), key)
    return TaskRunRows(predictions, stats, made[0].attacked)


def _attacked(rows: pl.DataFrame | None, split: Split, cells: Sequence[Cell]) -> dict[tuple[str, int], Attacked]:
    """The examples under attacks, by the edits that a run has of them. Raises Mismatch where it has none of one."""
    found = {}
    for condition, seed in cells:
        of = schema.empty(schema.ATTACKED) if rows is None else rows.filter(condition=condition.name, noise_seed=seed)
        known = {row["example"]: row for row in of.iter_rows(named=True)}
        if missing := [example.id for example in split.examples if example.id not in known]:
            raise Mismatch(f"The run has no edits of {missing[0]} by {condition.name}.")
        each = [known[example.id] for example in split.examples]
        edits = [edits_of(Path(PARTS), row["example"], row["edits"]) for row in each]
        columns = {name: np.array([row[name] for row in each]) for name in ("queries", "first", "skipped", "allowed")}
        shown = with_edits(split.examples, condition.fields, edits)
        found[condition.name, seed] = Attacked(shown, AttackRecord(**columns, edits=edits))
    return found


def _suite_of(data: str) -> str | None:
    """The name of the suite that data are, empty where they are none; None where they are not here."""
    try:
        source = open_source(data, offline=True)
    except MissingData:
        return None
    return source.name if isinstance(source, Suite) else ""


def _where(stored: Path, made: Path, cut: re.Pattern[str]) -> str:
    """The first line of a file, or row of a frame, that is another one when it is made again."""
    if not made.is_file() or store.sha256(stored) == store.sha256(made):
        return "" if made.is_file() else "the run has no such file when it is made again"
    lines = (_lines(side, cut) for side in (stored, made))
    for number, (was, now) in enumerate(zip_longest(*lines, fillvalue=""), 1):
        if was != now:
            at = next((at for at, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), 0)
            has, again = (repr(line[max(0, at - 40) : at + 40]) for line in (was, now))
            return f"line {number}: {has}, made again {again}"
    return ""


def _lines(path: Path, cut: re.Pattern[str]) -> list[str]:
    """The lines of a text without what is `cut`, as subwords, or rows; of numbers the first six digits."""
    if path.suffix == ".parquet":
        frame = schema.STATS if path.stem == schema.STATS.name else schema.PREDICTIONS
        text = "\n".join(map(str, store.read_frame(path, frame).rows()))
    else:
        text = cut.sub("", path.read_text("utf-8", "replace"))
    return re.sub(r"\d+\.\d{7,}", lambda number: f"{float(number[0]):.6f}", text).splitlines()

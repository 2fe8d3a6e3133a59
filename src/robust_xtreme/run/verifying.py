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
from robust_xtreme.files.manifest import PAGE, unversioned_tasks
from robust_xtreme.models.predictors.cache import TARGETS, read
from robust_xtreme.models.predictors.loaded import device_name, device_of
from robust_xtreme.models.predictors.predictor import Movable, Predicted, nowhere, predictor_of
from robust_xtreme.noise.engine.options import with_edits
from robust_xtreme.noise.user_packs import using
from robust_xtreme.report.document import finished
from robust_xtreme.report.samples.texts import spec_of
from robust_xtreme.report.view import Results
from robust_xtreme.run.finish import finish
from robust_xtreme.run.folder import DIGESTS, FILES, RUN, Folder, difference
from robust_xtreme.run.function_parts import is_kept_note
from robust_xtreme.run.manifest import HALVED, new_manifest
from robust_xtreme.run.plan import OF_MODEL, Plan, make_plan, unasked
from robust_xtreme.run.prepare import prepare
from robust_xtreme.run.run import answer_again
from robust_xtreme.run.scoring import PARTS, TaskRunRows, score_examples, stage
from robust_xtreme.run.task_run import Cell, Splits, TaskRun
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

_SUBWORDS: Final = re.compile(  # the last fact of an example on the page, without other marks than those of texts
    r"(?<=</dd>)<dt>subwords</dt><dd>(?:[^<]|</?(?:bdi|span|del|ins)(?: (?:dir|lang|class)=\"[\w -]*\")*>)*</dd>"
    r"(?=\n?</dl></article>)"
)
_FIGURES: Final = re.compile(
    r"(?s)<figure[^<>]*><figcaption><strong>[^<]*</strong></figcaption><div [^<>]*>"
    r"<svg (?:(?!</?(?:svg|div|figure|script|foreignObject)\b).)*</svg></div></figure>\n"
)
_LOST: Final = re.compile(r'(?<=<div id="tools" hidden></div>\n)<p>The page has no charts: [^<]*</p>\n')
_NO_MODEL: Final = "It needs the model: --model NAME"
_OTHERS: Final = 0.01
"""The share of other answers that a cell may have, and one, on another device or not in fp32."""

_CLOSE, _NEAR = 0.001, 0.02
"""By how much the score of an answer may be another, from 0 to 1, on the same device and on another one."""

_OF_MACHINE: Final = ("version", "versions", "device", "batch_tokens", "deduplicate", "halved")
_OF_FILES: Final = ("schema_version", "complete", "files", "parts")
_RETUNED: Final = "bitext_f1_retuned"


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
        typed = spec_of(path, manifest)
        spec = replace(typed, offline=True, data=self.data or typed.data, model=self.model or typed.model)
        with using(*spec.packs), own_tasks(spec.data), TemporaryDirectory() as made:
            try:
                asked, functions = (spec, None) if self.model else unasked(spec, manifest)
                plan = make_plan(asked, functions, keep_going=True)
            except MissingData as error:
                suite, found = manifest.get("suite", ""), None if self.data else _suite_of(spec.data)
                named = f"suite {suite or 'none'}, and the data of run.toml, {spec.data}, have {found or 'none'}"
                yield RunCheck("all else", "", str(error)) if found in (None, suite) else RunCheck("plan", named)
                return
            plan = replace(plan, spec=spec, task_runs=tuple(self._named(run, results) for run in plan.task_runs))
            source = open_source(spec.data, offline=True)
            commands = {"commands": typed.commands(source.read_by if isinstance(source, Suite) else ())}
            anew = new_manifest(plan, "", 0, True) | commands
            yield RunCheck("plan", self._other(manifest, anew, plan.task_runs))
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
            lost, lost_again = manifest["not_run"], again["not_run"]
            yield RunCheck("not_run", difference("not_run", lost, lost_again) if lost != lost_again else "")
            names = dict.fromkeys((*manifest[DIGESTS], *again[DIGESTS]))
            is_tuned = any(_RETUNED in run.task.metrics for run in plan.task_runs)
            left = () if self.model else ("models.csv", "tokens", *([_RETUNED] * is_tuned), *_OF_MODELS, "answers")
            for name in (name for name in names if name not in (RUN, PAGE, *left)):
                yield RunCheck(name, _where(*(_lines(folder / name) for folder in (path, Path(made)))))
            yield _page_check(path / PAGE, Path(made) / PAGE, PAGE in manifest[DIGESTS], PAGE in again[DIGESTS])
            yield from (RunCheck(name, "", _NO_MODEL) for name in left)
            if self.model:
                yield self._answers(folder, plan, manifest)
            notes = ["notes on kept parts"] if unversioned_tasks(manifest) else []
            said = ", ".join((*(name for name in _OF_MACHINE if name in manifest), *notes, "log.txt"))
            yield RunCheck(said, "", "What a run says of its machine is not computed again")

    def _other(self, stored: Mapping[str, Any], anew: Mapping[str, Any], task_runs: Sequence[TaskRun]) -> str:
        """What the manifest has otherwise than that of a new plan; files of other data have other names.

        What the model alone knows is left out without it, and cells that failed, which are counted again later. A note
        on the batches of a machine, as the manifest itself has them, may be added, and one on a function's kept parts.
        """
        halved = HALVED.format(stored.get("batch_tokens"), stored.get("halved"))
        may_add = [halved] if stored.get("halved") in [run.label for run in task_runs] else []
        counted_later, sides = (schema.FAILED,) if self.model else OF_MODEL, []
        for side in (stored, anew):
            left = [cell for cell in side["not_run"] if cell["reason"] not in counted_later]
            units = [{**unit, "files": [] if self.data else unit.get("files")} for unit in side["units"]]
            notes = [note for note in side["notes"] if note not in may_add and not is_kept_note(note, task_runs)]
            sides.append({**side, "units": units, "notes": notes, "not_run": left})
        open_ones = (*_OF_MACHINE, *_OF_FILES, "tuned", *(() if self.model else _OF_MODELS))
        compared = (name for name in dict.fromkeys((*_PLANNED, *stored)) if name not in open_ones)
        names = (name for name in compared if sides[0].get(name) != sides[1].get(name))
        return next((difference(name, *(side.get(name) for side in sides)) for name in names), "")

    def _named(self, run: TaskRun, results: Results) -> TaskRun:
        """A task run whose model has the name of the run's; without the model, with what the run's rows say of it."""
        models = {each["task"]: each for each in results.manifest["models"]}
        of = models.get(run.task.name, {"model": "", "identity": ""})
        second = f"+{run.model.reranker.name}" if run.model.reranker else ""
        called = str(of["model"]).rpartition("@")[0].removesuffix(second)
        model = replace(run.model, origin=replace(run.model.origin, called=called))
        if self.model:
            return replace(run, model=model)
        scores = results.scores.filter(task=run.task.name, split=run.split, language=run.languages[0])
        setting, model = next(iter(scores["setting"]), ""), replace(model, identity=str(of["identity"]))
        return replace(run, model=model, overlap="stamped" if scores["overlap"].any() else "", setting=setting)

    def _answers(self, folder: Folder, plan: Plan, manifest: Mapping[str, Any]) -> RunCheck:
        """Whether the model gives the stored answers; on another device, or not in fp32, nearly all of each cell."""
        device, key, kept = device_of("auto"), [*schema.PREDICTIONS.key], dict[tuple[str, str, str], Split]()
        for run in (run for run in plan.task_runs if not run.external):
            split = plan.splits.of(run)
            drawn = sorted(split.examples, key=lambda example: digest(str(self.seed), example.id))
            some = {each.id for each in (drawn if split.tuned else drawn[: self.sample])}  # pairs are mined over all
            kept[run.key] = replace(split, examples=tuple(each for each in split.examples if each.id in some))
        made, sums, tuned = answer_again(replace(plan, splits=Splits(plan.spec, plan.splits.pools, kept)), device)
        stored = [folder.read(run) for run in plan.task_runs]
        is_same = plan.spec.precision == "fp32" and manifest.get("device") == device_name(device)
        names = [name for name in made.columns if name == "prediction" or (is_same and name not in key)]
        was = [pl.col(f"{name}_right").ne_missing(pl.col(name)) for name in names if name != "score"]
        if plan.spec.scores:  # the last digits depend on which texts are asked together
            apart = (pl.col("score_right").fill_null(-1.0) - pl.col("score").fill_null(-1.0)).abs()
            was.append(apart > (_CLOSE if is_same else _NEAR))
        answers = made.join(pl.concat([each.predictions for each in stored]), on=key, how="left")
        retuned = pl.concat([store.strings(each.stats) for each in stored]).filter(metric=_RETUNED)
        pairs = sums.filter(metric=_RETUNED).join(retuned, on=[*schema.STATS.key], how="full", coalesce=True)
        of_cell = (pl.len(), pl.col("is_other").sum().alias("many"), pl.col("kind").first())
        is_other = {"answers": pl.any_horizontal(was), _RETUNED: pl.col("stats_right").ne_missing(pl.col("stats"))}
        cells = pl.concat(
            each.with_columns(is_other=is_other[kind], kind=pl.lit(kind)).group_by(*schema.CELL).agg(of_cell)
            for kind, each in (("answers", answers), (_RETUNED, pairs))
        )
        most = pl.lit(0) if is_same else pl.max_horizontal(1, pl.col("len") * _OTHERS)
        for cell in cells.filter(pl.col("many") > most).sort("many", descending=True).head(1).iter_rows(named=True):
            many = "{many:,} of {len:,} {kind} of {task}/{language} {condition} are others now"
            return RunCheck("answers", many.format(**cell))
        was_tuned = manifest.get("tuned", {})
        if was_tuned.keys() != tuned.keys() or any(abs(was_tuned[name] - tuned[name]) > _CLOSE for name in tuned):
            return RunCheck("answers", difference("tuned", was_tuned, tuned))
        return RunCheck("answers")


def _page_check(stored: Path, made: Path, has_charts: bool, draws_charts: bool) -> RunCheck:
    """Whether a page is as it is made again; what only one of the two can have is cut from that one, at its place."""
    sides = [path.read_text("utf-8", "replace") for path in (stored, made)]
    names = []
    if "<dt>subwords</dt>" not in sides[1] and _SUBWORDS.search(sides[0]):
        names.append("Its subwords, which need the tokenizer")
        sides[0] = _SUBWORDS.sub("", sides[0])
    if not (has_charts and draws_charts):
        names.append("Its charts, which cannot be drawn here, or could not where it was made")
        cut = (_FIGURES if is_drawn else _LOST for is_drawn in (has_charts, draws_charts))
        sides = [each.sub("", side) for each, side in zip(cut, sides, strict=True)]
    return RunCheck(PAGE, _where(*map(_rounded, sides)), f"{' and '.join(names)}; the rest is ok" if names else "")


def replayed(run: TaskRun, split: Split, stored: TaskRunRows, is_bare: bool) -> TaskRunRows:
    """The rows of a task run by its stored answers and edits of attacks; what needs the model, as tokens, is stored.

    Raises Mismatch where there are other rows than planned, or an answer is none of the task's kind.
    """
    if run.predictions != stored.predictions.height:
        raise Mismatch(f"{run.label} has {stored.predictions.height:,} rows, and {run.predictions:,} in a new plan.")
    predictor = predictor_of(run.model, run.task, nowhere)
    predictor = predictor.moved(nowhere) if isinstance(predictor, Movable) else predictor
    prepared = prepare(run, split, predictor, deduplicate=False, attacks=partial(_attacked, stored.attacked))
    inputs, kind = prepared.inputs, TARGETS.get(run.task.family, "Choice")
    order = [(of.condition.name, of.seed, each.id) for of in prepared.variants for each in prepared.examples]
    key, made = schema.PREDICTIONS.key, list[TaskRunRows]()
    for name in stored.predictions["inference"].unique() if is_bare else [run.inference + cut for cut in run.cuts]:
        rows = stored.predictions.filter(inference=name).select(*key[-3:], "prediction", "status")
        known = {row[:3]: row[3:] for row in rows.iter_rows()}
        answers, statuses = zip(*(known.get(each, (None, "failed")) for each in order), strict=True)
        nothing = "0" if kind == "Choice" else "[]"
        sound, targets, _ = read(
            [f'{{"{kind}": {nothing if each is None else each}}}'.encode() for each in answers], kind
        )
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
    is_tuned = pl.col("metric") == _RETUNED
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


def _where(stored: Sequence[str], made: Sequence[str]) -> str:
    """The first line of a file, or row of a frame, that is another one when it is made again."""
    for number, (was, now) in enumerate(zip_longest(stored, made, fillvalue=""), 1):
        if was != now:
            at = next((at for at, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), 0)
            has, again = (repr(line[max(0, at - 40) : at + 40]) for line in (was, now))
            return f"line {number}: {has}, made again {again}"
    return ""


def _lines(path: Path) -> list[str]:
    """The lines of a text, or rows; none where there is no such file."""
    if not path.is_file():
        return []
    if path.suffix == ".parquet":
        frame = schema.STATS if path.stem == schema.STATS.name else schema.PREDICTIONS
        return _rounded("\n".join(map(str, store.read_frame(path, frame).rows())))
    return _rounded(path.read_text("utf-8", "replace"))


def _rounded(text: str) -> list[str]:
    """The lines of a text with the first six digits of its numbers."""
    return re.sub(r"\d+\.\d{7,}", lambda number: f"{float(number[0]):.6f}", text).split("\n")

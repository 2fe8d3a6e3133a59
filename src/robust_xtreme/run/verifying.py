"""Makes a finished run again from its spec, its data and its stored answers, and says where its files differ.

Without the models a function that is never called stands for each: so the run is planned, its noise drawn and its
stored answers scored. With them, some of the answers are asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch, MissingData, ModelError, NotInstalled, RobustXtremeError, shown
from robust_xtreme.core.examples import digest
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import schema, store
from robust_xtreme.files.manifest import FILES, IMPORTED, MANIFEST, PAGE, REPORT, read_manifest
from robust_xtreme.models.located import notes_of
from robust_xtreme.models.predictors.cache import read
from robust_xtreme.models.predictors.loaded import device_name, device_of
from robust_xtreme.models.predictors.predictor import Movable, Predicted, nowhere, predictor_of
from robust_xtreme.noise.user_packs import using
from robust_xtreme.report.document import finished, render
from robust_xtreme.report.samples.part import tokenizers_of
from robust_xtreme.report.samples.texts import spec_of
from robust_xtreme.report.view import Results
from robust_xtreme.run.finish import finish
from robust_xtreme.run.folder import RUN, Folder, difference
from robust_xtreme.run.manifest import new_manifest
from robust_xtreme.run.plan import OF_MODEL, Plan, make_plan, unasked
from robust_xtreme.run.prepare import Prepared, prepare
from robust_xtreme.run.run import answer_into
from robust_xtreme.run.scoring import PARTS, TaskRunRows, part_paths, score_examples, stage
from robust_xtreme.run.task_run import Splits, TaskRun, reading
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.sources.loading import Split

_READ: Final = ("tokens_clean", "tokens", "tokens_changed", "truncated", "unknown_clean", "unknown")
"""Columns of PREDICTIONS that a tokenizer gives."""

_CSV: Final = (schema.MODELS, schema.CONDITIONS, schema.SCORES, schema.DELTAS, schema.AVERAGES, schema.ATTACKS)
_FRAMES: Final = {
    **{f"{frame.name}.parquet": frame for frame in (schema.PREDICTIONS, schema.STATS)},
    **{f"{frame.name}.csv": frame for frame in _CSV},
}
_PLANNED: Final = (
    *("spec", "spec_hash", "packs", "suites", "language_models", "noise_sources", "suite", "tasks", "units"),
    *("commands", "not_run", "notes", "models", "overlap", "own_data"),
)
"""Parts of a manifest that follow from a plan, those without its models and paths first."""

_TARGETS: Final = {"tagging": "Tags", "span_qa": "Answers", "retrieval": "Document"}
_SUBWORDS: Final = r"<dt>subwords</dt><dd>.*?</dd>"
_AGAIN: Final = " again"
_NO_MODEL: Final = "It needs the model: --model NAME"
_LEAST: Final = 0.99
"""The share of equal answers, on another device or not in fp32, below which they are other answers."""


@final
@dataclass(frozen=True, slots=True)
class Check:
    """A check of a run: what `differs`, or why it is `unchecked`; neither where the run is as made again."""

    name: str
    differs: str = ""
    unchecked: str = ""


@final
@dataclass(frozen=True, slots=True)
class Verifying:
    """A finished run, other `data` than it names, and its models where they are at hand.

    Of each task run a `sample` of items is asked again, drawn by the `seed`.
    """

    path: Path
    data: str = ""
    model: tuple[str, ...] = ()
    device: str = "auto"
    sample: int = 500
    seed: int = 0

    def checks(self) -> Iterator[Check]:
        """Each check when it is made; none after the files where these differ. Raises MissingData, DataError."""
        manifest = {"notes": [], "not_run": [], **read_manifest(self.path / MANIFEST, "Ask for the run again.")}
        yield (files := _check("files", lambda: _files(self.path, manifest)))
        if files.differs:
            return
        results = replace(finished(self.path), manifest=manifest)
        yield _check(REPORT, lambda: _other_text(self.path / REPORT, render(self.path)))
        if IMPORTED in manifest:
            yield Check("plan", unchecked="The run was imported. Verify it where it was evaluated.")
            return
        spec = spec_of(self.path, manifest)
        spec = replace(spec, offline=True, data=self.data or spec.data, model=self.model or spec.model)
        plans: list[Plan] = []
        with using(*spec.packs), own_tasks(spec.data):
            yield (plan := _check("plan", lambda: self._planned(results, spec, plans)))
            if plans:
                yield from self._made(manifest, plans[0])
            else:
                yield Check("all else", unchecked=f"It needs the plan. {plan.differs or plan.unchecked}")

    def _planned(self, results: Results, spec: RunSpec, plans: list[Plan]) -> str:
        """What the manifest has otherwise than a plan, which is kept in `plans`, gives it."""
        manifest, is_bare = results.manifest, not self.model
        if is_bare and (open_ones := [each for each in spec.perturb if re.search("@(realised=tokens|similar)", each)]):
            raise ModelError(f"The noise {open_ones[0]} depends on the model. {_NO_MODEL}")
        plan = make_plan(*(unasked(spec, manifest) if is_bare else (spec, None)))
        plan = replace(plan, spec=spec, task_runs=tuple(_named(run, results, is_bare) for run in plan.task_runs))
        plans.append(plan)
        fresh = new_manifest(plan, "", 0, True)
        if is_bare:  # a function has other notes than the model
            notes = {*fresh["notes"]} - {note for run in plan.task_runs for note in notes_of(run.model)}
            manifest, fresh = ({**of, "notes": [it for it in of["notes"] if it in notes]} for of in (manifest, fresh))
        was, now = (_facts(side, bool(self.data)) for side in (manifest, fresh))
        skipped = (*(_PLANNED[-3:] if is_bare else ()), *(["commands"] if self.data or self.model else ()))
        other = [name for name in _PLANNED if name not in skipped and was.get(name) != now.get(name)]
        return difference(other[0], was.get(other[0]), now.get(other[0])) if other else ""

    def _made(self, manifest: Mapping[str, Any], plan: Plan) -> Iterator[Check]:
        """The checks of what is made again, in a folder that is removed after them."""
        with TemporaryDirectory() as name:
            made = Path(name)
            yield (again := _check("rows", lambda: self._again(Folder(made), manifest, plan)))
            if again.differs:
                return
            for name, frame in _FRAMES.items():
                if frame is schema.MODELS and not self.model:
                    yield Check(name, unchecked=_NO_MODEL)
                elif (made / name).exists() or (self.path / name).exists():
                    yield _check(name, partial(_other_file, self.path / name, made / name, frame))
            is_known = {*tokenizers_of(plan.spec, manifest)} >= {each["task"] for each in manifest["models"]}
            page = (made / PAGE).read_text("utf-8", "replace")
            yield _check(PAGE, lambda: _other_text(self.path / PAGE, page, "" if is_known else _SUBWORDS))
        yield _check("answers", lambda: self._answers(manifest, plan))

    def _again(self, made: Folder, manifest: Mapping[str, Any], plan: Plan) -> str:
        """Make the files of the run again, by its stored answers. Raises UserError where they are none of its tasks."""
        stored, digests = Folder(self.path), dict[str, str]()
        runs = tuple(run for run in plan.task_runs if stored.parts(run)[0].is_file())
        store.make_folder(made.path / PARTS)
        store.write(made.path / RUN, b"")
        for run in runs:
            rows = replayed(run, plan.splits.of(run), stored.read(run), not self.model)
            digests |= stage(made.path / PARTS, run, rows)
        finish(made, replace(plan, task_runs=runs), {**manifest, "parts": digests, "complete": False})
        return ""

    def _answers(self, manifest: Mapping[str, Any], plan: Plan) -> str:
        """The answers that the model does not give; on another device, or not in fp32, where they are too many."""
        if not self.model:
            raise ModelError(_NO_MODEL)
        device, key, runs = device_of(self.device), schema.PREDICTIONS.key, plan.task_runs
        kept = {run.key: self._sample(plan.splits.of(run)) for run in runs if not run.external}
        plan = replace(plan, splits=Splits(plan.spec, plan.splits.pools, kept))
        with TemporaryDirectory() as name:
            answer_into(Path(name), plan, device)
            made = pl.concat([store.read_frame(part_paths(Path(name), run)[0], schema.PREDICTIONS) for run in runs])
        stored = pl.concat([Folder(self.path).read(run).predictions for run in runs])
        stored = stored.join(made.select("example").unique(), on="example", how="semi")
        if plan.spec.precision == "fp32" and manifest.get("device") == device_name(device):
            return _other_rows(stored, made, schema.PREDICTIONS)
        both = stored.join(made, on=key)
        equal = both.select(pl.col("prediction").eq_missing("prediction_right").mean()).item() or 0.0
        return "" if equal >= _LEAST else f"{equal:.1%} of {both.height:,} answers are equal"

    def _sample(self, split: Split) -> Split:
        """The items of a split that are asked for again; all of one whose pairs are mined over all."""
        ids = sorted((example.id for example in split.examples), key=lambda id: digest(str(self.seed), id))
        kept = {*(ids if split.tuned else ids[: self.sample])}
        return replace(split, examples=tuple(example for example in split.examples if example.id in kept))


def _check(name: str, problem: Callable[[], str]) -> Check:
    try:
        return Check(name, problem())
    except (MissingData, ModelError, NotInstalled) as error:
        return Check(name, unchecked=str(error))
    except RobustXtremeError as error:
        return Check(name, str(error))


def _files(path: Path, manifest: Mapping[str, Any]) -> str:
    """The files that are not those of the manifest, which has all that a run writes."""
    known = {**manifest.get("files", {}), **{f"{PARTS}/{name}": it for name, it in manifest.get("parts", {}).items()}}
    names = dict.fromkeys((*FILES, *known))
    wrong = [name for name in names if not (path / name).is_file() or store.sha256(path / name) != known.get(name)]
    return f"{', '.join(wrong[:5])}: not as the manifest has it" if wrong else ""


def _named(run: TaskRun, results: Results, is_bare: bool) -> TaskRun:
    """A task run whose model has the name of the run's; without the model, with what the run's rows say of it."""
    known = (each for each in results.manifest["models"] if each["task"] == run.task.name)
    of = next(known, {"model": "", "identity": ""})
    model = replace(run.model, origin=replace(run.model.origin, called=str(of["model"]).rpartition("@")[0]))
    if not is_bare:
        return replace(run, model=model)
    scores = results.scores.filter(task=run.task.name, split=run.split, language=run.languages[0])
    overlap = "stamped" if scores.get_column("overlap").any() else ""
    setting, model = next(iter(scores.get_column("setting")), ""), replace(model, identity=str(of["identity"]))
    return replace(run, model=model, overlap=overlap, setting=setting)


def _facts(manifest: Mapping[str, Any], has_data: bool) -> dict[str, Any]:
    """What a plan gives of a manifest; files of other data have other names."""
    left = [cell for cell in manifest["not_run"] if cell["reason"] not in OF_MODEL]
    units = [{name: it for name, it in unit.items() if name != "files" or not has_data} for unit in manifest["units"]]
    return {**manifest, "not_run": left, "units": units}


def replayed(run: TaskRun, split: Split, stored: TaskRunRows, is_bare: bool) -> TaskRunRows:
    """The rows of a task run by its stored answers; under attacks, and where the model is needed, the stored ones."""
    asked = [condition.name for condition in run.conditions if condition.asks or condition.matches]
    drawn = replace(run, conditions=tuple(each for each in run.conditions if each.name not in asked), dims=())
    predictor = predictor_of(run.model, run.task, nowhere)
    predictor = reading(predictor.moved(nowhere) if isinstance(predictor, Movable) else predictor, run)
    prepared = prepare(drawn, split, predictor, deduplicate=False)
    names = stored.predictions.get_column("inference").unique() if is_bare else [run.inference + it for it in run.cuts]
    of_names = (replace(prepared, task_run=replace(drawn, inference=name)) for name in names)
    every = [_scored(each, stored.predictions, is_bare) for each in of_names]
    is_open, key = pl.col("condition").is_in(asked), schema.PREDICTIONS.key
    predictions = pl.concat([stored.predictions.filter(is_open), *(each.predictions for each in every)])
    if is_bare:
        known = stored.predictions.select(*key, *_READ)
        predictions = predictions.drop(_READ).join(known, on=key, how="left").select([*schema.PREDICTIONS.columns])
    is_open |= pl.col("metric") == "bitext_f1_retuned"
    stats = pl.concat([store.strings(each.stats) for each in every]).unique(schema.STATS.key).filter(~is_open)
    stats = pl.concat([stored.stats.filter(is_open), stats])
    return TaskRunRows(store.ordered(predictions, key), store.ordered(stats, schema.STATS.key), stored.attacked)


def _scored(prepared: Prepared, stored: pl.DataFrame, is_bare: bool) -> TaskRunRows:
    """The rows of a task run by its stored answers. Raises Mismatch where they are not those of its kind."""
    run, inputs = prepared.task_run, prepared.inputs
    asked = [(of.condition.name, of.seed, each.id) for of in prepared.variants for each in prepared.examples]
    named = stored.filter(inference=run.inference).select("condition", "noise_seed", "example", "prediction", "status")
    known = {row[:3]: row[3:] for row in named.iter_rows()}
    answers, statuses = zip(*(known.get(each, (None, "failed")) for each in asked), strict=True)
    kind = _TARGETS.get(run.task.family, "Choice")
    nothing = "0" if kind == "Choice" else "[]"
    sound, targets = read([f'{{"{kind}": {nothing if each is None else each}}}'.encode() for each in answers])
    if len(sound) < len(asked):
        raise Mismatch(f"{run.label} has an answer that is none of its kind.")
    if is_bare:
        lost = np.zeros(len(inputs.contents), np.bool_)
        lost[inputs.content[np.array(statuses) == "truncated_gold"]] = True
        inputs = replace(inputs, lost=lost)
    finite = np.array([each is not None for each in answers])
    return score_examples(replace(prepared, inputs=inputs), Predicted(targets, finite, targets))


def _other_file(path: Path, made: Path, frame: schema.Frame) -> str:
    if path.is_file() and made.is_file() and store.sha256(path) == store.sha256(made):
        return ""
    return _other_rows(store.read_frame(path, frame), store.read_frame(made, frame), frame)


def _other_rows(stored: pl.DataFrame, made: pl.DataFrame, frame: schema.Frame) -> str:
    """The first row that differs, by its key; numbers may differ by 1e-6."""
    key, names = frame.key, ["there", *(name for name in frame.columns if name not in frame.key)]
    both = stored.with_columns(there=True).join(
        made.with_columns(there=True), on=key, how="full", coalesce=True, suffix=_AGAIN, maintain_order="left_right"
    )
    wrong = {name: _is_other(name, both.schema[name]) for name in names}
    rows = both.filter(pl.any_horizontal(*wrong.values())).head(1)
    if rows.is_empty():
        return ""
    at = " ".join(str(rows.item(0, each)) for each in key if each not in ("model", "data", "setting", "inference"))
    name = next(name for name, other in wrong.items() if rows.select(other).item())
    has, again = (rows.item(0, f"{name}{suffix}") for suffix in ("", _AGAIN))
    if name == "there":
        return f"{at}: {'a row that nothing gives' if has else 'a row is missing'}"
    return f"{at}: {name} is {shown(has)}, made again {shown(again)}"


def _is_other(name: str, dtype: pl.DataType) -> pl.Expr:
    here, again = pl.col(name), pl.col(f"{name}{_AGAIN}")
    other = here.ne_missing(again)
    return other & ((here - again).abs() > 1e-6).fill_null(True) if dtype == pl.Float64 else other


def _other_text(path: Path, made: str, ignored: str = "") -> str:
    """Where a document is another text than its frames give, without what is ignored."""
    texts = [path.read_text("utf-8", "replace"), made]
    was, now = (re.sub(ignored, "", text, flags=re.DOTALL) if ignored else text for text in texts)
    at = next(
        (at for at, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), min(len(was), len(now))
    )
    return f"it has {shown(was[at:][:60])} where its frames give {shown(now[at:][:60])}" if was != now else ""

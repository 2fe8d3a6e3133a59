"""Finishes a run: merges its parts, scores and compares them, writes the report."""

import json
from collections.abc import Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import torch

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.sinks import json_text
from robust_xtreme.files import schema, store
from robust_xtreme.files.manifest import BESIDES, PAGE, REPORT
from robust_xtreme.models.config import base_kind
from robust_xtreme.models.folder import Located
from robust_xtreme.models.stages import model_facts, stage_flags
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.report.outputs import Added, written
from robust_xtreme.report.samples.choosing import PREDICTED, SampleRows, attacked_of
from robust_xtreme.report.samples.part import ShownRun, samples_part_of
from robust_xtreme.report.view import Results
from robust_xtreme.run.external import conditions_of
from robust_xtreme.run.folder import DIGESTS, FILES, Folder
from robust_xtreme.run.plan import Plan
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.run.vectors import text_vectors
from robust_xtreme.stats.averages import Facts, MeasuredPart, Stored, averaged, measured
from robust_xtreme.stats.benchmark import Task, clean_split, tasks_of
from robust_xtreme.stats.calibration import calibration
from robust_xtreme.stats.intervals import CPU, ArrayBackend
from robust_xtreme.stats.score import attacks_of
from robust_xtreme.tasks.noisy.measured import condition_row


def finish(
    folder: Folder, plan: Plan, manifest: Mapping[str, Any], known: Mapping[Stored, MeasuredPart] = MappingProxyType({})
) -> dict[str, Any]:
    """Write the frames, by what is `known`, the report and the finished manifest. Raises DiskError, Mismatch."""
    for task_run in plan.task_runs:
        if folder.changed(task_run, manifest["parts"]):
            what = f"the files of {task_run.label} changed after they were written"
            raise DataError(folder.path, f"{what}. The same command computes them again.")
    with Drawing() as draws, ThreadPoolExecutor(1) as beside:
        if any(len(task_run.conditions) > 1 for task_run in plan.task_runs):
            draws.start()  # while the run is measured
        results, rows, merging = _frames(folder, plan, manifest, known, beside)
        kept = {  # the examples that are in memory, where the head has all labels: others have changed tags
            task_run.key: split
            for task_run in plan.task_runs
            if not task_run.unsupported and (split := plan.splits.kept_of(task_run))
        }
        examples = (*samples_part_of(results, [ShownRun(rows, plan.spec, results.manifest, kept=kept)]),)
        merging.result()
        there = zip(BESIDES, (results.attacks, results.calibration), strict=True)
        names = (*FILES, *(name for name, frame in there if frame.height))
        digests = {name: store.sha256(folder.path / name) for name in names if name not in (REPORT, PAGE)}
        finished = {**results.manifest, DIGESTS: digests, "complete": True}
        folder.write_manifest(finished)  # what ends the process from here on takes nothing that was computed
        for name in (REPORT, PAGE):
            content = written(results, Path(name).suffix, added=Added(examples=examples, draws=draws))
            folder.journal.write(folder.path / name, content)
    if draws.lost:
        folder.tell(f"warning: {draws.lost}")
    drawn = (REPORT,) if draws.lost else (REPORT, PAGE)  # the same command writes a page without a digest again
    finished[DIGESTS] = {**digests, **{name: store.sha256(folder.path / name) for name in drawn}}
    folder.write_manifest(finished)
    return finished


def _frames(
    folder: Folder, plan: Plan, manifest: Mapping[str, Any], known: Mapping[Stored, MeasuredPart], beside: Executor
) -> tuple[Results, SampleRows, Future[None]]:
    """Write the frames; return them with the new manifest, the rows that examples are chosen of, and STATS' write."""
    stored = [stored_of(folder, task_run) for task_run in plan.task_runs]
    task_facts, asked = tasks_of(manifest["tasks"]), manifest["spec"]["tasks"]
    predictions = beside.submit(folder.merge, PREDICTED, [parts.predictions for parts in stored], schema.PREDICTIONS)
    stats = beside.submit(folder.merge, "stats.parquet", [parts.stats for parts in stored], schema.STATS)
    made = measured(stored, facts_of(plan, task_facts), backend_of(str(manifest["device"])), known)
    predictions.result()
    folder.write_frame("models.csv", models(plan), schema.MODELS)
    by_name = {condition.name: condition for task_run in plan.task_runs for condition in task_run.conditions}
    given = conditions_of(plan.task_runs)
    described = [condition_row(each) | given.get(name, {}) for name, each in sorted(by_name.items())]
    noised = schema.build(described, schema.CONDITIONS)
    folder.write_frame("conditions.csv", noised, schema.CONDITIONS)
    attacked = attacked_of(folder.path, manifest)
    of_parts = tuple(store.scan(parts.stats) for parts in stored)
    rows = SampleRows(store.scan(folder.path / PREDICTED), of_parts, attacked, divided=True)
    failed = failed_cells(rows.predictions)
    left_out = [cell for cell in manifest["not_run"] if cell["reason"] != schema.FAILED]
    manifest = {**manifest, "not_run": [*left_out, *failed]}
    folder.write_frame("scores.csv", made.scores, schema.SCORES)
    folder.write_frame("deltas.csv", made.deltas, schema.DELTAS)
    absent = [
        cell
        for cell in manifest["not_run"]
        if cell.get("language") and (cell.get("condition") or cell["reason"] in (schema.FAILED, schema.UNREADABLE))
    ]
    averages = averaged(made.levels, made.drops, task_facts, asked, manifest.get("suite", ""), absent)
    folder.write_frame("averages.csv", averages, schema.AVERAGES)
    attacks = attacks_of(
        (items, store.scan(stored_of(folder, task_run).stats).filter(metric=task_run.task.metrics[0]))
        for task_run in plan.task_runs
        for items in folder.attacked(task_run)
    )
    scored = calibration(rows.predictions) if plan.spec.scores else schema.empty(schema.CALIBRATION)
    kinds = (schema.ATTACKS, schema.CALIBRATION)
    for name, frame, kind in zip(BESIDES, (attacks, scored), kinds, strict=True):
        if frame.height:
            folder.write_frame(name, frame, kind)
    return Results(made.scores, made.deltas, manifest, averages, noised, attacks, scored), rows, stats


def stored_of(folder: Folder, task_run: TaskRun) -> Stored:
    """The files of a task run that are measured."""
    return Stored(*folder.parts(task_run)[:2])


def facts_of(plan: Plan, tasks: Mapping[str, Task]) -> Facts:
    """What is known of a run that is measured."""
    headlines = {task.name: task.metrics[0] for task in plan.tasks}
    stamped = {
        (task_run.model.name, task_run.task.name, task_run.split, task_run.language)
        for task_run in plan.task_runs
        if task_run.overlap
    }
    return Facts(headlines, tasks, stamped)


def backend_of(device: str) -> ArrayBackend:
    """Array code on the CPU by numpy, on CUDA by torch, where this machine, which may not compute itself, has it."""
    if not device.startswith("cuda") or not torch.cuda.is_available():
        return CPU
    return ArrayBackend(torch, lambda array: torch.from_numpy(array).to("cuda"), lambda tensor: tensor.cpu().numpy())


def failed_cells(predictions: pl.LazyFrame) -> list[dict[str, str]]:
    """The cells whose model gave scores that are not finite, in order."""
    cell = ["task", "language", "split", "condition"]
    lost = predictions.filter(pl.col("status") == "failed").select(cell).unique().collect(engine="streaming").sort(cell)
    detail = "The model's scores are NaN, infinite or too large to be compared (above 9e11)."
    return [{**row, "reason": schema.FAILED, "detail": detail} for row in lost.iter_rows(named=True)]


def models(plan: Plan) -> pl.DataFrame:
    """One row per model of the run."""
    located: dict[str, Located] = {task_run.model.name: task_run.model for task_run in plan.task_runs}
    vectors = text_vectors(plan.task_runs, plan.spec.representation)
    described = {
        name: json_text({task: asdict(vector) for task, vector in by_task.items()}) for name, by_task in vectors.items()
    }
    rows = [_model(model, plan) | {"vectors": described.get(name)} for name, model in sorted(located.items())]
    return schema.build(rows, schema.MODELS)


def _model(model: Located, plan: Plan) -> dict[str, Any]:
    overlapping = [run for run in plan.task_runs if run.overlap and run.model.name == model.name]
    evaluated = [f"{run.task.name}/{clean_split(run.split)}/{run.language}" for run in overlapping]
    flags = list(dict.fromkeys([*evaluated, *stage_flags(model.origin)]))
    return {
        "model": model.name,
        "identity": model.identity,
        "revision": model.origin.revision or None,
        "base_kind": base_kind(model.config),
        "params": model.params,
        "params_nonembedding": model.params_nonembedding,
        "overlap_flags": json.dumps(flags) if flags else None,
        **model_facts(model.origin, model.heads, model.config),
    }

"""`train`: the target stage of a run, written when it is complete."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from safetensors.torch import save_file
from torch import nn

from robust_xtreme import registry
from robust_xtreme.errors import MissingData
from robust_xtreme.examples import Choice, Example, digest
from robust_xtreme.families._encoder import encoder_identity, read_encoder, read_tokenizer
from robust_xtreme.families._family import Family
from robust_xtreme.families._overlap import HASHES, keys, kind
from robust_xtreme.results import store
from robust_xtreme.sources import _load, _select
from robust_xtreme.sources._source import Source, open_source
from robust_xtreme.specs import TaskSpec
from robust_xtreme.training import overlap, record, resume
from robust_xtreme.training.data import Plan
from robust_xtreme.training.dev import dev_score
from robust_xtreme.training.device import own_random, place
from robust_xtreme.training.encoder import (
    WRITE_ERRORS,
    disk_error,
    encoder_folder,
    replace_folder,
    write_model,
)
from robust_xtreme.training.loop import Options, Stage, Tell, run_loop
from robust_xtreme.training.module import Schedule
from robust_xtreme.training.objective import target_objective
from robust_xtreme.training.pretrain import pretrained
from robust_xtreme.training.spec import TrainSpec, identity_fields

KIND: Final = "target"
_WARMUP_SHARE: Final = 10


def train(spec: TrainSpec, options: Options | None = None) -> Path:
    """Train one task; return the run's folder.

    The same spec goes on where it stopped, and a complete run is left as it is. Raises SpecError, UnknownName,
    MissingData, DataError, ModelError, Overlap, Mismatch, Locked, DiskError.
    """
    options = options or Options()
    spec = spec.resolved()
    place(spec.device)
    data = _training_data(spec, options.tell)
    parent = pretrained(spec, options) if spec.scratch else Path(spec.encoder)
    source = encoder_folder(parent)
    run = spec.folder
    with store.lock(run):
        record.sweep(run)
        start = encoder_identity(source)
        record.claim(run, _identity(spec, data.identity, start), identity_fields(spec), force=options.force)
        stages = record.inherit(parent, run)
        path = record.stage_path(run, stages, KIND)
        if path.is_file():
            options.tell(f"{run} is complete. Train again with --force, or elsewhere with --out.")
        else:
            _target_stage(_Job(spec, spec.target(), data, source, start, run, path), options)
    return run


# ---------------------------------------------------------------------------------------------------------------- data


@final
@dataclass(frozen=True, slots=True)
class _Data:
    """The examples to train on after the overlap rule, and what the rule did."""

    examples: tuple[Example, ...]
    identity: str
    screened: overlap.Screened
    reported: tuple[str, ...]


def _training_data(spec: TrainSpec, tell: Tell) -> _Data:
    task, source = spec.target(), open_source(spec.data, offline=spec.offline)
    examples = _labelled(task, source)
    if spec.limit:
        examples = _select.limit(examples, spec.limit)
    tasks = overlap.reported_tasks(spec.reported, source)
    screened = overlap.screen(examples, overlap.evaluated(tasks, source, kind(task)), allow=spec.allow_overlap)
    _tell_overlap(screened, len(examples), tell)
    kept = screened.examples
    if not kept:
        raise MissingData(f"No training example of {task.name} is left: the evaluated splits contain all of them.")
    return _Data(kept, _select.data_identity(kept), screened, tuple(one.name for one in tasks))


def _labelled(task: TaskSpec, source: Source) -> tuple[Example, ...]:
    found: list[Example] = []
    for language in task.train_languages:
        found += _load.load(task, source, language, "train").examples
    labelled = tuple(one for one in found if not (isinstance(one.target, Choice) and one.target.index < 0))
    if not labelled:
        raise MissingData(f"The training data of {task.name} under {source} hold no labels.")
    return labelled


def _tell_overlap(screened: overlap.Screened, before: int, tell: Tell) -> None:
    gone = before - len(screened.examples)
    if gone:
        tell(f"left out {gone} of {before} training examples that evaluated splits contain too")
    for name, count in screened.allowed.items():
        tell(f"overlap allowed: {count} passages, pairs or sentences of {name} are in the training data")


def _identity(spec: TrainSpec, *contents: str) -> str:
    fields = identity_fields(spec)
    return digest(*(f"{key}={fields[key]!r}" for key in sorted(fields)), *contents)


# -------------------------------------------------------------------------------------------------------------- target


@final
@dataclass(frozen=True, slots=True)
class _Job:
    """A target stage: the resolved spec, its task and data, the encoder it starts from, and where it is written."""

    spec: TrainSpec
    task: TaskSpec
    data: _Data
    source: Path
    start: str
    run: Path
    path: Path


def _target_stage(job: _Job, options: Options) -> None:
    spec, task = job.spec, job.task
    family: Family = registry.load("family", task.family)
    encoder, tokenizer = read_encoder(job.source), read_tokenizer(job.source)
    head = _new_head(family, int(encoder.config.hidden_size), task, spec.seed)
    windows = family.encode(job.data.examples, tokenizer, task.max_length, task.stride)
    plan = _plan(spec, tuple(len(window.input_ids) for window in windows))
    objective = target_objective(family, head, windows, job.data.examples, task.labels)
    score = dev_score(task, open_source(spec.data, offline=spec.offline), encoder, head, tokenizer)
    pad_id = int(tokenizer.pad_token_id)
    options.tell(f"{task.name}: {len(job.data.examples):,} examples, {plan.steps:,} steps of {plan.batch_size}")
    stage = Stage(KIND, job.run, encoder, objective, plan, _schedule(spec, plan), pad_id, place(spec.device), score)
    run_loop(stage, options)
    _write(job, plan, encoder, head, tokenizer)


def _new_head(family: Family, hidden_size: int, task: TaskSpec, seed: int) -> nn.Module:
    with own_random(seed):
        return family.head(hidden_size, task.labels)


def _plan(spec: TrainSpec, lengths: tuple[int, ...]) -> Plan:
    once = Plan(lengths, spec.batch_size, spec.seed, 0)
    return Plan(lengths, spec.batch_size, spec.seed, spec.steps or spec.epochs * once.epoch_steps)


def _schedule(spec: TrainSpec, plan: Plan) -> Schedule:
    recipe = spec.defaults()
    return Schedule(spec.lr, plan.steps, min(recipe.warmup, plan.steps // _WARMUP_SHARE), recipe.weight_decay)


def _write(job: _Job, plan: Plan, encoder: Any, head: nn.Module, tokenizer: Any) -> None:
    """Model, head, hashes, and last the stage's record, which says that all of them are there."""
    write_model(job.run / "model", encoder, tokenizer)
    _write_head(job, head)
    store.make_folder(job.path.parent)
    found = sorted(frozenset[str]().union(*map(keys, job.data.examples)))
    store.write_text(job.path.with_suffix(HASHES), "".join(f"{key}\n" for key in found))
    record.write_stage(job.path, _record(job, plan))
    resume.clear(job.run)


def _write_head(job: _Job, head: nn.Module) -> None:
    tmp = job.run / f".heads.{os.getpid()}.tmp"
    facts = {
        "task": job.task.name,
        "family": job.task.family,
        "labels": list(job.task.labels),
        "encoder": encoder_identity(job.run / "model"),
    }
    try:
        shutil.rmtree(tmp, ignore_errors=True)
        tmp.mkdir()
        save_file(
            {name: one.contiguous() for name, one in head.state_dict().items()}, tmp / f"{job.task.name}.safetensors"
        )
        store.write_json(tmp / f"{job.task.name}.json", facts)
        replace_folder(tmp, job.run / "heads")
    except WRITE_ERRORS as error:
        shutil.rmtree(tmp, ignore_errors=True)
        raise disk_error(job.run / "heads", error) from error


def _record(job: _Job, plan: Plan) -> record.StageRecord:
    spec = job.spec
    return record.StageRecord(
        kind=KIND,
        recipe=spec.recipe,
        task=job.task.name,
        languages=job.task.train_languages,
        examples=len(job.data.examples),
        seen=plan.seen(),
        steps=plan.steps,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        lr=spec.lr,
        seed=spec.seed,
        data=job.data.identity,
        parent=job.start,
        max_length=job.task.max_length,
        stride=job.task.stride,
        dropped=job.data.screened.dropped,
        allowed=job.data.screened.allowed,
        reported=job.data.reported,
    )

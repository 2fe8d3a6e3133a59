"""`train`: the target stage of a run, written when it is complete."""

from __future__ import annotations

import math
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, final

from safetensors.torch import save_file
from torch import nn

from robust_xtreme import registry
from robust_xtreme.errors import MissingData
from robust_xtreme.examples import Choice, Example, digest
from robust_xtreme.families._encoder import encoder_identity, read_encoder, read_tokenizer
from robust_xtreme.families._family import Family, windows_of
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
from robust_xtreme.training.objective import Objective, joint_objective, target_objective
from robust_xtreme.training.pretrain import pretrained
from robust_xtreme.training.spec import TrainSpec, identity_fields

KIND: Final = "target"
_WARMUP_SHARE: Final = 10


def train(spec: TrainSpec, options: Options | None = None) -> Path:
    """Train the spec's tasks; return the run's folder.

    The same spec goes on where it stopped, and a complete run is left as it is. Raises SpecError, UnknownName,
    MissingData, DataError, ModelError, Overlap, Mismatch, Locked, DiskError.
    """
    options = options or Options()
    spec = spec.resolved()
    place(spec.device)
    lessons = _lessons(spec, options.tell)
    parent = pretrained(spec, options) if spec.scratch else Path(spec.encoder)
    source = encoder_folder(parent)
    run = spec.folder
    with store.lock(run):
        record.sweep(run)
        start = encoder_identity(source)
        identity = _identity(spec, *(one.identity for one in lessons), start)
        record.claim(run, identity, identity_fields(spec), force=options.force)
        stages = record.inherit(parent, run)
        path = record.stage_path(run, stages, KIND)
        if path.is_file():
            options.tell(f"{run} is complete. Train again with --force, or elsewhere with --out.")
        else:
            _target_stage(_Job(spec, lessons, source, start, run, path), options)
    return run


# ---------------------------------------------------------------------------------------------------------------- data


@final
@dataclass(frozen=True, slots=True)
class _Lesson:
    """A task and its examples to train on after the overlap rule, what the rule did, and the tasks that it guards."""

    task: TaskSpec
    examples: tuple[Example, ...]
    identity: str
    screened: overlap.Screened
    reported: tuple[str, ...]


def _lessons(spec: TrainSpec, tell: Tell) -> tuple[_Lesson, ...]:
    source = open_source(spec.data, offline=spec.offline)
    reported = overlap.reported_tasks(spec.reported, source)
    return tuple(_lesson(spec, task, source, reported, tell) for task in spec.targets())


def _lesson(spec: TrainSpec, task: TaskSpec, source: Source, reported: tuple[TaskSpec, ...], tell: Tell) -> _Lesson:
    examples = _labelled(task, source)
    if spec.limit:
        examples = _select.limit(examples, spec.limit)
    screened = overlap.screen(examples, overlap.evaluated(reported, source, kind(task)), allow=spec.allow_overlap)
    _tell_overlap(screened, len(examples), tell)
    kept = screened.examples
    if not kept:
        raise MissingData(f"No training example of {task.name} is left: the evaluated splits contain all of them.")
    return _Lesson(task, kept, _select.data_identity(kept), screened, tuple(one.name for one in reported))


def _labelled(task: TaskSpec, source: Source) -> tuple[Example, ...]:
    if not task.train_languages:
        heads = " or ".join(one for one in task.accepts if one != task.name)
        raise MissingData(f"{task.name} has no training data: a head of {heads} answers it. Train with --task {heads}")
    splits = [_load.load(task, source, language, "train") for language in task.train_languages]
    found = [one for split in splits for one in split.examples]
    labelled = tuple(one for one in found if not (isinstance(one.target, Choice) and one.target.index < 0))
    unsaid = task.family in ("tagging", "retrieval") and not any(one.labelled for one in splits)
    if not labelled or unsaid:
        raise MissingData(f"The training data of {task.name} under {source} hold {splits[0].lack}.")
    return labelled


def _tell_overlap(screened: overlap.Screened, before: int, tell: Tell) -> None:
    gone = before - len(screened.examples)
    if gone:
        tell(f"left out {gone} of {before} training examples that evaluated splits contain too")
    for name, count in screened.allowed.items():
        tell(f"overlap allowed: {count} passages, pairs, sentences or queries of {name} are in the training data")


def _identity(spec: TrainSpec, *contents: str) -> str:
    fields = identity_fields(spec)
    return digest(*(f"{key}={fields[key]!r}" for key in sorted(fields)), *contents)


# -------------------------------------------------------------------------------------------------------------- target


@final
@dataclass(frozen=True, slots=True)
class _Job:
    """A target stage: the resolved spec, its tasks and data, the encoder it starts from, and where it is written."""

    spec: TrainSpec
    lessons: tuple[_Lesson, ...]
    source: Path
    start: str
    run: Path
    path: Path


def _target_stage(job: _Job, options: Options) -> None:
    spec = job.spec
    encoder, tokenizer = read_encoder(job.source), read_tokenizer(job.source)
    objectives = [_objective(one, int(encoder.config.hidden_size), tokenizer, spec.seed) for one in job.lessons]
    plan = _plan(spec, objectives)
    score = _score(job, encoder, objectives, tokenizer)
    pad_id = int(tokenizer.pad_token_id)
    counts = ", ".join(f"{one.task.name}: {len(one.examples):,} examples" for one in job.lessons)
    options.tell(f"{counts}, {plan.steps:,} steps of {plan.batch_size}")
    objective, schedule = joint_objective(objectives), _schedule(spec, plan)
    run_loop(Stage(KIND, job.run, encoder, objective, plan, schedule, pad_id, place(spec.device), score), options)
    _write(job, plan, encoder, [one.head for one in objectives], tokenizer)


def _objective(lesson: _Lesson, hidden_size: int, tokenizer: Any, seed: int) -> Objective:
    task = lesson.task
    family: Family = registry.load("family", task.family)
    with own_random(seed):
        head = family.head(hidden_size, task.labels)
    windows = windows_of(family, task, lesson.examples, tokenizer)
    return target_objective(family, head, windows, lesson.examples, task.labels)


def _plan(spec: TrainSpec, objectives: Sequence[Objective]) -> Plan:
    lengths = tuple(length for one in objectives for length in one.lengths)
    starts = (0, *accumulate(len(one.units) for one in objectives[:-1]))
    once = Plan(lengths, spec.batch_size, spec.seed, 0, starts)
    return replace(once, steps=spec.steps or spec.epochs * once.epoch_steps)


def _schedule(spec: TrainSpec, plan: Plan) -> Schedule:
    recipe = spec.defaults()
    return Schedule(spec.lr, plan.steps, min(recipe.warmup, plan.steps // _WARMUP_SHARE), recipe.weight_decay)


def _score(job: _Job, encoder: Any, objectives: Sequence[Objective], tokenizer: Any) -> Callable[[], float] | None:
    """The mean over the tasks that have validation examples; None where none has."""
    source = open_source(job.spec.data, offline=job.spec.offline)
    pairs = zip(job.lessons, objectives, strict=True)
    found = [dev_score(one.task, source, encoder, objective.head, tokenizer) for one, objective in pairs]
    scores = [score for score in found if score]
    return (lambda: math.fsum(score() for score in scores) / len(scores)) if scores else None


def _write(job: _Job, plan: Plan, encoder: Any, heads: Sequence[nn.Module], tokenizer: Any) -> None:
    """Model, heads, hashes, and last the stage's record, which says that all of them are there."""
    write_model(job.run / "model", encoder, tokenizer)
    _write_heads(job, heads)
    store.make_folder(job.path.parent)
    found = sorted(frozenset[str]().union(*(keys(one) for lesson in job.lessons for one in lesson.examples)))
    store.write_text(job.path.with_suffix(HASHES), "".join(f"{key}\n" for key in found))
    record.write_stage(job.path, _record(job, plan))
    resume.clear(job.run)


def _write_heads(job: _Job, heads: Sequence[nn.Module]) -> None:
    tmp = job.run / f".heads.{os.getpid()}.tmp"
    try:
        shutil.rmtree(tmp, ignore_errors=True)
        tmp.mkdir()
        for lesson, head in zip(job.lessons, heads, strict=True):
            _write_head(tmp, lesson.task, head, encoder_identity(job.run / "model"))
        replace_folder(tmp, job.run / "heads")
    except WRITE_ERRORS as error:
        shutil.rmtree(tmp, ignore_errors=True)
        raise disk_error(job.run / "heads", error) from error


def _write_head(folder: Path, task: TaskSpec, head: nn.Module, encoder: str) -> None:
    facts = {"task": task.name, "family": task.family, "labels": list(task.labels), "encoder": encoder}
    save_file({name: one.contiguous() for name, one in head.state_dict().items()}, folder / f"{task.name}.safetensors")
    store.write_json(folder / f"{task.name}.json", facts)


def _record(job: _Job, plan: Plan) -> record.StageRecord:
    spec, lessons = job.spec, job.lessons
    data = [one.identity for one in lessons]
    return record.StageRecord(
        kind=KIND,
        recipe=spec.recipe,
        task=",".join(spec.names),
        languages=tuple(dict.fromkeys(code for one in lessons for code in one.task.train_languages)),
        examples=sum(len(one.examples) for one in lessons),
        seen=plan.seen(),
        steps=plan.steps,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        lr=spec.lr,
        seed=spec.seed,
        data=data[0] if len(data) == 1 else digest(*data),
        parent=job.start,
        max_length=max(one.task.max_length for one in lessons),
        stride=max(one.task.stride for one in lessons),
        dropped=_summed(one.screened.dropped for one in lessons),
        allowed=_summed(one.screened.allowed for one in lessons),
        reported=lessons[0].reported,
    )


def _summed(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in several:
        found.update(one)
    return dict(found)

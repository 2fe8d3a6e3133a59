"""Answers task runs, which workers compute: gives them what they need, and scores of their inputs. Knows no manifest.

A worker is a thread or another process. This thread alone has the weights: it answers the workers one after another.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NoReturn

import numpy as np
import torch

from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import NotFinite, RobustXtremeError
from robust_xtreme.models.loading import Models
from robust_xtreme.models.predictors.cache import settings
from robust_xtreme.models.predictors.loaded import Loaded
from robust_xtreme.models.predictors.predictor import Movable, nowhere, predictor_of
from robust_xtreme.models.retrieval.search import search
from robust_xtreme.models.tensors import out_of_memory
from robust_xtreme.run import requests
from robust_xtreme.run.computing import Setting, StagedTaskRun, TaskRunJob, in_process, in_thread
from robust_xtreme.run.task_run import Splits, TaskRun
from robust_xtreme.workers.channel import Sealed
from robust_xtreme.workers.messages import WorkerJob
from robust_xtreme.workers.processes import Started
from robust_xtreme.workers.supervisor import pool

_SMALL: Final = 1_000_000
"""Parameters without embeddings below which one thread computes a model faster than several."""

WORKERS: Final = 2
"""Task runs that a process computes at once: one of them waits for its scores."""


@dataclass(frozen=True, slots=True)
class Events:
    """What is reported while task runs are answered: the current one, predictions made, and task runs that are done.

    `advance` gets the task run, where it is known, and the number of predictions, below 0 where some are made again,
    `halved` the label of the task run from which on batches have half as many tokens; `warned` gets warnings.
    """

    task_run: Callable[[str], None]
    advance: Callable[[TaskRun | None, int], None]
    halved: Callable[[str], None]
    done: Callable[[TaskRun, StagedTaskRun], None]
    warned: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Device:
    """What computes: the kind of device and its name, and the number of worker processes beside it."""

    kind: str
    name: str
    workers: int = 0


@dataclass(slots=True)  # counts
class _Scaled:
    """Progress in predictions from progress in distinct inputs."""

    report: Callable[[int], None]
    each: float
    inputs: int = 0
    reported: int = 0

    def advance(self, inputs: int) -> None:
        """Report so many more inputs."""
        self.inputs += inputs
        reached = round(self.inputs * self.each)
        self.report(reached - self.reported)
        self.reported = reached


@dataclass(slots=True)  # its batches can be halved
class Answering:
    """Answers task runs. `tokens` are those of a batch, which are halved once where memory runs out.

    `started` are worker processes that wait.
    """

    splits: Splits
    models: Models
    device: Device
    setting: Setting
    events: Events
    tokens: int
    halved: bool = False
    started: list[Started] = field(default_factory=list)
    taken: list[TaskRun] = field(default_factory=list)
    progress: dict[int, _Scaled] = field(default_factory=dict)
    predictors: dict[str, Sealed] = field(default_factory=dict)

    def answer_all(self, todo: Iterable[TaskRun]) -> None:
        """Answer each task run. The next is taken only when a worker is free for it."""
        self.taken, self.progress = [], {}
        here = partial(in_thread, self.setting, self.splits, packs.share(), registry.share())
        elsewhere = partial(in_process, self.setting, self.splits.spec)
        with pool(here, elsewhere, self._jobs(todo), self, self.device.workers, WORKERS, self.started) as working:
            for _, job, done in working.results():
                self.events.done(self.taken[job.number], done)

    def _jobs(self, todo: Iterable[TaskRun]) -> Iterator[WorkerJob]:
        for number, task_run in enumerate(todo):
            self.taken.append(task_run)
            try:
                predictor = self._predictor(task_run)
            except Exception as error:  # noqa: BLE001 - it is raised when the task runs before this one are done
                yield WorkerJob(number, task_run.label, partial(_raised, error))
            else:
                can_move = isinstance(predictor.value, Movable) and predictor.value.can_move
                given = partial(self._given, task_run, predictor)
                yield WorkerJob(number, task_run.label, given, here=not can_move)

    def _predictor(self, task_run: TaskRun) -> Sealed:
        """The predictor of a task, where it can be without weights; the task runs of a task follow each other."""
        model, task = task_run.model, task_run.task
        if task.name not in self.predictors:
            predictor = predictor_of(model, task, partial(self.models.load, model, task))
            moved = predictor.moved(nowhere) if isinstance(predictor, Movable) else predictor
            self.predictors = {task.name: Sealed(moved)}
        return self.predictors[task.name]

    def _given(self, task_run: TaskRun, predictor: Sealed) -> TaskRunJob:
        named = settings(task_run.model, task_run.task, task_run.inference, self.device.name)
        return TaskRunJob(task_run, self.splits.kept_of(task_run), predictor, self.tokens, named)

    def note(self, _: int, job: int, note: object) -> None:
        """Report the progress of a task run, and warnings."""
        task_run = self.taken[job]
        match note:
            case requests.Counted(inputs):
                each = task_run.predictions / max(1, inputs)
                self.progress[job] = _Scaled(partial(self.events.advance, task_run), each)
            case requests.Advanced(inputs):
                self._advance(job, inputs)
            case requests.Watched(line):
                self.events.task_run(f"{task_run.label}: {line}")
            case requests.Warned(line):
                self.events.warned(line)

    def _advance(self, job: int, inputs: int) -> None:
        """Report answers to inputs of a task run; those to conditions come before they are counted."""
        if job in self.progress:
            self.progress[job].advance(inputs)

    def lost(self, _: int, what: str, again: Sequence[WorkerJob]) -> None:
        """Report that task runs are computed again, and take their progress back."""
        for job in again:
            if scaled := self.progress.pop(job.number, None):
                scaled.report(-scaled.reported)
            self.events.warned(f"{what}; {job.label} is computed again")

    def answer(self, job: int, request: object) -> object:
        """The reply to a worker: SmallerBatches where memory has run out, RefusedVectors where a condition fails."""
        task_run = self.taken[job]
        self.events.task_run(task_run.label)
        try:
            with threads(self.device.kind, task_run.params):
                return self._answer(job, task_run, request)
        except NotFinite as error:
            return requests.RefusedVectors(str(error))
        except Exception as error:
            if not out_of_memory(error):
                raise
            self._halve(task_run, error)
        if self.device.kind == "cuda":
            torch.cuda.empty_cache()
        return requests.SmallerBatches(self.tokens)

    def _answer(self, job: int, task_run: TaskRun, request: object) -> object:
        if isinstance(request, requests.Call):
            return request.function(self.tokens)
        if isinstance(request, requests.Nearest) and task_run.model.origin.function:
            return search(request.queries.astype(np.float32), request.candidates, request.k, device=self.device.kind)
        weights = Loaded(self.models.load(task_run.model, task_run.task))
        match request:
            case requests.Scores(tokens=tokens) | requests.Means(tokens=tokens) if tokens != self.tokens:
                return requests.SmallerBatches(self.tokens)
            case requests.Scores(batches, done):
                return list(weights.scores(batches, done, partial(self._advance, job)))
            case requests.Means(batches):
                return list(weights.means(batches))
            case requests.Nearest(queries, candidates, k):
                return weights.nearest(queries, candidates, k)
            case requests.Width():
                return weights.width
        raise AssertionError(request)

    def _halve(self, task_run: TaskRun, error: Exception) -> None:
        smaller = max(1, self.tokens // 2)
        if self.halved:
            what = f"Out of memory at {task_run.label} with batches of {self.tokens} tokens"
            cure = f"Start over with smaller ones: --force, and batch_tokens = {smaller} in a file for --config"
            raise RobustXtremeError(f"{what}. {cure}") from error
        self.tokens, self.halved = smaller, True
        self.events.halved(task_run.label)


@contextmanager
def threads(device: str, params: int | None) -> Iterator[None]:
    """One thread for a very small model on the CPU: several spend longer on waiting than on computing."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" and params is not None and params < _SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _raised(error: Exception) -> NoReturn:
    raise error

"""Answers task runs by actors: processes of this machine's devices, or of a cluster, that share the run's folder.

An actor gets task runs, which contain paths and names, reads their examples itself, and stages their files.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from robust_xtreme.core.errors import DiskError, Mismatch, SpecError, counted
from robust_xtreme.core.garbage import rarely_collected
from robust_xtreme.core.run_paths import has_relative
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.models.loading import Models
from robust_xtreme.models.predictors.loaded import device_name
from robust_xtreme.noise.user_packs import using
from robust_xtreme.run.answering import Answering, Device, Events
from robust_xtreme.run.computing import Setting, StagedTaskRun
from robust_xtreme.run.folder import RUN, Folder
from robust_xtreme.run.requests import Advanced, Halved, Warned, Watched
from robust_xtreme.run.task_run import Splits, TaskRun
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.sources.source import Pools, open_source
from robust_xtreme.workers.messages import Begun, Connection, Fleet, JobResult, Program, WorkerJob
from robust_xtreme.workers.supervisor import on_fleet

_SHOWN: Final = 2
"""The most task runs that progress names at once."""


@dataclass(frozen=True, slots=True)
class AnsweringProgram:
    """The program of an actor: answer task runs of a spec as `setting` says. Paths count from the folder `start`.

    `run` is the sha256 of the run.toml beside the staged files, by which an actor knows that it sees the same folder.
    """

    spec: RunSpec
    start: Path
    run: str
    device: Device
    setting: Setting
    tokens: int
    halved: bool

    def __call__(self, line: Connection) -> None:
        """Answer the task runs that arrive, until the process ends. Raises Mismatch on a device of another kind."""
        self._check_folder()
        if (name := device_name(self.device.kind)) != self.device.name:
            what = f"the run computes on {self.device.name}, and a run has one kind of device"
            raise Mismatch(f"The device of {os.uname().nodename} is {name}, but {what}.")
        numbers = dict[tuple[str, str, str], int]()

        def taken(job: tuple[int, TaskRun]) -> TaskRun:
            number, task_run = job
            numbers[task_run.key] = number
            return task_run

        events = Events(
            task_run=lambda label: line.note(Watched(label)),
            advance=lambda _, predictions: line.note(Advanced(predictions)),
            halved=lambda label: line.note(Halved(label)),
            done=lambda task_run, done: line.send(JobResult(numbers[task_run.key], done)),
            warned=lambda warning: line.note(Warned(warning)),
        )
        with rarely_collected(), using(*self.spec.packs), own_tasks(self.spec.data):
            spec = self.spec
            models = Models(self.device.kind, spec.precision, spec.representation, spec.compile)
            splits = Splits(spec, Pools(open_source(spec.data, offline=spec.offline)), room=0)
            answering = Answering(splits, models, self.device, self.setting, events, self.tokens, self.halved)
            line.send(Begun())
            while True:
                answering.answer_all(map(taken, line.available()))

    def _check_folder(self) -> None:
        """Use the folder that relative paths count from. Raises DiskError, SpecError where folders are not shared."""
        run = self.setting.staging.with_name(RUN)
        if not run.is_file() or store.sha256(run) != self.run or not self.setting.staging.is_dir():
            what = "is not there, or is another folder: all machines of a run share its folder"
            raise DiskError(f"On {os.uname().nodename} {run.parent} {what}. Name such a folder with --out.")
        if Path.cwd() != self.start and has_relative(self.spec):
            if not self.start.is_dir():
                what = "is not there, and the run has paths that count from it"
                cure = "Write whole paths, or share the folder."
                raise SpecError(f"On {os.uname().nodename} {self.start} {what}. {cure}")
            os.chdir(self.start)


@dataclass(slots=True)  # what actors do at the moment
class ActorProgress:
    """Gives the files of task runs that are done to `take`, with the folder where they are staged."""

    folder: Folder
    answers: Callable[[Path], AnsweringProgram]
    take: Callable[[Path, TaskRun, StagedTaskRun], None]
    events: Events
    warn: Callable[[str], None]
    staged: dict[int, Path] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    advanced: Counter[int] = field(default_factory=Counter)

    @contextmanager
    def program(self, number: int) -> Iterator[Program]:
        """An actor's program, with a folder of its own to stage files in."""
        with self.folder.staging() as staging:
            self.staged[number] = staging
            yield self.answers(staging.absolute())
        self.labels.pop(number, None)

    def note(self, worker: int, _: int, note: object) -> None:
        """Show progress and warnings; record that batches were halved."""
        match note:
            case Watched(label):
                self.labels[worker] = label
                labels = list(self.labels.values())
                more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
                self.events.task_run(", ".join(labels[:_SHOWN]) + more)
            case Advanced(predictions):
                self.advanced[worker] += predictions
                self.events.advance(None, predictions)
            case Halved(label):
                self.events.halved(label)
            case Warned(line):
                self.events.warned(line)

    def done(self, worker: int, task_run: TaskRun, result: StagedTaskRun) -> None:
        """Take the files of a task run."""
        self.advanced[worker] -= task_run.predictions
        self.take(self.staged[worker], task_run, result)

    def lost(self, worker: int, what: str, again: Sequence[WorkerJob]) -> None:
        """Say what is done again, and take back the progress with it."""
        self.labels.pop(worker, None)
        self.events.advance(None, -self.advanced.pop(worker, 0))
        done_again = f"{counted(len(again), 'task run')} of it {'is' if len(again) == 1 else 'are'} done again"
        self.warn(f"warning: {what}; {done_again}")


def answer_on(fleet: Fleet, todo: Sequence[TaskRun], progress: ActorProgress) -> None:
    """Answer each task run by an actor of a fleet. Raises what answering raises, in one line where an actor fails."""
    jobs = [job_of(number, task_run, task_run.predictions) for number, task_run in enumerate(todo)]
    with on_fleet(jobs, fleet, progress.program, progress) as working:
        for worker, job, result in working.results():
            progress.done(worker, job.payload, result)


def job_of(number: int, task_run: TaskRun, size: float) -> WorkerJob:
    """A task run as a job; those of a model and a task are a group, because they share weights."""
    return WorkerJob(number, task_run.label, task_run, f"{task_run.model.name} {task_run.task.name}", size)

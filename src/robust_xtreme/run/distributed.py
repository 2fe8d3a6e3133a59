"""Answers task runs by actors: processes of this machine's devices, or of a cluster, that share the run's folder.

An actor gets task runs, which contain paths and names, reads their examples itself, and stages their files.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.core.errors import DiskError, Mismatch, SpecError, counted
from robust_xtreme.core.garbage import rarely_collected
from robust_xtreme.core.run_paths import has_relative
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.models.loading import Models
from robust_xtreme.noise.user_packs import using
from robust_xtreme.run.answering import Answering, Device, Events
from robust_xtreme.run.computing import Setting, StagedTaskRun
from robust_xtreme.run.folder import RUN, Folder
from robust_xtreme.run.task_run import Splits, TaskRun
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.sources.pools import Pools
from robust_xtreme.tasks.sources.source import open_source
from robust_xtreme.workers.devices import device_name
from robust_xtreme.workers.units.scheduling import schedule
from robust_xtreme.workers.units.unit import ActorNote, Finished, Fleet, Inbox, Program, Ready, Send, WorkUnit


@final
class _Kind(StrEnum):
    """What an actor notes."""

    AT = "at"
    ADVANCE = "advance"
    HALVED = "halved"
    WARNED = "warned"


_SHOWN: Final = 2
"""The most task runs that progress names at once."""


@final
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

    def __call__(self, inbox: Inbox, send: Send) -> None:
        """Answer the task runs that arrive, until the process ends."""
        self._check_folder()
        self._check_device()
        numbers = dict[tuple[str, str, str], int]()

        def note(kind: str, value: Any) -> None:
            send(ActorNote(kind, value))

        def taken(unit: WorkUnit) -> TaskRun:
            numbers[_key(unit.payload)] = unit.number
            task_run: TaskRun = unit.payload
            return task_run

        events = Events(
            task_run=partial(note, _Kind.AT),
            advance=lambda _, predictions: note(_Kind.ADVANCE, predictions),
            halved=partial(note, _Kind.HALVED),
            done=lambda task_run, done: send(Finished(numbers[_key(task_run)], done)),
            warned=partial(note, _Kind.WARNED),
        )
        with rarely_collected(), using(*self.spec.packs), own_tasks(self.spec.data):
            source = open_source(self.spec.data, offline=self.spec.offline)
            spec = self.spec
            models = Models(self.device.kind, spec.precision, spec.representation, spec.compile)
            splits = Splits(self.spec, Pools(source), room=0)
            answering = Answering(splits, models, self.device, self.setting, events, self.tokens, self.halved)
            send(Ready())
            while True:
                answering.answer_all(map(taken, inbox.available(inbox.wait())))

    def _check_folder(self) -> None:
        """Use the folder that relative paths count from. Raises DiskError, SpecError where folders are not shared."""
        run = self.setting.staging.with_name(RUN)
        if not run.is_file() or store.sha256(run) != self.run or not self.setting.staging.is_dir():
            what = "is not there, or is another folder: all machines of a run share its folder"
            raise DiskError(f"On {os.uname().nodename} {run.parent} {what}. Name such a folder with --out.")
        if Path.cwd() != self.start and has_relative(self.spec):
            if not self.start.is_dir():
                what = "is not there, and the run has paths that count from it"
                raise SpecError(
                    f"On {os.uname().nodename} {self.start} {what}. Write whole paths, or share the folder."
                )
            os.chdir(self.start)

    def _check_device(self) -> None:
        """Raise Mismatch where the device is not the one of the run."""
        if (name := device_name(self.device.kind)) != self.device.name:
            what = f"the run computes on {self.device.name}, and a run has one kind of device"
            raise Mismatch(f"The device of {os.uname().nodename} is {name}, but {what}.")


@final
@dataclass(slots=True)  # what actors do at the moment
class _Supervisor:
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

    def note(self, number: int, note: ActorNote) -> None:
        """Show progress and warnings; record that batches were halved."""
        match note.kind:
            case _Kind.AT:
                self.labels[number] = note.value
                self._show()
            case _Kind.ADVANCE:
                self.advanced[number] += note.value
                self.events.advance(None, note.value)
            case _Kind.HALVED:
                self.events.halved(note.value)
            case _Kind.WARNED:
                self.events.warned(note.value)

    def finished(self, number: int, unit: WorkUnit, result: Any) -> None:
        """Take the files of a task run."""
        self.advanced[number] -= unit.payload.predictions
        self.take(self.staged[number], unit.payload, result)

    def lost(self, number: int, slot: str, how: str, again: Sequence[WorkUnit]) -> None:
        """Say what is done again, and take back the progress with it."""
        self.labels.pop(number, None)
        self.events.advance(None, -self.advanced.pop(number, 0))
        what = f"{counted(len(again), 'task run')} of it {'is' if len(again) == 1 else 'are'} done again"
        self.warn(f"warning: the process for {slot} {how}; {what}")

    def _show(self) -> None:
        labels = list(self.labels.values())
        more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
        self.events.task_run(", ".join(labels[:_SHOWN]) + more)


def answer_on(
    fleet: Fleet,
    todo: Sequence[TaskRun],
    folder: Folder,
    answers: Callable[[Path], AnsweringProgram],
    take: Callable[[Path, TaskRun, StagedTaskRun], None],
    events: Events,
    warn: Callable[[str], None],
) -> None:
    """Answer each task run by an actor of a fleet. Raises what answering raises, in one line where an actor fails."""
    units = [unit_of(number, task_run, task_run.predictions) for number, task_run in enumerate(todo)]
    schedule(units, fleet, _Supervisor(folder, answers, take, events, warn))


def unit_of(number: int, task_run: TaskRun, size: float) -> WorkUnit:
    """A task run as a unit; those of a model and a task are a group, because they share weights."""
    group = f"{task_run.model.name} {task_run.task.name}"
    return WorkUnit(number, task_run.label, group, size, task_run)


def _key(task_run: TaskRun) -> tuple[str, str, str]:
    return task_run.task.name, task_run.language, task_run.split

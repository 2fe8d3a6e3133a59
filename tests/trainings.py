"""Runs of `train` that stop at a step: by an exception in this process, or by `kill -9` in one of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.forks import process

from robust_xtreme import api
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.training.loop import Options, Progress


class Stopped(Exception):
    """Represents the death of a process."""


def stop_at(step: int, stage: str = "target") -> Callable[[Progress], None]:
    """A watcher that ends a run after a step of a stage."""

    def watch(at: Progress) -> None:
        if (at.stage, at.step) == (stage, step):
            raise Stopped

    return watch


def files(run: Path) -> dict[str, bytes]:
    """The content of every file of a folder, but for locks and journals, by its path."""
    paths = [path for path in sorted(run.rglob("*")) if path.is_file() and path.name not in (".lock", JOURNAL)]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


def copied(run: Path, out: Path) -> Path:
    """A copy of a run that tests share, for a test that changes it."""
    return Path(shutil.copytree(run, out))


@dataclass(frozen=True, slots=True)
class Training:
    """A process that trains, and the pipe in which it reports its steps."""

    process: BaseProcess
    reports: Connection

    def lines(self) -> Iterator[tuple[Any, ...]]:
        """What it reports until it ends: ("step", stage, number)."""
        with contextlib.suppress(EOFError):
            while True:
                yield self.reports.recv()

    def end(self) -> int | None:
        """Its exit code, minus the signal that killed it."""
        self.process.join(120)
        return self.process.exitcode


def training(values: dict[str, Any], end: tuple[str, int] | None = None) -> Training:
    """Train a run in a process of its own, which saves each step and kills itself after one of a stage."""
    ours, theirs = Pipe(duplex=False)
    begun = process(_train, theirs, values, end)
    theirs.close()
    return Training(begun, ours)


def _train(reports: Connection, values: dict[str, Any], end: tuple[str, int] | None) -> None:
    def watch(at: Progress) -> None:
        reports.send(("step", at.stage, at.step))
        if (at.stage, at.step) == end:
            os.kill(os.getpid(), signal.SIGKILL)

    api.train(**values, options=Options(watch=watch, save_seconds=0.0))

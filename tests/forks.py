"""`robust-xtreme` in processes of its own that begin with everything imported: a server imports once and forks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import pytest

NEVER: Final = 0
_IMPORTED: Final = ["robust_xtreme.evaluation.run", "robust_xtreme.commands._app", "tests.forks", "tests.tiny"]
_SECONDS: Final = 120
_CONTEXT: Final = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Forked:
    """A process that runs the program, and the file that its standard error goes to."""

    process: BaseProcess
    errors: Path

    def end(self, seconds: float = _SECONDS) -> tuple[int | None, str]:
        """The exit code (minus the signal that killed it; None where it still runs) and its standard error."""
        self.process.join(seconds)
        return self.process.exitcode, self.errors.read_text(encoding="utf-8")

    def interrupt(self) -> None:
        """Send it the signal of Ctrl-C."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGINT)


def process(function: Callable[..., object], *arguments: object) -> BaseProcess:
    """A function of a module, begun in a process of its own; tests close their ends of pipes after this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        _CONTEXT.set_forkserver_preload(_IMPORTED)
        forkserver.ensure_running()
    begun = _CONTEXT.Process(target=function, args=arguments)
    begun.start()
    return begun


def forked(words: Sequence[str], errors: Path, killed_at: int = NEVER) -> Forked:
    """Start the program; it is killed just before the file of that number appears."""
    errors.touch()
    return Forked(process(_run, list(words), dict(os.environ), str(errors), killed_at), errors)


def _run(words: list[str], environment: dict[str, str], errors: str, killed_at: int) -> None:
    from robust_xtreme.commands._app import main

    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if killed_at:
        _kill_before(killed_at)
    sys.argv = ["robust-xtreme", *words]
    main()


def _kill_before(number: int) -> None:
    from robust_xtreme.results import store

    replace, left = store._replace, number

    def killing(tmp: Path, path: Path) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(tmp, path)

    store._replace = killing

"""Processes that compute for this one: what they import, how they end, and what they cannot send."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests import workers
from tests.limits import files_left

from robust_xtreme.core.errors import DiskError, RobustXtremeError
from robust_xtreme.workers import channel
from robust_xtreme.workers.channel import channel_and_end, opened
from robust_xtreme.workers.messages import Failed, WorkerJob
from robust_xtreme.workers.processes import started
from robust_xtreme.workers.supervisor import pool

pytestmark = pytest.mark.process


def test_a_process_imports_nothing_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file there that has the name of a module of Python is not run."""
    (tmp_path / "json.py").write_text("open('imported', 'w').close(); raise SystemExit(7)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    process, (control,) = started(0, os.environ)
    control.close()
    process.end(20)
    assert not Path("imported").exists()
    assert "7" not in process.how()


def test_what_ended_a_process_is_named_also_by_a_signal_without_a_name() -> None:
    """Real-time signals have numbers only."""
    process, (control,) = started(0, os.environ)
    process.running.send_signal(signal.SIGRTMIN + 1)
    process.end(20)
    control.close()
    assert str(signal.SIGRTMIN + 1) in process.how()


def test_a_python_whose_file_is_not_known_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to do."""
    handler: Any = SimpleNamespace(answer=None)
    monkeypatch.setattr(sys, "executable", None)
    with (
        pytest.raises(RobustXtremeError, match="workers = 0"),
        pool(workers.opening, workers.opening, [WorkerJob(0, "first", lambda: ("wait", 0))], handler, 1, 1),
    ):
        pass


def test_a_process_for_which_there_is_no_room_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where nothing can be written for it."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    handler: Any = SimpleNamespace(answer=None)
    monkeypatch.setattr(subprocess, "Popen", full)
    with (
        pytest.raises(RobustXtremeError, match="Free some space"),
        pool(workers.opening, workers.opening, [WorkerJob(0, "first", lambda: ("wait", 0))], handler, 1, 1),
    ):
        pass


def test_a_message_for_which_there_is_no_room_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for the end of the other process."""

    def full() -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(channel, "_memory", full)
    here, there = channel_and_end()
    with pytest.raises(DiskError, match="No space"):
        here.send(bytes(1 << 20))
    there.close()
    here.close()


@pytest.mark.parametrize("left", [0, 1])
def test_a_message_whose_memory_cannot_be_opened_is_one_line(left: int) -> None:
    """Without a free number the system drops that of the memory, with one it cannot be mapped; no process is lost."""
    here, there = channel_and_end()
    other = opened(there.detach())
    here.send(bytes(1 << 20))
    with files_left(left), pytest.raises(DiskError, match="Too many open files"):
        other.receive()
    here.close()
    other.close()


class Keyed(Exception):
    """An error that its arguments do not make."""

    def __init__(self, *, need: int) -> None:
        super().__init__()
        self.need = need

    def __reduce__(self) -> tuple[type[Keyed], tuple[()]]:
        return Keyed, ()

    def __new__(cls, *, need: int) -> Keyed:
        """Needs a name that is not among the arguments."""
        return Exception.__new__(cls, need)


@pytest.mark.parametrize(("error", "words"), [(Keyed(need=1), "Keyed: "), (SystemExit(5), "SystemExit: 5")])
def test_an_error_that_cannot_be_made_again_keeps_its_words(error: BaseException, words: str) -> None:
    """Nor does what a job raises end the program."""
    read = pickle.loads(pickle.dumps(Failed(error))).error  # noqa: S301 - made here
    assert (type(read), str(read).startswith(words)) == (RuntimeError, True)

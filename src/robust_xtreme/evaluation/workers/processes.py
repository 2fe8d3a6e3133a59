"""Starts worker processes, each with one or more lanes, and ends them.

A process is a new interpreter, not a copy of this one, whose threads would not be in it: a lock that one of them has
would stay locked. It runs no module of the program that uses this package, and does not end by the terminal's Ctrl-C.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from signal import Signals
from threading import Thread
from typing import IO, Any, Final, final

from robust_xtreme.evaluation.workers.child import PATIENCE
from robust_xtreme.evaluation.workers.lane import Event, Failed, Lost, Opening
from robust_xtreme.evaluation.workers.messages import Channel, channel_and_end

_BEGIN: Final = (
    "import json, sys; path, numbers = map(json.loads, sys.argv[1:]); sys.path[:] = path; "
    "from robust_xtreme.evaluation.workers.child import main; main(numbers)"
)
_THREADS: Final = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")
"""How many threads libraries use: there are as many workers as cores, so each has one, where nothing else is set."""

_SHOWN: Final = 200


@final
@dataclass(frozen=True, slots=True)
class ProcessLane:
    """A lane in another process."""

    channel: Channel

    def give(self, value: Any) -> None:
        """Send a job, or the answer to a request; a process that has ended takes anything."""
        with suppress(OSError):
            self.channel.send(value)

    def end(self) -> None:
        """Take no more jobs; one that is computed ends at its next request."""
        self.channel.close()


@final
@dataclass(frozen=True, slots=True)
class Process:
    """A worker process with its lanes, by their numbers; it ends when the connection `control` does."""

    running: subprocess.Popen[bytes]
    control: Channel
    lanes: dict[int, ProcessLane]
    errors: IO[bytes]

    def end(self, at_once: bool) -> str:
        """End the process, `at_once` or when its lanes have ended, and return how it ended, as a phrase.

        A file that it writes is written whole.
        """
        for lane in self.lanes.values():
            lane.end()
        if at_once:
            self.control.close()
        try:
            code = self.running.wait(PATIENCE + 1)
        except subprocess.TimeoutExpired:
            self.running.kill()
            code = self.running.wait()
        self.control.close()
        with self.errors:
            return _how(code, self.errors)


def _how(code: int, printed: IO[bytes]) -> str:
    """How a process has ended, with the last line that it printed."""
    printed.seek(0)
    lines = printed.read().decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1][:_SHOWN]}" if lines else ""
    return f"was ended by {Signals(-code).name}{last}" if code < 0 else f"ended with the code {code}{last}"


def begin_process(opening: Opening, numbers: Sequence[int], events: SimpleQueue[Event]) -> Process:
    """Start a process with lanes of these numbers. Raises OSError."""
    ends = [channel_and_end() for _ in range(len(numbers) + 1)]
    (control, *ours), theirs = [channel for channel, _ in ends], [end for _, end in ends]
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - the end of the process closes it
    try:
        running = _started([end.fileno() for end in theirs], errors)
    finally:
        for end in theirs:
            end.close()
    lanes = {number: ProcessLane(channel) for number, channel in zip(numbers, ours, strict=True)}
    with suppress(OSError):  # it has ended, and its lanes are lost
        control.send(opening)
    for number, lane in lanes.items():
        Thread(target=_listen, args=(number, lane.channel, events), daemon=True).start()
    return Process(running, control, lanes, errors)


def _started(numbers: list[int], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _BEGIN, json.dumps(sys.path), json.dumps(numbers)],
        pass_fds=numbers,
        stdin=subprocess.DEVNULL,
        stdout=errors,
        stderr=errors,
        env={**dict.fromkeys(_THREADS, "1"), **os.environ},
        process_group=0,
    )


def _listen(number: int, channel: Channel, events: SimpleQueue[Event]) -> None:
    """Make an event of each message of a lane, the last of which says that it is lost."""
    try:
        while True:
            events.put(Event(number, channel.receive()))
    except (EOFError, OSError):
        events.put(Event(number, Lost()))
    except Exception as error:  # noqa: BLE001 - what cannot be read is raised where the events are
        events.put(Event(number, Failed(error)))

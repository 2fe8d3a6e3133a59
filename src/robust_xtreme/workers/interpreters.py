"""New interpreters on this machine that compute for this process: how they start, what they say, how they ended.

It is not a copy of this process, whose threads would not be in it: a lock that one of them has would stay locked. It
runs no module of the program that uses this package, and does not end by the terminal's Ctrl-C.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, final

from robust_xtreme.core.subprocesses import command, ending
from robust_xtreme.workers.cpu.messages import Channel, channel_and_end
from robust_xtreme.workers.cpu.worker import Failed


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@final
@dataclass(frozen=True, slots=True)
class Interpreter:
    """A process that runs, and the file of what it prints."""

    running: subprocess.Popen[bytes]
    printed: IO[bytes]

    def end(self, patience: float) -> None:
        """Wait some seconds for its end, and then kill it."""
        try:
            self.running.wait(patience)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()

    def how(self) -> str:
        """How it has ended, with the last line that it printed, as a phrase; once."""
        with self.printed as printed:
            printed.seek(0)
            return ending(self.running.poll(), printed.read())


def started(module: str, connections: int, environment: Mapping[str, str]) -> tuple[Interpreter, list[Channel]]:
    """Start `main` of a module with the numbers of so many connections; returns these ends of them. Raises OSError."""
    ours, theirs = zip(*(channel_and_end() for _ in range(connections)), strict=True)
    numbers = [end.fileno() for end in theirs]
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - `how` closes it
    try:
        running = subprocess.Popen(
            command(module, numbers),
            pass_fds=numbers,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            env=environment,
            process_group=0,
        )
    except OSError:
        printed.close()
        for channel in ours:
            channel.close()
        raise
    finally:
        for end in theirs:
            end.close()
    return Interpreter(running, printed), list(ours)


def listen(channel: Channel, put: Callable[[Any], None], lost: Callable[[], Any]) -> None:
    """Put each message of a connection, and `lost` at its end."""
    try:
        while True:
            put(channel.receive())
    except (EOFError, OSError):
        put(lost())
    except Exception as error:  # noqa: BLE001 - what cannot be read is raised where the messages are taken
        put(Failed(error))

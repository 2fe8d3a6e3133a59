"""Actors that are processes on this machine, one a device: `--devices 0,1`.

A process is a new interpreter, which sees its device only. It runs no module of the program that uses this package, and
does not end by the terminal's Ctrl-C, but with the process that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from signal import Signals
from threading import Thread
from typing import IO, Final, final

import torch

from robust_xtreme.errors import SpecError
from robust_xtreme.evaluation.units.unit import Actor, Event, Events, Lost, Piece, Program
from robust_xtreme.evaluation.workers.lane import Failed
from robust_xtreme.evaluation.workers.messages import Channel, channel_and_end

_BEGIN: Final = (
    "import json, sys; path, number = map(json.loads, sys.argv[1:]); sys.path[:] = path; "
    "from robust_xtreme.evaluation.units.child import main; main(number)"
)
_VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
_CPU, _ALL = "cpu", "all"
_PATIENCE: Final = 5.0
_SHOWN: Final = 200


@final
@dataclass(frozen=True, slots=True)
class Processes:
    """The devices of this machine on which a run computes, each by the CUDA_VISIBLE_DEVICES of its process."""

    slots: tuple[str, ...]
    device: str
    device_name: str
    visible: tuple[str, ...]

    def start(self, slot: int, number: int, program: Program, events: Events) -> Actor:
        """Start a process. Raises OSError."""
        channel, end = channel_and_end()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - the thread that listens closes it
        try:
            running = _started(end.fileno(), errors, self.visible[slot] if self.visible else None)
        finally:
            end.close()
        with suppress(OSError):  # it has ended, and is lost
            channel.send(program)
        Thread(target=_listen, args=(number, channel, running, errors, events), daemon=True).start()
        return _Process(channel, running)


@final
@dataclass(frozen=True, slots=True)
class _Process:
    channel: Channel
    running: subprocess.Popen[bytes]

    def give(self, unit: Piece) -> None:
        """Send a unit; a process that has ended takes anything."""
        with suppress(OSError):
            self.channel.send(unit)

    def end(self) -> None:
        """Close the connection, by which the process ends, and wait for that."""
        with suppress(OSError):
            self.channel.close()
        try:
            self.running.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()


def processes(devices: str) -> Processes:
    """The processes for `0,1` (CUDA devices by number), `all` of them, or `cpu,cpu`. Raises SpecError."""
    names = [name.strip() for name in devices.split(",")]
    count = torch.cuda.device_count()
    if names == [_ALL]:
        names = [str(number) for number in range(count)]
        if not names:
            raise SpecError("There is no CUDA device here for --devices all. Name some: --devices cpu,cpu")
    if set(names) == {_CPU}:
        return Processes(tuple(f"{_CPU}:{number}" for number in range(len(names))), _CPU, _CPU, ())
    for name in names:
        if not (name.isascii() and name.isdecimal()) or int(name) >= count or names.count(name) > 1:
            known = f"the CUDA devices here: {', '.join(map(str, range(count))) or 'none'}"
            raise SpecError(f"--devices {devices[:80]!r}: {name[:20]!r} is not one of {known}; or all, or cpu,cpu.")
    kinds = {torch.cuda.get_device_name(int(name)) for name in names}
    if len(kinds) > 1:
        raise SpecError(f"--devices {devices}: one run has one kind of device, not {' and '.join(sorted(kinds))}.")
    given = [name for name in os.environ.get(_VISIBLE, "").split(",") if name]
    visible = tuple(given[int(name)] if given else name for name in names)
    return Processes(tuple(f"cuda:{name}" for name in names), "cuda", f"cuda: {kinds.pop()}", visible)


def _started(number: int, errors: IO[bytes], visible: str | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _BEGIN, json.dumps(sys.path), json.dumps(number)],
        pass_fds=[number],
        stdin=subprocess.DEVNULL,
        stdout=errors,
        stderr=errors,
        env=dict(os.environ) if visible is None else {**os.environ, _VISIBLE: visible},
        process_group=0,
    )


def _listen(number: int, channel: Channel, running: subprocess.Popen[bytes], errors: IO[bytes], events: Events) -> None:
    """Make an event of each message, the last of which says that the process is lost."""
    with errors:
        try:
            while True:
                events.put(Event(number, channel.receive()))
        except (EOFError, OSError):
            with suppress(subprocess.TimeoutExpired):
                running.wait(_PATIENCE)
            events.put(Event(number, Lost(_how(running.returncode, errors))))
        except Exception as error:  # noqa: BLE001 - what cannot be read is raised where the events are
            events.put(Event(number, Failed(error)))


def _how(code: int | None, printed: IO[bytes]) -> str:
    """How a process has ended, with the last line that it printed."""
    printed.seek(0)
    lines = printed.read().decode("utf-8", "replace").strip().splitlines()
    last = f" ({lines[-1][:_SHOWN]})" if lines else ""
    if code is None:
        return f"cannot be reached{last}"
    return f"was ended by {Signals(-code).name}{last}" if code < 0 else f"ended with the code {code}{last}"

"""A worker process: threads that compute jobs, and one that ends the process when the one that started it has ended.

It is started by `processes.py`, with the numbers of its connections.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from threading import RLock, Thread
from typing import Any, Final

from robust_xtreme.core.garbage import rarely_collected
from robust_xtreme.workers.cpu.lane import Ahead, Ended, Line, Message, attend
from robust_xtreme.workers.cpu.messages import GONE, Channel, opened

PATIENCE: Final = 10.0
"""Seconds that a file may take which is being written when the process is to end."""


@rarely_collected()
def main(numbers: Sequence[int]) -> None:
    """Compute the jobs that arrive on each connection but the first, which says how, and whose end is the process's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control, *lanes = map(opened, numbers)
    opening = control.receive()
    while isinstance(opening, Ahead):
        for name in opening.modules:
            import_module(name)
        try:
            opening = control.receive()
        except EOFError:
            return  # nobody needed this process
    whole = RLock()
    Thread(target=_watch, args=(control, whole), daemon=True).start()
    threads = [Thread(target=attend, args=(opening, _line(lane, whole))) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os._exit(0)  # modules that are taken down one after the other take a quarter of a second


def _watch(control: Channel, whole: Any) -> None:
    """End the process when the one that started it closes the connection, or is killed."""
    with suppress(EOFError, OSError):
        control.receive()
    whole.acquire(timeout=PATIENCE)
    os._exit(0)


def _line(lane: Channel, whole: Any) -> Line:
    return Line(partial(_send, lane), partial(_received, lane), lambda: whole)


def _send(lane: Channel, message: Message) -> None:
    try:
        lane.send(message)
    except GONE as error:
        raise Ended from error


def _received(lane: Channel) -> Any:
    try:
        return lane.receive()
    except (EOFError, OSError) as error:
        raise Ended from error

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
from robust_xtreme.workers.cpu.messages import GONE, Channel, opened
from robust_xtreme.workers.cpu.worker import Ahead, Connection, Ended, Message, attend

PATIENCE: Final = 10.0
"""Seconds that a file may take which is being written when the process is to end."""


@rarely_collected()
def main(numbers: Sequence[int]) -> None:
    """Compute the jobs that arrive on each connection but the first, which says how, and whose end is the process's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control, *workers = map(opened, numbers)
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
    threads = [Thread(target=attend, args=(opening, _line(worker, whole))) for worker in workers]
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


def _line(worker: Channel, whole: Any) -> Connection:
    return Connection(partial(_send, worker), partial(_received, worker), lambda: whole)


def _send(worker: Channel, message: Message) -> None:
    try:
        worker.send(message)
    except GONE as error:
        raise Ended from error


def _received(worker: Channel) -> Any:
    try:
        return worker.receive()
    except (EOFError, OSError) as error:
        raise Ended from error

"""A worker process: threads that compute jobs, and one that ends the process when the one that started it has ended.

It is started by `processes.py`, with the numbers of its connections.
"""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from threading import Lock, RLock, Thread
from typing import Any, Final

from robust_xtreme.core.garbage import rarely_collected
from robust_xtreme.workers.channel import GONE, Channel, opened
from robust_xtreme.workers.messages import Ahead, Connection, Ended, Message, Opening, attend, run

PATIENCE: Final = 10.0
"""Seconds that a file may take which is being written when the process is to end."""


def main(numbers: Sequence[int]) -> None:
    """Run the program that the first connection gives, once on each other one; its end is the end of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control, *workers = map(opened, numbers)
    try:
        program = _program(control)
    except EOFError:
        return  # nobody needed this process
    whole = RLock()
    Thread(target=_watch, args=(control, whole), daemon=True).start()
    first, *others = [partial(run, program, _line(worker, whole)) for worker in workers]
    threads = [Thread(target=other) for other in others]
    for thread in threads:
        thread.start()
    first()  # in the main thread, which alone can handle signals
    for thread in threads:
        thread.join()
    os._exit(0)  # modules that are taken down one after the other take a quarter of a second


@rarely_collected()
def _program(control: Channel) -> Any:
    """The program, when it arrives; imports what is named before it."""
    program = control.receive()
    while isinstance(program, Ahead):
        for name in program.modules:
            import_module(name)
        program = control.receive()
    return program


@rarely_collected()
def attend_rarely_collected(opening: Opening, line: Connection) -> None:
    """The program of a process that computes one job after another, and rarely looks for garbage in cycles."""
    attend(opening, line)


def _watch(control: Channel, whole: Any) -> None:
    """End the process when the one that started it closes the connection, or is killed."""
    with suppress(EOFError, OSError):
        control.receive()
    whole.acquire(timeout=PATIENCE)
    os._exit(0)


def _line(worker: Channel, whole: Any) -> Connection:
    return Connection(partial(_send, worker, Lock()), partial(_received, worker), worker.has_more, lambda: whole)


def _send(worker: Channel, sending: Lock, message: Message) -> None:
    try:
        with sending:
            worker.send(message)
    except GONE as error:
        raise Ended from error


def _received(worker: Channel) -> Any:
    try:
        return worker.receive()
    except (EOFError, OSError) as error:
        raise Ended from error

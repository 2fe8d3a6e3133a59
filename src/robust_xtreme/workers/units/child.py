"""An actor on this machine: a process that ends when the one that started it does."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread

from robust_xtreme.workers.cpu.messages import GONE, Channel, opened
from robust_xtreme.workers.cpu.worker import Failed
from robust_xtreme.workers.units.unit import Inbox, Message, Program, Send


def main(numbers: Sequence[int]) -> None:
    """Run the program that arrives first on the only connection, with the units that follow."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    (number,) = numbers
    channel, given, sending = opened(number), SimpleQueue[bytes](), Lock()
    program = channel.receive()
    Thread(target=_listen, args=(channel, given), daemon=True).start()

    def send(message: Message) -> None:
        with suppress(*GONE), sending:  # the other end is gone, and so is this process soon
            channel.send(message)

    run(program, Inbox(given), send)
    while True:  # until the connection ends
        signal.pause()


def run(program: Program, inbox: Inbox, send: Send) -> None:
    """Run a program; what it raises is sent."""
    try:
        program(inbox, send)
    except BaseException as error:  # noqa: BLE001 - the process that schedules raises it
        send(Failed(error))


def _listen(channel: Channel, given: SimpleQueue[bytes]) -> None:
    """Take units; end the process at once when the one that schedules closes the connection, or is killed."""
    try:
        while True:
            given.put(channel.receive())
    finally:
        os._exit(0)

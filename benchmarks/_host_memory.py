"""The peak of memory of a process and all its children, seen from outside, so that measuring does not slow them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

INTERVAL: Final = 0.05
"""Seconds between two looks."""


def peak_of(process: Popen[Any]) -> int:
    """Wait for a process; return the peak of its memory in MiB, 0 where the system does not say.

    Counted are the pages that processes have to themselves, over all of them, and shared memory once: the most that
    one of them maps.
    """
    peak = 0
    while process.poll() is None:
        several = [_memory(number) for number in _tree(process.pid)]
        if several:
            peak = max(peak, sum(alone for alone, _ in several) + max(shared for _, shared in several))
        time.sleep(INTERVAL)
    return peak // 1024


def _tree(number: int) -> Iterator[int]:
    """A process and its descendants."""
    yield number
    for path in Path(f"/proc/{number}/task").glob("*/children"):
        for child in _text(path).split():
            yield from _tree(int(child))


def _memory(number: int) -> tuple[int, int]:
    """The anonymous and the shared memory of a process in KiB."""
    fields = dict(line.split(":", 1) for line in _text(Path(f"/proc/{number}/status")).splitlines())
    alone, shared = (int(fields.get(name, "0").split()[0]) for name in ("RssAnon", "RssShmem"))
    return alone, shared


def _text(path: Path) -> str:
    """The text of a file of a process; empty where the process has ended."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""

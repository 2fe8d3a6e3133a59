"""Folders that are read or refused, while memory, time and changes of files are measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from robust_xtreme.core.errors import UserError

SECONDS: Final = 10.0
MEMORY: Final = 1 << 29
"""What reading a file takes at most: seconds, and bytes above what is there before."""


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """What is in a folder: sizes and times of change."""
    every = ((path, path.lstat()) for path in folder.rglob("*"))
    return {str(path): (facts.st_size, facts.st_mtime_ns if path.is_file() else 0) for path, facts in every}


def _status(name: str) -> int:
    """A number of bytes of the memory of this process."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def refused(read: Callable[[], object], folder: Path | None = None) -> str:
    """The line with which a reader refuses what it reads, "" where it does not.

    Raises AssertionError where it ends otherwise, with several lines, beyond SECONDS or MEMORY, or refuses and has
    written into the folder.
    """
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the largest memory is counted from now on
    before, base, begun = folder and tree(folder), _status("VmRSS"), time.monotonic()
    line = ""
    try:
        read()
    except UserError as error:
        line = str(error)
    except BaseException as error:  # polars raises its panics as one
        raise AssertionError(f"{type(error).__name__}: {error}"[:500]) from error
    seconds, memory = time.monotonic() - begun, _status("VmHWM") - base
    assert len(line.splitlines()) <= 1, line
    assert (seconds < SECONDS, memory < MEMORY) == (True, True), f"{seconds:.1f} s, {memory >> 20} MiB: {line}"
    assert not line or before == (folder and tree(folder)), f"it has written: {line}"
    return line

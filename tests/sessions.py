"""The processes of a session, which a program that was started in it has begun, and what they leave in memory."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

_PATIENCE: Final = 30.0
_SHARED: Final = Path("/dev/shm")


def members(session: int) -> list[int]:
    """The numbers of the processes of a session that have not ended."""
    every = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [number for number in every if _session(number) == session]


def _session(number: int) -> int:
    """The session of a process; 0 where it has ended."""
    try:
        state, _, _, session = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[:4]
    except OSError:
        return 0
    return 0 if state == "Z" else int(session)


def kill(session: int) -> None:
    """Kill every process of a session, first the one that leads it."""
    for number in sorted(members(session), key=lambda number: number != session):
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            continue


def left(session: int) -> list[str]:
    """The processes of a session, with their commands, that are there when they had time to end."""
    until = time.monotonic() + _PATIENCE
    while (there := members(session)) and time.monotonic() < until:
        time.sleep(0.01)
    return [f"{number} {_command(number)}" for number in there]


def _command(number: int) -> str:
    """The command of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def shared_memory() -> set[str]:
    """The names in /dev/shm."""
    return {path.name for path in _SHARED.iterdir()} if _SHARED.is_dir() else set()


def unmapped(names: set[str]) -> set[str]:
    """Those of some names in /dev/shm that are still there and no process maps or has open: nobody removes them."""
    kept = {name for name in names if (_SHARED / name).exists()}
    for process in Path("/proc").iterdir() if kept else ():
        kept -= {name for name in kept if f"{_SHARED}/{name}" in _used(process)}
    return kept


def _used(process: Path) -> str:
    """What a process maps and has open."""
    try:
        opened = [str(link.readlink()) for link in (process / "fd").iterdir()]
        return "\n".join([(process / "maps").read_text("utf-8", "replace"), *opened])
    except OSError:
        return ""

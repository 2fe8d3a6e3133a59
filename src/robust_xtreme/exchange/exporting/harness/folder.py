"""The folder of an export, and the files in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from robust_xtreme.core.errors import UserError
from robust_xtreme.files.store import write

DATA: Final = "data"


TASKS: Final = "tasks"


PROGRAM: Final = "task.py"


_WRITTEN: Final = frozenset({DATA, TASKS, PROGRAM})


_OTHER: Final = "folder: -o DIR"


def target(name: str, force: bool) -> Path:
    """The path of the folder. Raises UserError where it may not be written, `force` or not.

    A folder with files is replaced only with `force`, and only where it contains nothing but an export.
    """
    path = Path(os.path.realpath(name))
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UserError(f"-o {name} is not a folder. Name another: -o DIR")
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent} to make {path.name} in. Make it: mkdir -p {path.parent}")
    content = {each.name for each in path.iterdir()} if path.is_dir() else set()
    if other := sorted(content - _WRITTEN):
        raise UserError(f"-o {name} contains {other[0]!r}, which is not of an export. Name another folder: -o DIR")
    if content and not force:
        raise UserError(f"{name} contains an export. Name another folder, or replace it: --force")
    return path


def put(path: Path, lines: Iterable[str]) -> None:
    """Write a file of lines."""
    write(path, "".join(f"{line}\n" for line in lines).encode(), _OTHER)

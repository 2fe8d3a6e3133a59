"""A start over in a run's folder: what the run wrote is removed, what else is in its way gets another name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, final

from robust_xtreme.errors import DiskError, Mismatch, RobustXtremeError, counted
from robust_xtreme.results import store
from robust_xtreme.sinks import visible

_KEPT: Final = ".kept"
_NAMED: Final = 5


@final
@dataclass(frozen=True, slots=True)
class StartOver:
    """What happens to the files of a folder, named relative to it.

    `names` are in the way of the new run, in the order in which they go; those of `kept` get another name, the others
    are removed. `stays` are the other files of the folder.
    """

    folder: Path
    names: tuple[str, ...]
    kept: frozenset[str]
    stays: tuple[str, ...]

    def line(self, replaced: int = 0) -> str:
        """What is removed, kept and stays; `replaced` files are not among the names, because they are replaced."""
        what = f"--force removes {counted(len(self.names) - len(self.kept) + replaced, 'file')} of the earlier run in"
        kept = [f"{name} as {free_name(self.folder / name).name}" for name in self.names if name in self.kept]
        other = f"; what the run did not write is kept: {_first(kept)}" if kept else ""
        return visible(f"{what} {self.folder}{other}; what stays: {_first(self.stays) or 'nothing else'}")

    def carry_out(self) -> None:
        """Remove and rename. Raises DiskError, before anything is removed where a folder cannot be written."""
        paths = [self.folder / name for name in self.names]
        for folder in {path.parent for path in paths}:
            if not os.access(folder, os.W_OK | os.X_OK):
                raise DiskError(f"{folder} cannot be written: Permission denied. Make it writable.")
        for name, path in zip(self.names, paths, strict=True):
            keep(path) if name in self.kept else remove(path)

    def keep(self) -> list[str]:
        """Only rename the files that are kept, and return a line for each. Raises DiskError."""
        names = [name for name in self.names if name in self.kept]
        return [f"{name} is not as the run wrote it, and is kept as {keep(self.folder / name).name}" for name in names]


def start_over(
    folder: Path, names: Iterable[str], written: Mapping[str, str | None], stays: Iterable[str]
) -> StartOver:
    """A start over. `written` has the sha256 of the files that the run wrote, None where the name alone says so."""
    names = tuple(names)
    kept = frozenset(name for name in names if not is_written(folder / name, name, written))
    return StartOver(folder, names, kept, tuple(stays))


def remove(path: Path) -> None:
    """Remove a file, where it is there. Raises DiskError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"{path} cannot be removed: {error.strerror}.") from error


def keep(path: Path) -> Path:
    """Give a file another name, which is returned, so that a new one can be written. Raises DiskError."""
    other = free_name(path)
    try:
        return path.rename(other)
    except OSError as error:
        raise DiskError(f"{path} cannot be renamed to {other.name}: {error.strerror}.") from error


def free_name(path: Path) -> Path:
    """The name under which a file is kept, which no file has: `NAME.kept`, `NAME.kept.2` and so on."""
    others = (path.with_name(f"{path.name}{_KEPT}{f'.{number}' if number > 1 else ''}") for number in count(1))
    return next(other for other in others if not os.path.lexists(other))


def check_folder(path: Path) -> None:
    """Raise Mismatch where the folder of a run is a file, or a link to nothing."""
    if path.is_symlink() and not path.exists():
        what = f"is a link to {str(path.readlink())!r}, which leads to no folder"
        raise Mismatch(f"{path} {what}. Create that folder, or name another one with --out.")
    if path.exists() and not path.is_dir():
        raise Mismatch(f"{path} is a file; --out names a folder.")


def is_written(path: Path, name: str, written: Mapping[str, str | None]) -> bool:
    """Whether a run wrote a file with these bytes; a file that cannot be read is not known to be the run's."""
    if name not in written:
        return False
    if written[name] is None:
        return path.is_file()
    try:
        return store.sha256(path) == written[name]
    except RobustXtremeError:
        return False


def _first(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])

"""A start over in a run's folder: what the run wrote is removed, what else is in its way gets another name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.errors import DiskError, Mismatch, counted
from robust_xtreme.results.journal import Journal, free_name, remove, rename
from robust_xtreme.sinks import visible

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
        other = f"; what is kept: {', '.join(kept)}" if kept else ""
        return visible(f"{what} {self.folder}{other}; what stays: {_first(self.stays) or 'nothing else'}")

    def carry_out(self) -> None:
        """Remove and rename. Raises DiskError, before anything is removed where a folder cannot be written."""
        paths = [self.folder / name for name in self.names]
        for folder in {path.parent for path in paths}:
            if not os.access(folder, os.W_OK | os.X_OK):
                raise DiskError(f"{folder} cannot be written: Permission denied. Make it writable.")
        for name, path in zip(self.names, paths, strict=True):
            rename(path) if name in self.kept else remove(path)


def start_over(journal: Journal, names: Iterable[str], stays: Iterable[str]) -> StartOver:
    """A start over where `names` are in the way: those that the journal does not have with these bytes are kept."""
    names = tuple(names)
    kept = frozenset(name for name in names if not journal.wrote(journal.folder / name))
    return StartOver(journal.folder, names, kept, tuple(stays))


def check_folder(path: Path) -> None:
    """Raise Mismatch where the folder of a run is a file, or a link to nothing."""
    if path.is_symlink() and not path.exists():
        what = f"is a link to {str(path.readlink())!r}, which leads to no folder"
        raise Mismatch(f"{path} {what}. Create that folder, or name another one with --out.")
    if path.exists() and not path.is_dir():
        raise Mismatch(f"{path} is a file; --out names a folder.")


def _first(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])

"""A start over in a run's folder: what the run wrote is removed, what else is in its way gets another name."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.core.errors import Mismatch, counted
from robust_xtreme.core.sinks import visible
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL, Journal, check_writable, free_name, remove, rename

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
        kept = self._renamed(name for name in self.names if name in self.kept)
        other = f"; what is kept: {kept}" if kept else ""
        return visible(f"{what} {self.folder}{other}; what stays: {_first(self.stays) or 'nothing else'}")

    def kept_line(self, written: Container[str]) -> str:
        """What a run that continues keeps, of the names that are still to be `written`; empty where that is nothing."""
        kept = self._renamed(name for name in self.names if name in self.kept and name in written)
        return visible(f"what the run did not write is kept where it writes: {kept}") if kept else ""

    def _renamed(self, names: Iterable[str]) -> str:
        return ", ".join(f"{name} as {free_name(self.folder / name).name}" for name in names)

    def carry_out(self, tell: Callable[[str], None], line: str) -> None:
        """Report the line, then remove and rename. Raises DiskError, before all that where a folder is not writable."""
        paths = [self.folder / name for name in self.names]
        check_writable(self.folder, *{path.parent for path in paths})
        tell(line)
        for name, path in zip(self.names, paths, strict=True):
            rename(path, free_name(path)) if name in self.kept else remove(path)


def start_over(journal: Journal, names: Iterable[str], stays: Iterable[str]) -> StartOver:
    """A start over where `names` are in the way: those that the journal does not have with these bytes are kept."""
    names = tuple(names)
    kept = frozenset(name for name in names if not journal.wrote(journal.folder / name))
    return StartOver(journal.folder, names, kept, tuple(stays))


def check_folder(path: Path) -> None:
    """Raise Mismatch where the folder of a run is a file or a link to nothing, or its lock or journal is not a file."""
    if path.is_symlink() and not path.exists():
        what = f"is a link to {str(path.readlink())!r}, which leads to no folder"
        raise Mismatch(f"{path} {what}. Create that folder, or name another one with --out.")
    if path.exists() and not path.is_dir():
        raise Mismatch(f"{path} is a file; --out names a folder.")
    for name in (store.LOCK, JOURNAL):
        store.check_file(path / name)


def _first(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])

"""The journal of a run's folder: which bytes the run wrote there, so that it removes and replaces nothing else."""

import json
import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import Final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DiskError, Mismatch, RobustXtremeError, counted
from robust_xtreme.core.sinks import visible
from robust_xtreme.files import new_files, store

JOURNAL: Final = ".written.jsonl"
_KEPT: Final = ".kept"
_LARGE: Final = 1 << 28
_OPENED, _CLOSED = "opened", "closed"
_TEMPORARY: Final = re.compile(r"(.*/)?\.[^/]+\.[0-9a-f]+\.tmp")


@dataclass(frozen=True, slots=True)
class Journal:
    """What a run wrote in its folder. A file is the run's if and only if the journal has its name and these bytes.

    A line of the journal has a name, relative to the folder, and a mark: the sha256 of the bytes or, above 256 MiB,
    their number and the time of their last change. It is added before the file appears, and stays when a run starts
    over. Temporary files have lines when they begin and when they are gone. `listed` has the sha256 of the files of a
    run that was copied without its journal, a hidden file. `tell` gets a line for each file that gets another name.

    What a killed process was writing has no mark: a file of a temporary folder or name is the run's if the run gives
    the name that the file was to get, which `gives` says; it gets that name, relative to the folder.
    """

    folder: Path
    tell: Callable[[str], None] = lambda _: None
    listed: Mapping[str, str] = field(default_factory=dict)
    gives: Callable[[str], object] = lambda _: False

    def names(self) -> list[str]:
        """The names of the files that the run wrote and that are there, in the order in which they were written."""
        names = dict.fromkeys(name for name, mark in self._entries() if mark not in (_OPENED, _CLOSED))
        return [name for name in names if os.path.lexists(self.folder / name)]

    def wrote(self, path: Path) -> bool:
        """Whether the run wrote these bytes; a link, a folder or what cannot be read is not known to be the run's."""
        if path.is_symlink() or not path.is_file():
            return False
        name, lines = self._name(path), self._lines()
        with suppress(RobustXtremeError, OSError):
            return any(json.dumps((name, mark)) in lines for mark in _marks(path))
        return False

    def write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all. Raises DiskError."""
        self.write_by(path, lambda tmp: store.write_synced(tmp, content))

    def write_by(self, path: Path, make: Callable[[Path], None]) -> None:
        """Write a file whole or not at all; `make` writes and syncs a temporary file. Raises DiskError."""
        with self.temporary(path) as tmp:
            make(tmp)
            self.put(tmp, path)

    @contextmanager
    def temporary(self, path: Path) -> Iterator[Path]:
        """The path of a temporary file or folder beside a file that is to be written. Raises DiskError."""
        tmp = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
        try:
            with store.writing(path):
                self.make_folder(path.parent)
                self._add(self._name(tmp), _OPENED)
                yield tmp
        finally:
            with suppress(OSError, DiskError):
                self._discard(tmp)

    def put(self, tmp: Path, path: Path) -> None:
        """Move a whole file to its name. What is there and is not the run's gets another name, which is reported."""
        self.make_folder(path.parent)
        self._add(self._name(path), next(_marks(tmp)))
        if os.path.lexists(path) and not self.wrote(path):
            self.keep(path)
        new_files.replace(tmp, path)
        new_files.sync_folder(path.parent)

    def keep(self, path: Path, wanted: Path | None = None) -> None:
        """Report that what the run did not write gets another name, and rename it. Raises DiskError.

        `wanted` is the path without the ending of what is kept, where it is not the path itself.
        """
        other = free_name(wanted or path)
        self.tell(visible(f"{self._name(path)} is not as the run wrote it, and is kept as {other.name}"))
        rename(path, other)

    def remove(self, names: Callable[[str], object]) -> None:
        """Remove the run's files with such names, and then empty folders. Raises DiskError."""
        paths = [self.folder / name for name in self.names() if names(name)]
        for path in filter(self.wrote, paths):
            remove(path)
        for folder in sorted({parent for path in paths for parent in path.parents}, reverse=True):
            if self.folder in folder.parents:
                with suppress(OSError):
                    folder.rmdir()

    def sweep(self) -> None:
        """Remove the temporary files that a killed process of this run left. Call it while the folder is locked.

        Raises DiskError where the journal cannot be written, before anything is removed.
        """
        left = [name for name, mark in dict(self._entries()).items() if mark == _OPENED]
        if left:
            check_writable(self.folder)
        for name in left:
            with suppress(OSError, DiskError):
                self._discard(self.folder / name)

    def _discard(self, tmp: Path) -> None:
        """Remove the run's files of a temporary file or folder; what else is there gets a visible name."""
        if not self.folder.is_dir():
            return
        whole = tmp.with_name(tmp.name[1:].rsplit(".", 2)[0])
        remove_below(tmp, lambda path: self.gives(self._name(whole / path.relative_to(tmp))))
        if os.path.lexists(tmp):
            self.keep(tmp, whole)
        self._add(self._name(tmp), _CLOSED)

    def make_folder(self, folder: Path) -> None:
        """Make a folder within the run's; what else has its name gets another one. Raises DiskError."""
        for part in reversed([folder, *folder.parents]):
            if self.folder in part.parents and (part.is_symlink() or (part.exists() and not part.is_dir())):
                self.keep(part)
        store.make_folder(folder)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _add(self, name: str, mark: str) -> None:
        """Add a line, whose line break comes first, because a killed process may have left the line before cut."""
        path = self.folder / JOURNAL
        listed = [] if path.exists() else list(self.listed.items())
        content = "".join(f"\n{json.dumps(entry)}" for entry in (*listed, (name, mark)))
        with new_files.appended(path) as file:
            file.write(content.encode())

    def _lines(self) -> list[str]:
        """The lines of the journal. Raises Mismatch where something else has its name."""
        path = self.folder / JOURNAL
        store.check_file(path)
        try:
            return resources.content(path).decode("utf-8", "replace").split("\n")
        except OSError:
            return [json.dumps(entry) for entry in self.listed.items()]

    def _entries(self) -> Iterator[tuple[str, str]]:
        """The names and marks of the lines that a run can have written; they lead to nothing outside of its folder."""
        for line in self._lines():
            with suppress(ValueError, TypeError, RecursionError, OSError):
                name, mark = json.loads(line)
                if self._is_inside(name) and (mark not in (_OPENED, _CLOSED) or _TEMPORARY.fullmatch(name)):
                    yield name, mark

    def _is_inside(self, name: str) -> bool:
        """Whether a name is that of something in the folder, which no link leads out of. Raises TypeError, OSError."""
        path = PurePosixPath(name)
        plain = path.parts and not path.is_absolute() and ".." not in path.parts and name.isprintable()
        return bool(plain) and (self.folder / path).parent.resolve().is_relative_to(self.folder.resolve())


def _marks(path: Path) -> Iterator[str]:
    """The marks that a file may have in a journal, the first of which is written. Raises DataError, OSError."""
    facts = path.stat()
    if facts.st_size > _LARGE:
        yield f"{facts.st_size} {facts.st_mtime_ns}"
    yield store.sha256(path)


def remove(path: Path) -> None:
    """Remove a file, where it is there. Raises DiskError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"{path} cannot be removed: {error.strerror}.") from error


def remove_below(top: Path, ours: Callable[[Path], object]) -> None:
    """Remove a file that is ours, or such files below a folder and empty folders, but no links. Raises OSError."""
    below = [] if top.is_symlink() else sorted(top.rglob("*"), reverse=True)
    for path in [path for path in (*below, top) if not path.is_symlink()]:
        if path.is_dir():
            with suppress(OSError):
                path.rmdir()
        elif path.is_file() and ours(path):
            path.unlink()


def check_writable(run: Path, *others: Path) -> None:
    """Raise DiskError where the journal of a run, its folder or other folders cannot be written."""
    journal = run / JOURNAL
    for path in (run, *others, *([journal] if journal.exists() else [])):
        if not os.access(path, os.W_OK if path == journal else os.W_OK | os.X_OK):
            raise DiskError(f"{path} cannot be written: Permission denied. Make it writable.")


def rename(path: Path, other: Path) -> None:
    """Give a file the name under which it is kept. Raises DiskError."""
    try:
        path.rename(other)
    except OSError as error:
        raise DiskError(f"{path} cannot be renamed to {other.name}: {error.strerror}.") from error


def free_name(path: Path) -> Path:
    """The name under which a file is kept, which no file has: `NAME.kept`, `NAME.kept.2` and so on."""
    others = (path.with_name(f"{path.name}{_KEPT}{f'.{number}' if number > 1 else ''}") for number in count(1))
    return next(other for other in others if not os.path.lexists(other))


_NAMED: Final = 5


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
        more = [f"and {len(self.stays) - _NAMED} more"] if len(self.stays) > _NAMED else []
        stays = ", ".join([*self.stays[:_NAMED], *more]) or "nothing else"
        return visible(f"{what} {self.folder}{other}; what stays: {stays}")

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

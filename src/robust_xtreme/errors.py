"""One exception tree: every failure a user can meet is one line and one exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from warnings import warn

from robust_xtreme.renamed import note, renamed


class RobustXtremeError(Exception):
    """Our own bug, or the environment (disk, memory, network): exit code 3."""

    exit_code = 3


class DiskError(RobustXtremeError):
    """A folder could not be written."""


class FailedCells(RobustXtremeError):
    """Some cells of a run failed; the others are written."""


class UserError(RobustXtremeError):
    """A user's mistake or a mismatch of inputs: exit code 2."""

    exit_code = 2


class SpecError(UserError):
    """A specification (of a perturbation, a run, a limit) that cannot be read."""


class UnknownName(UserError):
    """A name that no registry contains."""

    def __init__(self, kind: str, name: str, known: Iterable[str], see: str) -> None:
        super().__init__(f"There is no {kind} named {name!r}.{nearest(name, known)} See: {see}")


def nearest(name: str, known: Iterable[str]) -> str:
    """The question ` Did you mean 'NAME'?` with the nearest known name; an empty text where none is near."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1) or difflib.get_close_matches(name.lower(), names, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def counted(count: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is 1: `1 row`, `2,490 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


class DataError(UserError):
    """A malformed data file, with its path and line; `foreign` where it seems to have another format."""

    def __init__(self, path: Path | str, what: str, line: int | None = None, *, foreign: bool = False) -> None:
        self.location = f"{path}:{line}" if line is not None else str(path)
        self.what, self.foreign = what, foreign
        super().__init__(f"{self.location}: {what}")


class UnreadableFiles(DataError):
    """The malformed files of a run, one line each."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        UserError.__init__(self, "\n".join(self.lines))


class MissingData(UserError):
    """A split that is not in any file under the data folder."""


class NoRows(MissingData):
    """A file of several languages that does not contain the requested one."""


class WrongVersion(MissingData):
    """A split whose file has another version than the task needs."""


class ModelError(UserError):
    """A checkpoint that cannot be loaded or does not fit the task."""


class Mismatch(UserError):
    """Two inputs that must be the same (data, model, spec, ids) and are not."""


class Locked(UserError):
    """A run folder that another process is writing."""


class Contamination(UserError):
    """Training data that are in an evaluated split."""


class NotFinite(RobustXtremeError):
    """A model gave a score that is not finite."""


def __getattr__(name: str) -> object:
    """The error that had this name in the version before, with a warning. Raises AttributeError for any other name."""
    row = renamed("errors", name)
    if row is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn(note(row), FutureWarning, stacklevel=2)
    return globals()[row.new]

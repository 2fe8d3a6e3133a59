"""Write output whole or not at all: to a temporary file in the same folder, which is then renamed."""

import errno
import gzip
import operator
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any, BinaryIO, Final, NamedTuple, SupportsIndex, cast

from robust_xtreme.core.errors import DataError, DiskError, SpecError, UserError, no_room, shown
from robust_xtreme.core.sinks import lost
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files import new_files
from robust_xtreme.noise.suites import keeping_names
from robust_xtreme.tasks.formats import PACKED, STREAM


def cell_of(function: str, spec: str, keep_names: bool) -> PerturbationSpec:
    """The perturbation at one strength that a function takes. Raises SpecError where a spec lists several."""
    parsed = PerturbationSpec.parse(spec)
    cell, *others = (keeping_names(parsed) if keep_names else parsed).cells()
    if others:
        raise SpecError(f"{str(parsed)!r} lists {1 + len(others)} strengths; {function} takes one, as in {cell}")
    return cell


def seed_of(function: str, seed: object, argument: str = "seed") -> int:
    """A seed, or another number, as an int; numpy's integers are accepted. Raises UserError naming the function."""
    if not isinstance(seed, bool):
        with suppress(TypeError):
            return operator.index(cast("SupportsIndex", seed))
    raise UserError(f"{function} takes a whole number as its {argument}, not {shown(seed)}.")


def folders_of(function: str, packs: object) -> Sequence[str | Path]:
    """The folders of packs, one or several. Raises UserError naming the function."""
    folders = [packs] if isinstance(packs, (str, Path)) else packs
    if not isinstance(folders, (list, tuple)) or not all(isinstance(folder, (str, Path)) for folder in folders):
        raise UserError(f"{function} takes packs=DIR or a list of folders, not {shown(packs)}")
    return folders


Write = Callable[[str | bytes], None]

_PATIENCE: Final = 5.0


class OutputFile(NamedTuple):
    """An output file: the option that names it, the name, and its resolved path (None: stdout)."""

    option: str
    name: str
    path: Path | None


def target(option: str, name: str, force: bool, apart: Mapping[str, str]) -> Path:
    """The path that an option names, with links resolved. Raises UserError where it may not be written.

    An existing file is overwritten only with `force`; a file in `apart`, which maps uses to files, never is.
    """
    path = Path(os.path.realpath(name))
    for use, other in apart.items():
        if other != STREAM and (Path(os.path.realpath(other)) == path or _is_same(other, path)):
            raise UserError(f"{option} {name} is the file {other} itself, which {use}. Name another file to write.")
    if path.is_symlink():
        raise UserError(f"{option} {name} is a link that leads to itself. Name another file.")
    if path.is_dir():
        raise UserError(f"{name} is a folder. Name a file in it: {name.rstrip('/')}/FILE")
    if name.endswith(("/", "/.")):
        what = f"There is no folder {name}"
        raise UserError(f"{what}. Make it and name a file in it, or name a file without / at the end.")
    if not path.parent.is_dir():
        step = f"Make it: mkdir -p {quote(str(path.parent))}"
        raise UserError(f"There is no folder {path.parent} to write {path.name} in. {step}")
    if path.is_file() and not force:
        raise UserError(f"{name} is there already. Name another file, or overwrite it: --force")
    return path


def _is_same(other: str, path: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


@contextmanager
def written(goals: Sequence[OutputFile]) -> Iterator[list[Write]]:
    """Functions that write text to some files: all files appear, or none if anything fails.

    A file whose name ends in `.gz` is compressed; the same content gives the same bytes.

    Raises DiskError where a file cannot be written. stdout and files that are not regular, such as pipes, are written
    directly, and keep what was written.
    """
    with ExitStack() as undo:
        with ExitStack() as moves, ExitStack() as files:
            made = [moves.enter_context(_moved(goal, undo)) for goal in goals]
            yield [files.enter_context(_filled(goal, file)) for goal, file in zip(goals, made, strict=True)]
        undo.pop_all()


@contextmanager
def _moved(goal: OutputFile, undo: ExitStack) -> Iterator[BinaryIO | None]:
    """The temporary file that is written in the block; then it is renamed or, where the block fails, removed."""
    path = goal.path
    if path is None or not (path.is_file() or not path.exists()):
        yield None
        return
    with ExitStack() as stack:
        with _disk_errors(goal):
            file = stack.enter_context(new_files.temporary(path))
        yield file
        with _disk_errors(goal):
            new_files.put(file, path, undo)


def _stream(path: Path) -> BinaryIO:
    """A pipe or a device, open for writing. Raises OSError where nothing reads a pipe within some seconds."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > until:
                raise OSError(errno.ENXIO, "nothing reads this pipe") from error
            time.sleep(0.05)
        else:
            os.set_blocking(handle, True)
            return os.fdopen(handle, "wb")


@contextmanager
def _filled(goal: OutputFile, made: BinaryIO | None) -> Iterator[Write]:
    """A function that writes to a file; at the end of the block a temporary file is synced to disk."""
    if goal.path is None:
        if sys.stdout is None:  # closed by the parent process
            raise UserError("stdout is closed. Name a file to write: --out FILE")
        yield partial(_write, goal, sys.stdout.buffer)
        with _disk_errors(goal):
            sys.stdout.flush()
            _check_taken(sys.stdout)
        return
    with _disk_errors(goal):
        file = made or _stream(goal.path)
    try:
        packed = gzip.GzipFile("", "wb", 6, file, mtime=0) if goal.name.lower().endswith(PACKED) else None
        yield partial(_write, goal, packed or file)
        with _disk_errors(goal):
            if packed:
                packed.close()
            if made:
                new_files.sync(made)
            file.close()
    finally:
        with suppress(OSError):  # the failure to write is reported already
            file.close()


def _write(goal: OutputFile, file: BinaryIO | gzip.GzipFile, text: str | bytes) -> None:
    with _disk_errors(goal):
        try:
            file.write(text if isinstance(text, bytes) else text.encode("utf-8"))
            _check_taken(file)
        except UnicodeEncodeError as error:
            what = f"the perturbation made {error.object[error.start]!r}, half of a character, in one of the texts."
            raise DataError(goal.name, what) from error


def _check_taken(stream: Any) -> None:
    """Raise OSError where stdout dropped something; where its reader is gone the command is done."""
    if error := lost(stream):
        raise SystemExit if isinstance(error, BrokenPipeError) else error


@contextmanager
def _disk_errors(goal: OutputFile) -> Iterator[None]:
    """Turn OSError into DiskError with the option and the name, except where the reader of stdout is closed."""
    try:
        yield
    except OSError as error:
        if goal.path is None and isinstance(error, BrokenPipeError):
            raise
        cure = no_room(error) or ("Make it writable" if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else "")
        step = f"{cure}, or name" if cure else "Name"
        what = f"{goal.name} cannot be written: {error.strerror or error}."
        raise DiskError(f"{what} {step} another file: {goal.option} FILE") from error

"""A folder that is written beside its place and renamed, so that it appears whole or not at all."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from robust_xtreme.core.errors import Mismatch, RobustXtremeError, plain
from robust_xtreme.files import store
from robust_xtreme.files.new_files import sync_folder

_RUN, _BEFORE = "run", "before"
_OURS: Final = (store.LOCK, _RUN, _BEFORE)


@contextmanager
def replacing(out: Path, check: Callable[[], None], ending: str) -> Iterator[Path]:
    """A folder to write into, which takes the place of `out` at the end of the block, unless it raises.

    The folder beside it, whose name has that ending, is locked until then; the folder that is replaced is in it
    meanwhile. `check` says whether `out` may be replaced. Raises Locked, DiskError, Mismatch.
    """
    if not out.name.strip("."):
        raise Mismatch(f"{out} does not name a folder. Name one with -o.")
    beside = _beside(out, ending)
    with store.writing(out), plain():
        try:
            beside.mkdir(0o700, parents=True)
        except FileExistsError:
            with suppress(FileNotFoundError):  # of another process, which is done
                _check_ours(beside)
    try:
        with store.lock(beside):
            try:
                _restored(out, beside / _BEFORE)
                shutil.rmtree(beside / _RUN, ignore_errors=True)
                (beside / _RUN).mkdir()
                yield beside / _RUN
                check()
                _moved(out, beside)
            finally:
                if not (beside / _BEFORE).exists() or out.exists():
                    shutil.rmtree(beside, ignore_errors=True)
    finally:
        with suppress(OSError):  # empty, where its lock cannot be made
            beside.rmdir()


def sweep(out: Path, ending: str) -> None:
    """Remove what is beside a folder that is in its place, where its process was killed after that."""
    beside = _beside(out, ending) if out.name.strip(".") and out.exists() else None
    if beside and beside.is_dir():
        with suppress(RobustXtremeError, OSError):
            _check_ours(beside)
            with store.lock(beside):
                shutil.rmtree(beside, ignore_errors=True)


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(f".{out.name}.{ending}")


def _check_ours(beside: Path) -> None:
    """Raise Mismatch where something else, or a folder of another user, has the name of the folder beside ours."""
    entries = [entry.name for entry in beside.iterdir()] if beside.is_dir() and not beside.is_symlink() else []
    owner = beside.lstat().st_uid
    if beside.is_symlink() or not beside.is_dir() or owner != os.geteuid() or set(entries) - {*_OURS}:
        raise Mismatch(f"{beside} is not what this command left. Move it away, or name another folder with -o.")


def _restored(out: Path, before: Path) -> None:
    if before.is_dir() and not out.exists():
        before.rename(out)
    shutil.rmtree(before, ignore_errors=True)


def _moved(out: Path, beside: Path) -> None:
    """Give the folder its name."""
    try:
        if out.exists():
            out.rename(beside / _BEFORE)
        (beside / _RUN).rename(out)
        sync_folder(out.parent)
    except OSError as error:
        with suppress(OSError):  # where nothing can be written any more
            _restored(out, beside / _BEFORE)
        kept = f"; the old one is whole in {beside / _BEFORE}, and the same command puts it back"
        raise store.disk_error(out, error, "folder: -o DIR" + kept * (beside / _BEFORE).exists()) from error

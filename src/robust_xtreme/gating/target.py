"""Where results are written: not over a file of a run or of a baseline, and not over a pipe or a device."""

from __future__ import annotations

from pathlib import Path

from robust_xtreme.core.errors import UserError
from robust_xtreme.exchange.perturbing import output
from robust_xtreme.files import store
from robust_xtreme.gating import _files
from robust_xtreme.report.document import files_of


def target(name: str, force: bool) -> Path:
    """The path that `-o` names, with links resolved. Raises UserError where it may not be written, `force` or not."""
    path = output.target("-o", name, force, {})
    if path.exists() and not path.is_file():
        raise UserError(f"-o {name} is not a regular file, but a pipe, a socket or a device. Name another file.")
    if path in (*files_of(path.parent), *files_of(path.parent.parent)):
        raise UserError(f"-o {name} is a file of the run in {path.parent}. Name another file to write.")
    if _files.is_of_baseline(path):
        raise UserError(f"-o {name} is a file of the baselines in {path.parent}. Name another file to write.")
    return path


def write(path: Path, content: bytes) -> None:
    """Write the file that `-o` names whole or not at all. Raises DiskError."""
    store.write(path, content, "file: -o FILE")

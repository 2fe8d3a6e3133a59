"""The recipes and run files that ship with the program, and a run's file by its path or its name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import SpecError, UnknownName
from robust_xtreme.core.run_paths import exists

SUFFIX: Final = ".toml"
TRAIN: Final = "train"
RUNS: Final = "runs"
LIST: Final = "robust-xtreme config list"


def shipped(folder: str) -> dict[str, Path]:
    """The files of `configs/FOLDER` by their names, without the suffix."""
    return {path.stem: path for path in sorted((resources.folder("configs") / folder).glob(f"*{SUFFIX}"))}


def find(name: str, folder: str) -> Path:
    """A run's file: a path, or the name of a file of `configs/FOLDER`. Raises UnknownName, SpecError."""
    path = Path(name)
    if exists(name) and not path.is_dir():
        return path
    known = shipped(folder)
    if name.removesuffix(SUFFIX) in known:
        return known[name.removesuffix(SUFFIX)]
    if path.is_symlink() and not path.exists():
        what = f"is a link to {str(path.readlink())!r}, which leads to no file"
        raise SpecError(f"{name} {what}. Name another file. See: {LIST}")
    if path.is_dir():
        raise SpecError(f"{name} is a folder. Name a file in it, as in {path / 'run.toml'}")
    beside = [str(file) for file in path.parent.glob(f"*{SUFFIX}")] if path.parent.is_dir() else []
    raise UnknownName("run file", name, [*known, *beside], LIST)

"""Compare the files of a run of `train` with their hashes, which its train.json contains since the run is complete."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, ModelError
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.files.manifest import read_manifest
from robust_xtreme.models.weights import MODEL_FILES, file_hash

CLAIM: Final = "train.json"
FILES: Final = "files"
"""The key of train.json: the sha256 of each file by its path in the run; empty until the run is complete."""

UNVERIFIED: Final = "its files are not verified"
"""What the sentence of `unverified` says."""

_MODEL, _STAGES = "model", "stages"
_READ: Final[Mapping[str, Collection[str]]] = {
    _MODEL: MODEL_FILES,
    "heads": ("*.safetensors",),
    _STAGES: ("*.json", "*.hashes"),
}
"""The files of each folder that are read, so that one that the run did not write is refused; others are not."""

_LONGEST: Final = 200
_REMEDY: Final = "Copy the run again from where it was trained, or move it away and train it again."
_REINSTALL: Final = "It is part of robust-xtreme: reinstall it (in a checkout: make mini)."


def claim_of(run: Path) -> dict[str, Any] | None:
    """The content of a run's train.json: empty where it is damaged; None where there is none."""
    if not (run / CLAIM).is_file():
        return None
    try:
        return read_manifest(run / CLAIM)
    except DataError:
        return {}


def hashes(run: Path, kept: Collection[str] = ()) -> dict[str, str]:
    """The sha256 of each file of a run's model, heads and stages but the `kept`. Raises ModelError."""
    return {name: file_hash(run / name) for name in names_of(run) if name not in kept}


def _remedy(run: Path) -> str:
    return _REINSTALL if resources.is_mini(run) else _REMEDY


def names_of(run: Path) -> list[str]:
    """The files of a run's model, heads and stages, relative to the run; hidden ones are left out."""
    paths = [path.relative_to(run) for folder in _READ for path in (run / folder).rglob("*") if path.is_file()]
    return sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))


def check_encoder(folder: Path) -> None:
    """Raise ModelError as `check_hashes` where a folder is the encoder of a run, RUN/model, and is not as trained."""
    path = folder.resolve()
    if path.name == _MODEL and (path.parent / _STAGES).is_dir():
        check_hashes(path.parent, f"{_MODEL}/")


def check_hashes(run: Path, inside: str = "") -> None:
    """Raise ModelError, one line, where a file of a run is missing, added or changed, or the run is not complete.

    Only files whose names begin with `inside` are compared. Runs of earlier versions contain no hashes: `unverified`
    says so. A run with a journal is of this version, so that its train.json was removed where there is none.
    """
    recorded = _recorded(run)
    if recorded is None:
        if not (run / CLAIM).exists() and (run / JOURNAL).exists() and (run / _MODEL).is_dir():
            what = f"{run}: {CLAIM} is missing, which contains the hashes of its files"
            raise ModelError(f"{what}. {_remedy(run)}")
        return
    if not recorded:
        what = f"{run} is not complete: its training stopped or still runs"
        raise ModelError(f"{what}. Continue it with the `train` command that began it.")
    names = [name for name in names_of(run) if name.startswith(inside)]
    for name in filter(lambda name: name.startswith(inside), recorded):
        if name not in names:
            raise ModelError(f"{run}: {name[:_LONGEST]} is missing. {_remedy(run)}")
        if file_hash(run / name) != recorded[name]:
            raise ModelError(f"{run}: {name} is damaged or was changed after training (sha256). {_remedy(run)}")
    added = next((name for name in names if name not in recorded and _is_read(name)), None)
    if added is not None:
        raise ModelError(f"{run}: {added} is not a file of this run. Move it elsewhere.")


def _is_read(name: str) -> bool:
    folder, _, file = name.partition("/")
    return "/" not in file and any(fnmatchcase(file, pattern) for pattern in _READ[folder])


def unverified(run: Path) -> str:
    """A sentence where a run contains no hashes of its files; else empty."""
    if _recorded(run) is not None:
        return ""
    name = run.resolve().name  # the sentence is stored, and what is stored contains no path
    if not (run / CLAIM).is_file():
        return f"{name}: {UNVERIFIED}, because it has no {CLAIM}."
    return f"{name}: {UNVERIFIED}, because its {CLAIM} contains no hashes (earlier versions)."


def _recorded(run: Path) -> dict[str, str] | None:
    """The hashes in a run's train.json; None where it contains none. Raises ModelError where the file is damaged."""
    path = run / CLAIM
    if not path.is_file():
        return None
    try:
        recorded: Any = read_manifest(path).get(FILES)
    except DataError as error:
        raise ModelError(f"{path} is damaged or was changed after training. {_remedy(run)}") from error
    if recorded is None:
        return None
    if not isinstance(recorded, dict) or not all(isinstance(value, str) for value in recorded.values()):
        raise ModelError(f"{path} is damaged: {FILES!r} does not list hashes. {_remedy(run)}")
    return recorded

"""The manifest of a run on disk: its own digest, and those of the run's files, which show whether one was changed."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import OTHERWISE, DataError
from robust_xtreme.files import store
from robust_xtreme.files.schema import Frame

MANIFEST: Final = "manifest.json"
REPORT: Final = "report.md"
PAGE: Final = "report.html"
IMPORTED: Final = "imported"
"""The key of the manifest of a run that others made: what it was imported from. It has no texts and no run.toml."""

FILES: Final = (
    *("predictions.parquet", "stats.parquet", "models.csv", "conditions.csv", "scores.csv", "deltas.csv"),
    *("averages.csv", REPORT, PAGE),
)
"""The files of a finished run, beside run.toml and the manifest."""

BESIDES: Final = ("attacks.csv", "calibration.csv")
"""The files that a run with attacks, or with scores of answers, has besides."""

_LARGEST: Final = 50_000_000  # bytes: some 80,000 task runs
_DIGEST: Final = "digest"
_ALGORITHM: Final = "sha256:"
_CHANGED: Final = "was changed after the run wrote it"


def unversioned_tasks(manifest: Mapping[str, Any]) -> frozenset[str]:
    """The tasks that functions without a version answer, of which nobody knows whether they are what they were."""
    return frozenset(
        model["task"]
        for model in manifest["models"]
        if (model.get("source") == "function" and not model.get("revision"))
        or ("reranker" in model and "reranker_version" not in model)
    )


def write_manifest(path: Path, manifest: Mapping[str, Any], write: store.Write = store.write) -> None:
    """Store a manifest with the digest of its content. Raises DiskError."""
    store.write_json(path, with_digest(manifest), write)


def read_manifest(path: Path, cure: str = OTHERWISE) -> dict[str, Any]:
    """A manifest without its digest. Raises DataError where it is not one, or was changed after it was written.

    The message ends with `cure`. A manifest that has no digest is read without it.
    """
    try:
        manifest = store.read_json(path, _LARGEST)
    except DataError as error:
        raise DataError(path, f"{str(error).removeprefix(f'{path}: ')}. {cure}") from error
    if not isinstance(manifest, dict):
        raise DataError(path, f"is not a manifest of a run. {cure}")
    content = path.read_bytes()
    if _DIGEST in manifest or _ALGORITHM.encode() in content:
        is_whole = False
        with suppress(ValueError):  # a number that is not finite
            is_whole = store.json_bytes(with_digest(manifest)) == content
        if not is_whole:
            raise DataError(path, f"{_CHANGED}. {cure}")
    return {key: entry for key, entry in manifest.items() if key != _DIGEST}


def with_digest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The same content with its digest, instead of the digest that it has."""
    content = {key: value for key, value in manifest.items() if key != _DIGEST}
    return {**content, _DIGEST: _ALGORITHM + hashlib.sha256(store.json_bytes(content)).hexdigest()}


def frame_of(folder: Path, name: str, frame: Frame, manifest: Mapping[str, Any]) -> pl.DataFrame:
    """A frame of a finished run. Raises DataError where its file was changed or is malformed."""
    check_file(folder, name, manifest)
    return store.read_frame(folder / name, frame)


def check_file(folder: Path, name: str, manifest: Mapping[str, Any]) -> None:
    """Raise DataError where a file of a finished run is not that of its manifest."""
    digest, is_there = manifest.get("files", {}).get(name), os.path.lexists(folder / name)
    if digest is not None and not (is_there and store.sha256(folder / name) == digest):
        what = _CHANGED if is_there else "is missing"
        raise DataError(folder / name, f"{what}. The command of the run, given again, writes it again.")

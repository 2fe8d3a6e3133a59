"""Reads the logs of inspect: `.eval`, a zip file with a JSON for each sample, compressed by deflate or zstd.

Only what is needed is read, in memory: nothing is unpacked to disk, and no entry is larger than a limit. A sample of
what `export inspect` wrote says in its metadata which of our examples it is, under which condition and noise seed.
"""

from __future__ import annotations

import io
import json
import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.errors import DataError, Mismatch, MissingData, shown
from robust_xtreme.importing.lm_eval import OURS
from robust_xtreme.importing.raw import Given, raw_frame
from robust_xtreme.importing.run import Read
from robust_xtreme.results import store
from robust_xtreme.sinks import json_text

SUFFIX: Final = ".eval"
_HEADER: Final = "header.json"
_SAMPLE: Final = re.compile(r"samples/.+\.json")
_LARGEST: Final = 1 << 27
_ZSTANDARD: Final = (20, 93)
_LOCAL: Final = 30
_UNREADABLE: Final = (
    *(OSError, EOFError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError),
)
"""What Python raises where an entry is damaged, is encrypted, or is packed in a way that it does not know."""

_LETTERS: Final = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""The values of inspect's scorers: correct, incorrect, partial, and no answer."""

_NO_ANSWER: Final = "N"
_NAMED: Final = ("task", "task_args", "model_roles")
"""What tells the logs of a model apart."""

_WAY: Final = ("task_version", "model_args", "model_generate_config", "solver", "solver_args")
"""What the logs of a task have in common."""


@final
@dataclass(frozen=True, slots=True)
class Log:
    """One evaluation: its header and its samples."""

    path: Path
    header: Mapping[str, Any]

    @property
    def evaluation(self) -> Mapping[str, Any]:
        """What was evaluated."""
        return _mapping(self.header.get("eval"))

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.evaluation.get("model") or "")

    @property
    def inference(self) -> str:
        """How it was answered; runs that differ in it are not compared."""
        packages, version = _mapping(self.evaluation.get("packages")), self.evaluation.get("task_version", 0)
        return f"inspect {packages.get('inspect_ai', 'of unknown version')}, task version {version}"


def read(paths: Sequence[Given], only_model: str = "") -> Read:
    """The samples of some logs, or of those in folders.

    Raises MissingData where there are none, Mismatch where they are of several models or an evaluation did not end,
    DataError naming a file and an entry.
    """
    logs = [(log, given) for given in paths for log in latest(map(_log, _files(given.path)))]
    if not logs:
        raise MissingData(f"{paths[0].path} has no {SUFFIX} files.")
    kept = [(log, given) for log, given in logs if not only_model or log.model == only_model]
    _check([log for log, _ in kept or logs])
    ways: dict[Any, Log] = {}
    rows = [row for log, given in kept for row in _rows(log, given, ways)]
    names = [{"name": log.path.name, "sha256": store.sha256(log.path)} for log, _ in kept]
    inference = (kept or logs)[0][0].inference
    notes = (f"Answered by {inference.partition(',')[0]}; {len(kept)} of its logs.",)
    return Read(
        lambda: raw_frame(rows), ", ".join(str(given.path) for given in paths), _source(names, inference), notes
    )


def _source(names: Sequence[Mapping[str, str]], inference: str) -> dict[str, Any]:
    return {"format": "inspect", "files": [*names], "inference": inference}


def latest(logs: Iterable[Log]) -> list[Log]:
    """Of several logs of a task by one model, with the same arguments, the latest."""
    ordered = sorted(logs, key=lambda log: (str(log.evaluation.get("created") or ""), log.path))
    return [*{(log.model, *(json_text(log.evaluation.get(key)) for key in _NAMED)): log for log in ordered}.values()]


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]


def _check(logs: Sequence[Log]) -> None:
    """Raise Mismatch where logs are of several models, or an evaluation did not end."""
    models = sorted({log.model for log in logs})
    if len(models) > 1:
        raise Mismatch(f"The logs are of several models: {', '.join(map(shown, models[:5]))}. Name one: --only-model.")
    for log in logs:
        if (status := log.header.get("status")) != "success":
            raise Mismatch(f"{log.path.name}: the evaluation did not end: its status is {shown(status)}.")


# ------------------------------------------------------------------------------------------------------------ the file


def _log(path: Path) -> Log:
    header = _mapping(dict(_entries(path, re.compile(re.escape(_HEADER)))).get(_HEADER))
    if not header:
        raise DataError(path, f"is not a whole log of inspect: it has no {_HEADER}")
    return Log(path, header)


def _entries(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, Any]]:
    """The JSON of the entries with names of a pattern. Raises DataError naming what cannot be read."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as packed:
            for entry in sorted(packed.infolist(), key=lambda entry: entry.filename):
                if wanted.fullmatch(entry.filename):
                    yield entry.filename, _json(path, entry, _content(file, packed, entry))
    except _UNREADABLE as error:
        raise DataError(path, f"is not a readable log of inspect: {error}") from error


def _content(file: Any, packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > _LARGEST:
        raise zipfile.BadZipFile(f"{entry.filename} has {entry.file_size:,} bytes")
    if entry.compress_type not in _ZSTANDARD:
        with packed.open(entry) as opened:
            return opened.read(_LARGEST)
    return _zstandard(file, entry)


def _zstandard(file: Any, entry: zipfile.ZipInfo) -> bytes:
    """The content of an entry that Python's reader of zip files cannot decompress."""
    import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

    file.seek(entry.header_offset)
    local = file.read(_LOCAL)
    names = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
    file.seek(entry.header_offset + _LOCAL + names)
    try:
        with pa.CompressedInputStream(io.BytesIO(file.read(entry.compress_size)), "zstd") as stream:
            content: bytes = stream.read(entry.file_size + 1)
    except pa.ArrowException as error:
        raise zipfile.BadZipFile(str(error)) from error
    if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
        raise zipfile.BadZipFile(f"{entry.filename} is damaged")
    return content


def _json(path: Path, entry: zipfile.ZipInfo, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"{entry.filename} is not JSON: {error}") from error


# --------------------------------------------------------------------------------------------------------- the samples


def _rows(log: Log, given: Given, ways: dict[Any, Log]) -> Iterator[dict[str, Any]]:
    """The raw rows of a log; `ways` has one for each task and language. Raises Mismatch where the way is another."""
    for name, sample in _entries(log.path, _SAMPLE):
        if not isinstance(sample, dict) or "id" not in sample:
            raise DataError(log.path, f"{name} is not a sample of inspect: it has no id")
        if sample.get("epoch", 1) != 1:
            raise Mismatch(f"{log.path.name}: the sample {shown(sample['id'])} was answered in several epochs.")
        row = _row(log, given, sample, name)
        before = ways.setdefault((row.get("task"), row.get("language")), log)
        for key in _WAY:
            if before.evaluation.get(key) != log.evaluation.get(key):
                what = f"{key.replace('_', ' ')} of {log.path.name} is not that of {before.path.name}"
                raise Mismatch(f"The {what}. Evaluate clean and noisy samples in the same way.")
        yield row


def _row(log: Log, given: Given, sample: Mapping[str, Any], name: str) -> dict[str, Any]:
    scores, answer, is_parsed = _scored(log, sample, name)
    target = sample.get("target")
    row = {**_known(log, given, sample, name), "scores": json_text(scores) if scores else None}
    number = None if answer is None else _choice(answer, sample)
    if isinstance(sample.get("choices"), list) and sample["choices"]:
        row |= {"prediction": number, "gold": _choice(str(target), sample)}
    else:
        row |= {"prediction": answer, "gold": json_text(target) if isinstance(target, list) else target}
    if (not is_parsed or row["prediction"] is None) and row.get("status") in (None, "ok", "unchanged"):
        row |= {"status": "unparsed", "prediction": None}
    return {**row, "model": log.model or None, "inference": log.inference}


def _choice(letter: str, sample: Mapping[str, Any]) -> str | None:
    """The number of a choice by its letter; None for anything else."""
    number = ord(letter) - ord("A") if len(letter) == 1 else -1
    choices = sample.get("choices")
    return str(number) if isinstance(choices, list) and 0 <= number < len(choices) else None


def _known(log: Log, given: Given, sample: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Which example a sample is, and what noise did to it: as exported, else its id and what was given."""
    known = _mapping(sample.get("metadata")).get(OURS)
    if known is None:
        task = None if given.has_task else str(log.evaluation.get("task") or "inspect")
        return {"id": str(sample["id"]), "task": task, "condition": given.condition}
    try:
        row = dict(json.loads(known) if isinstance(known, str) else known)
        return {"id": row.pop("example"), **{key: value for key, value in row.items() if value != ""}}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(log.path, f"the metadata {OURS} of {name} are not what `export inspect` wrote") from error


def _scored(log: Log, sample: Mapping[str, Any], name: str) -> tuple[dict[str, float], str | None, bool]:
    """The scores of a sample by scorer, the answer that the first of them found, and whether it found one."""
    scores: dict[str, float] = {}
    answer: str | None = None
    is_parsed = True
    for scorer, score in _mapping(sample.get("scores")).items():
        value = _mapping(score).get("value")
        number = _LETTERS.get(value, math.nan) if isinstance(value, str) else value
        if not isinstance(number, (bool, int, float)) or not 0 <= number <= 1:
            raise DataError(log.path, f"the score {scorer} of {name} is {shown(value)}. Scores are from 0 to 1")
        if not scores:
            text = _mapping(score).get("answer")
            answer = text if isinstance(text, str) and text.strip() else None
            is_parsed = value != _NO_ANSWER and answer is not None
        scores[str(scorer)] = float(number)
    if sample.get("error"):
        raise DataError(log.path, f"{name} ended in an error and has no score. Evaluate it again with eval-retry")
    return scores, answer, is_parsed


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

"""Reads the logs of inspect: `.eval`, a zip file with a JSON for each sample, by deflate or zstd, or one JSON.

Only what is needed is read, a sample at a time: nothing is unpacked to disk, and neither an entry nor an archive
unpacks to more than a limit, which is known before it is read. A sample of what `export inspect` wrote says in its
metadata which of our examples it is, under which condition and noise seed.
"""

import io
import lzma
import math
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from statistics import fmean
from string import ascii_uppercase
from typing import Any, Final, NamedTuple

import polars as pl

from robust_xtreme.core import resources, strict_json
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, counted, shown
from robust_xtreme.core.sinks import json_text
from robust_xtreme.exchange.exporting.harness.sheet import IDENTITY as OURS
from robust_xtreme.exchange.importing.items import ImportedFile, raw_frame
from robust_xtreme.exchange.importing.lm_eval import LogReading, check_one, exported, listed, mapping
from robust_xtreme.exchange.importing.run import Read
from robust_xtreme.exchange.importing.scoring import ACCURACY, differing_level, metric_of
from robust_xtreme.files import store

SUFFIX: Final = ".eval"
_HEADER: Final = "header.json"
_SAMPLE: Final = re.compile(r"samples/.+\.json")
_LARGEST: Final = 1 << 27
_LEAST: Final = 1 << 26
_TIMES: Final = 64
"""What an archive may unpack to: so many times its size, and at least `_LEAST` bytes. Texts pack to a tenth or so."""

_ZSTANDARD: Final = (20, 93)
_LOCAL: Final = 30
_UNREADABLE: Final = (
    *(OSError, EOFError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError),
)
"""What Python raises where an entry is damaged, is encrypted, or is packed in a way that it does not know."""

_LETTERS: Final = {"c": 1.0, "i": 0.0, "p": 0.5, "n": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""The values of inspect's scorers as it counts them: correct, incorrect, partial, and no answer."""

_UNPARSED: Final = "unparsed"
_CHARACTERS: Final = [*ascii_uppercase, *map(str, range(1, 100))]
"""The names of choices."""

_NAMED: Final = ("task", "task_args", "model_args", "model_base_url", "model_roles")
"""What tells the logs of a model apart."""

_WAY: Final = ("task_version", "model_args", "model_base_url", "model_generate_config", "solver", "solver_args")
"""What the logs of a task have in common."""

_EXAMPLE: Final = ("model", "task", "language", "id")
_EPOCH: Final = re.compile(r"_epoch_\d+\.json")


class InspectLog(NamedTuple):
    """One evaluation: its header and its samples."""

    path: Path
    header: Mapping[str, Any]

    @property
    def evaluation(self) -> Mapping[str, Any]:
        """What was evaluated."""
        return mapping(self.header.get("eval"))

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.evaluation.get("model") or "")

    @property
    def inference(self) -> str:
        """How it was answered; runs that differ in it are not compared."""
        packages, version = mapping(self.evaluation.get("packages")), self.evaluation.get("task_version", 0)
        return f"inspect {packages.get('inspect_ai', 'of unknown version')}, task version {version}"


def read(
    paths: Sequence[ImportedFile], only_model: str | None = "", is_closed: bool = False, score: str = "", epoch: int = 0
) -> Read:
    """The samples of some logs, or of those in folders; `is_closed`: the first score is the accuracy of a label.

    `score` names scorers, or keys of the dictionaries of their scores, joined by commas. Of several epochs the one with
    the number is read, by default the mean of each sample. Examples that are not scored somewhere are left out.

    Raises MissingData where there are none, Mismatch where they are of several models or an evaluation did not end,
    DataError naming a file and an entry.
    """
    logs = [(log, given) for given in paths for log in latest(map(_log, files(given.path)))]
    if not logs:
        raise MissingData(f"{paths[0].path} has no {SUFFIX} files.")
    kept = [(log, given) for log, given in logs if not only_model or log.model == only_model]
    check_one((log.model for log, _ in kept or logs), only_model)
    for log, _ in kept or logs:
        if (status := log.header.get("status")) != "success":
            raise Mismatch(f"{log.path.name}: the evaluation did not end: its status is {shown(status)}.")
    ways: dict[Any, InspectLog] = {}
    reading = LogReading([name.strip() for name in score.split(",") if name.strip()], is_closed, epoch)
    rows = pl.concat([pl.DataFrame(), *(_of_log(log, given, ways, reading) for log, given in kept)], how="diagonal")
    rows = _scored_alone(rows, reading) if rows.height else rows
    if len({many for _, many in reading.epochs}) > 1 and not epoch:
        each = ", ".join(f"{name} {count:,} of {many}" for (name, many), count in sorted(reading.epochs.items()))
        reading.notes[f"Samples have unequal numbers of epochs: {each}. A mean of fewer is less exact."] = None
    names = [{"name": log.path.name, "sha256": store.sha256(log.path)} for log, _ in kept]
    inference = (kept or logs)[0][0].inference
    notes = (f"Answered by {inference.partition(',')[0]}; {len(kept)} of its logs.", *reading.notes)
    source = {"format": "inspect", "files": names, "inference": inference}
    return Read(lambda: rows, ", ".join(str(given.path) for given in paths), source, notes, tuple(reading.differing))


def _scored_alone(rows: pl.DataFrame, reading: LogReading) -> pl.DataFrame:
    """The rows without examples that are not scored somewhere; the identity of data that lost some is not known."""
    names = [name for name in _EXAMPLE if name in rows.columns]
    unscored = rows.filter(pl.col("scores").is_null()).select(names)
    if unscored.is_empty():
        return rows
    kept = rows.join(unscored, on=names, how="anti", nulls_equal=True, maintain_order="left")
    what = f"{counted(rows.height - kept.height, 'row')} left out, of examples that are not scored (NaN) in"
    reading.notes[f"{what} {counted(unscored.height, 'row')}."] = None
    of_data = pl.struct(names[:-1])
    is_less = of_data.is_in(unscored.select(of_data).to_series().implode())
    return kept.with_columns(data=pl.when(~is_less).then("data")) if "data" in rows.columns else kept


def is_log(path: Path) -> bool:
    """Whether a file is a log: an archive by its name, JSON by what is in it. Raises DataError where it is no JSON."""
    try:
        log = path.suffix == ".json" and strict_json.loads(resources.content(path, _LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) or getattr(error, "msg", "") == "Extra data":  # too large, or lines of JSON
            return False
        raise DataError(path, f"is not JSON: {error}") from error
    whole = mapping(log)
    return path.suffix == SUFFIX or isinstance(whole.get("samples"), list) or isinstance(whole.get("eval"), dict)


def latest(logs: Iterable[InspectLog]) -> list[InspectLog]:
    """Of several logs of a task by one model, with the same arguments, the latest."""
    ordered = sorted(logs, key=lambda log: (str(log.evaluation.get("created") or ""), log.path))
    return [*{(log.model, *(json_text(log.evaluation.get(key)) for key in _NAMED)): log for log in ordered}.values()]


def files(path: Path) -> list[Path]:
    """The logs in a folder and those below it, or the one that is named."""
    logs = {*path.rglob(f"*{SUFFIX}"), *filter(is_log, path.rglob("*.json"))} if path.is_dir() else {path}
    return sorted(logs)


def _log(path: Path) -> InspectLog:
    header = mapping(dict(_entries(path, re.compile(re.escape(_HEADER)))).get(_HEADER))
    if not header:
        raise DataError(path, f"is not a whole log of inspect: it has no {_HEADER}")
    return InspectLog(path, header)


def _entries(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, Any]]:
    """The JSON of the entries with names of a pattern. Raises DataError naming what cannot be read."""
    try:
        if path.suffix != SUFFIX:
            log = mapping(_json(path, "it", resources.content(path, _LARGEST)))
            parts = [
                (_HEADER, {**log, "samples": None}),
                *((f"samples/{at}.json", each) for at, each in enumerate(listed(log.get("samples")))),
            ]
            parts.sort(key=lambda part: str(mapping(part[1]).get("id")))
            yield from (part for part in parts if wanted.fullmatch(part[0]))
            return
        with path.open("rb") as file, zipfile.ZipFile(file) as packed:
            _check_size(path, packed)
            # Of several entries with a name the last counts; the epochs of a sample are together.
            for name in sorted({*packed.namelist()}, key=lambda name: (_EPOCH.split(name), name)):
                if wanted.fullmatch(name):
                    yield name, _json(path, name, _content(file, packed, packed.getinfo(name)))
    except _UNREADABLE as error:
        raise DataError(path, f"is not a readable log of inspect: {error}") from error


def _check_size(path: Path, packed: zipfile.ZipFile) -> None:
    """Raise BadZipFile where the archive unpacks to too much, or an entry does."""
    entries = packed.infolist()
    for entry in entries:
        if entry.file_size > _LARGEST:
            raise zipfile.BadZipFile(f"{entry.filename} has {entry.file_size:,} bytes")
    size, most = sum(entry.file_size for entry in entries), max(_LEAST, _TIMES * path.stat().st_size)
    if size > most:
        raise zipfile.BadZipFile(f"it unpacks to {size:,} bytes, and at most {most:,} of one of its size are read")


def _content(file: Any, packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The content of an entry, also of one by zstd, which Python's reader of zip files cannot decompress."""
    if entry.compress_type not in _ZSTANDARD:
        with packed.open(entry) as opened:
            return opened.read(_LARGEST)
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


def _json(path: Path, name: str, content: bytes) -> Any:
    try:
        return strict_json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"{name} is not JSON: {error}") from error


def _of_log(log: InspectLog, given: ImportedFile, ways: dict[Any, InspectLog], reading: LogReading) -> pl.DataFrame:
    """The raw rows of a log. Where none has an answer, none is without one. Raises Mismatch where some are missing."""
    every, epochs = dict[str, list[float]](), Counter[int]()
    left = _rows(log, given, reading, every, epochs)
    chunks = iter(lambda: [*islice(left, 4096)], [])  # so that they are not all kept as dictionaries
    rows = pl.concat([pl.DataFrame(), *map(raw_frame, chunks)], how="diagonal")
    if rows.height and "scores" not in rows.columns:
        raise DataError(log.path, "no sample is scored: each has a score that is NaN")
    if (many := max(epochs, default=1)) > 1:
        read = f"number {reading.epoch}" if reading.epoch else "the mean score of each sample"
        reading.notes[f"Of {many} epochs {read} was read."] = None
        rows = rows if reading.epoch else rows.drop("prediction", "answer", strict=False)  # several answers are not one
    if {"prediction", "answer"}.isdisjoint(rows.columns) and "status" in rows.columns:
        rows = rows.with_columns(pl.col("status").replace(_UNPARSED, None))
    for row in rows.select(name for name in _EXAMPLE[:-1] if name in rows.columns).unique().iter_rows():
        before = ways.setdefault(row, log)
        for key in _WAY:
            if before.evaluation.get(key) != log.evaluation.get(key):
                what = f"{key.replace('_', ' ')} of {log.path.name} is not that of {before.path.name}"
                raise Mismatch(f"The {what}. Evaluate clean and noisy samples in the same way.")
    results, count = mapping(log.header.get("results")), sum(size * samples for size, samples in epochs.items())
    if (completed := results.get("completed_samples", count)) != count:
        raise Mismatch(f"{log.path.name} has {counted(count, 'sample')}, and its results are of {shown(completed)}.")
    for score in map(mapping, listed(results.get("scores"))):
        name, metrics = str(score.get("name")), mapping(score.get("metrics"))
        level = mapping(metrics.get("accuracy") or metrics.get("mean")).get("value")
        means = every.get(name) or every.get(f"{score.get('scorer')}.{name}")
        if means and isinstance(level, (int, float)) and (many < 2 or score.get("reducer") in (None, "mean")):
            reading.differing += differing_level(log.path.name, metric_of(name), means, level)
    return rows


def _rows(
    log: InspectLog, given: ImportedFile, reading: LogReading, every: dict[str, list[float]], epochs: Counter[int]
) -> Iterator[dict[str, Any]]:
    """The raw rows of a log, without scores where one is NaN; means of samples, and how many epochs, are collected."""
    for id, entries in groupby(_entries(log.path, _SAMPLE), key=lambda entry: str(mapping(entry[1]).get("id"))):
        answers: dict[int, tuple[str, Any, dict[str, float], str | None, bool]] = {}
        for name, sample in entries:
            if not isinstance(sample, dict) or "id" not in sample:
                raise DataError(log.path, f"{name} is not a sample of inspect: it has no id")
            if type(epoch := sample.get("epoch", 1)) is not int or epoch in answers:
                raise DataError(log.path, f"the epoch of {name} is {shown(epoch)}, no number or there twice")
            answers[epoch] = (name, sample, *_scored(log, sample, name, reading.names))
        epochs[len(answers)] += 1
        if (chosen := reading.epoch or min(answers)) not in answers:
            raise Mismatch(f"{log.path.name}: the sample {shown(id)} has no epoch {chosen}.")
        name, sample, scores, answer, is_answer = answers[chosen]
        for key in scores:
            values = [each[2][key] for each in answers.values() if not math.isnan(each[2].get(key, math.nan))]
            every.setdefault(key, []).extend([fmean(values)] if values else [])
            scores[key] = scores[key] if reading.epoch else fmean(values or [math.nan])
        known, first = _known(log, given, sample, name), next(iter(scores.values()))
        reading.epochs[(str(known.get("condition") or log.path.name), len(answers))] += 1
        is_choice = "choice" in scores or (OURS in mapping(sample.get("metadata")) and sample.get("choices"))
        if reading.is_closed or (is_choice and next(iter(scores)) in sample["scores"]):
            scores = {ACCURACY: first, **scores}
        kept = {} if known.get("status") in (None, "ok", "unchanged") else {"status": known["status"]}
        kept["scores"] = None if any(map(math.isnan, scores.values())) else json_text(scores)
        row = {**known, **_row(sample, first, answer, is_answer), **kept}
        yield row | {"model": log.model or None, "inference": log.inference}


def _row(sample: Mapping[str, Any], first: float, answer: str | None, is_answer: bool) -> dict[str, Any]:
    """What a sample was answered, with its first score."""
    row = dict[str, Any]()
    target, choices = sample.get("target"), sample.get("choices")
    if isinstance(choices, list) and choices:
        gold = _chosen([*target] if isinstance(target, str) else target, choices)
        chosen = _chosen((answer or "").split(","), choices)
        is_one = chosen is not None and (len(chosen) == 1 or (gold is not None and len(gold) > 1))
        row |= {"prediction": ", ".join(chosen or ()) if is_one else None, "answer": None if is_one else answer}
        target = target if gold is None else ", ".join(gold)
    else:
        row["prediction"] = answer
    row["gold"] = json_text(target) if isinstance(target, list) else target
    if not is_answer or (row["prediction"] is None and not first):
        row |= {"status": _UNPARSED, "prediction": None}
    return row


def _chosen(letters: Any, choices: Sequence[Any]) -> list[str] | None:
    """The numbers of choices by their letters, in order; None where one is not that of a choice, or none is there."""
    named = [str(letter).strip() for letter in letters] if isinstance(letters, list) else []
    known = _CHARACTERS[: len(choices)]
    return [str(number) for number in sorted(map(known.index, named))] if named and {*named} <= {*known} else None


def _known(log: InspectLog, given: ImportedFile, sample: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Which example a sample is, and what noise did to it: as exported, else its id and what was given."""
    known = mapping(sample.get("metadata")).get(OURS)
    if known is None:
        task = None if given.task else str(log.evaluation.get("task") or "inspect")
        return {"id": str(sample["id"]), "task": task, "condition": given.condition}
    return exported(known, DataError(log.path, f"the metadata {OURS} of {name} are not what `export inspect` wrote"))


def _scored(
    log: InspectLog, sample: Mapping[str, Any], name: str, names: Sequence[str]
) -> tuple[dict[str, float], str | None, bool]:
    """The scores of a sample, or those named, the answer that the first scorer found, and whether it may have one."""
    if sample.get("error"):
        raise DataError(log.path, f"{name} ended in an error and has no score. Evaluate it again with eval-retry")
    every: dict[str, tuple[Any, Any]] = {}  # a value and its answer; a key of a dictionary is `scorer.key`
    for scorer, score in mapping(sample.get("scores")).items():
        value, answer = mapping(score).get("value"), mapping(score).get("answer")
        parts = {f"{scorer}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {scorer: value}
        every |= {part: (each, answer) for part, each in parts.items()}
    if not every:
        raise DataError(log.path, f"{name} has no score. Score it with `inspect score`")
    numbers, found = dict[str, float](), list[tuple[Any, Any]]()
    for wish in names or sample["scores"]:
        at = [wish] if wish in every else [part for part in every if part.endswith(f".{wish}")]
        if not at and any(value != value for value, _ in every.values()):  # a scorer of dictionaries that gave none
            found.append((math.nan, None))
        elif len(at) == 1:
            found.append(every[at[0]])
        else:
            what = f"{name} has {'several scores' if at else 'no score'} {shown(wish)}, but {', '.join([*every][:9])}"
            raise DataError(log.path, f"{what}. Name one: --score {next(iter(every)).rpartition('.')[2]}")
        number = _LETTERS.get(value.lower()) if isinstance(value := found[-1][0], str) else value
        if not isinstance(number, (bool, int, float)) or number < 0 or number > 1:
            what = f"the score {wish} of {name} is {shown(value)}"
            raise DataError(log.path, f"{what}. Scores are from 0 to 1; lists of them are not read")
        numbers[wish] = float(number)
    value, answer = found[0]
    return numbers, answer if isinstance(answer, str) and answer.strip() else None, value != "N"

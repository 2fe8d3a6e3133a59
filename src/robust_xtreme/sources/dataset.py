"""The tasks' datasets on the hub: files at a pinned commit, read by the hub's own library without a connection."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.errors import DataError, MissingData, RobustXtremeError, SpecError, UserError
from robust_xtreme.sources.hub import Snapshot, cache_folder, files, is_offline, matching, snapshot
from robust_xtreme.sources.paths import expand
from robust_xtreme.sources.rows import SPLITS, Found, is_language
from robust_xtreme.specs import HubFiles, Row, TaskSpec

_BATCH: Final = 1000
_SHARD: Final = re.compile(r"-(\d{5})-of-(\d{5})\.")
_PIN: Final = re.compile(r"([\w.-]+/[\w.-]+)@([\w./-]+)")


@final
@dataclass(frozen=True, slots=True)
class Hub:
    """The hub; `pins` contains revisions that are instead of the tasks' own, `commits` what branches pointed to."""

    offline: bool
    pins: Mapping[str, str]
    commits: dict[tuple[str, str], str] = field(default_factory=dict)
    within = " on the hub"
    see = "robust-xtreme list tasks"
    unlabelled = ""

    def __str__(self) -> str:
        return "the hub"

    @property
    def remedy(self) -> str:
        """What to do where nothing is found."""
        if not self.offline:
            return "What each task has: robust-xtreme list tasks"
        return f"Looked in the hub's cache {cache_folder()}; the same command without --offline fetches it."

    def languages(self, task: TaskSpec) -> tuple[str, ...]:
        """The task's own; none where the hub does not have it."""
        return task.languages if task.hub else ()

    def splits(self, task: TaskSpec) -> tuple[str, ...]:
        """The splits that the task names a dataset for."""
        return tuple(one for one in SPLITS if one in task.hub)

    def lacks(self, task: TaskSpec) -> str:
        """What is stated where there are no splits."""
        why = f" {task.absent}" if task.absent else " Name its release files with --data DIR."
        return f"{task.name} names no dataset on the hub.{why}"

    def holds(self, task: TaskSpec, language: str, split: str) -> bool:
        """Whether the task names a dataset for that; offline, whether it is in the hub's cache."""
        if split not in task.hub or (split == "train" and language not in task.train_languages):
            return False
        return not self.offline or self._cached(task.hub[split], language)

    def fetch(self, task: TaskSpec, languages: Sequence[str], split: str) -> None:
        """Bring the files of several languages here at once; what the hub does not have is told when it is read.

        Raises UserError, RobustXtremeError.
        """
        known = self.languages(task)
        held = [one for one in languages if is_language(task, one, known) and self.holds(task, one, split)]
        if self.offline or not held:
            return
        try:
            self._snapshot(task.hub[split], *held)
        except MissingData:
            return
        except RobustXtremeError as error:
            raise type(error)(f"{task.name}: {error}") from error

    def read(self, task: TaskSpec, language: str, split: str) -> Found:
        """The rows of one split. Raises MissingData, UserError, DataError, RobustXtremeError."""
        if not self.holds(task, language, split):
            raise MissingData(self.missing(task, language, [split]))
        return self._read(f"{task.name} {language}", task.hub[split], language)

    def own_pool(self, task: TaskSpec, split: str) -> bool:
        """Whether the candidates of a split have files of their own, on the hub or not."""
        return task.pool is not None and split in {**task.pool.files, **task.pool.hub}

    def read_pool(self, task: TaskSpec, split: str) -> Found:
        """The rows of the candidates' own files. Raises MissingData, UserError, DataError, RobustXtremeError."""
        if task.pool is None or split not in task.pool.hub:
            what = f"{task.name} names no dataset on the hub with the candidates of {split}."
            raise MissingData(f"{what} Name its release files with --data DIR.")
        return self._read(f"{task.name} candidates", task.pool.hub[split], "")

    def _read(self, what: str, wanted: HubFiles, language: str) -> Found:
        try:
            found = self._snapshot(wanted, language)
            names = _shards(found, _pattern(wanted, language))
            config = expand(wanted.config, language, wanted.codes)
            address = f"hub://{wanted.repo}@{found.revision}/{config}/{wanted.split}"
            rows = tuple(_rows(found, names, wanted, language, address))
        except DataError:
            raise
        except RobustXtremeError as error:
            raise type(error)(f"{what}: {error}") from error
        return Found(rows, address, ((address, _sha256(found.folder, names)),))

    def missing(self, task: TaskSpec, language: str, splits: Sequence[str]) -> str:
        """Where was looked for the split, and what brings it there."""
        wanted = [task.hub[one] for one in splits if one != "train" or language in task.train_languages]
        if not wanted:
            return (
                f"{task.name} {language}: no {' or '.join(splits)} data on the hub: the task has none in that language."
            )
        repos = " and ".join(dict.fromkeys(one.repo for one in wanted))
        what = f"{task.name} {language}: no {' or '.join(splits)} data of {repos} on this machine."
        paths = ", ".join(f"{one.repo}@{self._revision(one)[:8]}/{_pattern(one, language)}" for one in wanted)
        return f"{what} Looked for {paths} in {cache_folder()}. The same command without --offline fetches them."

    def _revision(self, wanted: HubFiles) -> str:
        return self.pins.get(wanted.repo, wanted.revision)

    def _cached(self, wanted: HubFiles, language: str) -> bool:
        try:
            return bool(_shards(self._snapshot(wanted, language), _pattern(wanted, language)))
        except UserError:
            return False

    def _snapshot(self, wanted: HubFiles, *languages: str) -> Snapshot:
        """The files of a split in some languages; a branch points to one commit as long as this source lives."""
        revision = self._revision(wanted)
        at = self.commits.get((wanted.repo, revision), revision)
        patterns = tuple(dict.fromkeys(_pattern(wanted, one) for one in languages))
        found = snapshot("dataset", wanted.repo, at, patterns, offline=self.offline)
        self.commits[wanted.repo, revision] = found.revision
        return found


@cache
def open_hub(pins: str, offline: bool) -> Hub:
    """The hub with revisions of the user's own, as in `google/xquad@COMMIT,...`. Raises SpecError."""
    found: dict[str, str] = {}
    for one in filter(None, pins.split(",")):
        match = _PIN.fullmatch(one)
        if match is None:
            raise SpecError(f"--data hub takes revisions as in hub:google/xquad@COMMIT, not {one[:80]!r}.")
        found[match[1]] = match[2]
    return Hub(is_offline(offline), found)


def _pattern(wanted: HubFiles, language: str) -> str:
    return expand(wanted.files, language, wanted.codes)


def _shards(found: Snapshot, pattern: str) -> tuple[str, ...]:
    """The files of a split. Raises UserError where none is there, or where a part of them is not."""
    names = tuple(matching(files(found.folder), [pattern]))
    there = {(int(match[1]), int(match[2])) for name in names if (match := _SHARD.search(name))}
    if not names or any(len(there) < of for _, of in there):
        raise UserError(f"Not all of {pattern} is in {found.folder}. Remove that folder, and it is fetched again.")
    return names


def _sha256(folder: Path, names: Sequence[str]) -> str:
    """The hash of the files, one after the other; of one file its own."""
    state = hashlib.sha256()
    for name in names:
        with (folder / name).open("rb") as file:
            while part := file.read(1 << 20):
                state.update(part)
    return state.hexdigest()


# ---------------------------------------------------------------------------------------------------------------- rows


def _rows(found: Snapshot, names: Sequence[str], wanted: HubFiles, language: str, address: str) -> Iterator[Row]:
    kept = count()
    for index, found_values in enumerate(_values(found, names, wanted, language)):
        place = f"{address}: row {index}{f' of {language}' if language else ''}"
        values = wanted.values(found_values, place)
        if values is not None:
            yield Row(_native(found_values, place) if wanted.ids == "native" else str(next(kept)), place, values)


def _native(values: Mapping[str, Any], place: str) -> str:
    native = values.get("id")
    if not isinstance(native, str) or not native:
        raise DataError(place, f"expected the column 'id' to contain the row's name, not {native!r:.80}.")
    return native


def _values(found: Snapshot, names: Sequence[str], wanted: HubFiles, language: str) -> Iterator[dict[str, Any]]:
    """The rows of the language, labels by their names. Raises RobustXtremeError where the bytes are not data."""
    from datasets import Features, load_dataset

    starts = wanted.starts and (wanted.starts[0], expand(wanted.starts[1], language, wanted.codes))
    paths = {wanted.split: [str(found.folder / name) for name in names]}
    logging.getLogger("datasets").setLevel(logging.CRITICAL)  # what goes wrong is told below, on one line
    try:
        # Streaming reads the files where they are: the library's own cache keeps no copy, of this or another revision.
        stream = load_dataset(_format(names), data_files=paths, split=wanted.split, streaming=True)
        for table in stream.with_format("arrow").iter(batch_size=_BATCH):
            features = stream.features or Features.from_arrow_schema(table.schema)
            yield from _named(_kept(table, starts), features)
    except Exception as error:
        if isinstance(error, _BROKEN) or type(error).__module__.partition(".")[0] in _LIBRARIES:
            raise _unreadable(error, found.folder, names) from error
        raise


_BROKEN: Final = (KeyError, TypeError, ValueError, OSError, RuntimeError, ArithmeticError)
_LIBRARIES: Final = ("datasets", "pyarrow", "fsspec")
_FORMATS: Final = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json"}


def _format(names: Sequence[str]) -> str:
    suffix = Path(names[0].removesuffix(".gz")).suffix
    if suffix not in _FORMATS:
        raise UserError(f"{names[0]} is none of the formats that are read: {', '.join(_FORMATS)}.")
    return _FORMATS[suffix]


def _unreadable(error: Exception, folder: Path, names: Sequence[str]) -> RobustXtremeError:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    what = f"{', '.join(names[:2])} of the hub cannot be read: {text}"
    return RobustXtremeError(f"{what} Remove {folder} and try again.")


def _kept(table: Any, starts: tuple[str, str] | None) -> Any:
    """The rows of a table whose column begins so."""
    if starts is None:
        return table
    column, beginning = starts
    return table.filter([str(value).startswith(beginning) for value in table[column].to_pylist()])


def _named(table: Any, features: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in table.to_pylist():
        yield {key: _label(value, features.get(key)) for key, value in row.items()}


def _label(value: Any, feature: Any) -> Any:
    """A value, or where its column contains classes the name of its class, None for -1."""
    names = getattr(feature, "names", None)
    if isinstance(names, list) and isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", None)
    if isinstance(value, list) and getattr(inner, "names", None):
        return [_label(one, inner) for one in value]
    return value

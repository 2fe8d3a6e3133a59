"""The tasks' datasets on the hub: files at a pinned commit, read by the `datasets` library without a connection.

Rows of any other dataset are read by its name, config and split.
"""

import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, MissingData, RobustXtremeError, SpecError, UserError, plain
from robust_xtreme.core.specs import HubFiles, Row, TaskSpec
from robust_xtreme.tasks.sources.hub import Snapshot, cache_folder, files, is_offline, matching, snapshot
from robust_xtreme.tasks.sources.release import expand
from robust_xtreme.tasks.sources.rows import SPLITS, SourceRows, is_language

_SHARD: Final = re.compile(r"-(\d{5})-of-(\d{5})\.")
_PIN: Final = re.compile(r"([\w.-]+/[\w.-]+)@([\w./-]+)")


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub; `pins` contains revisions that replace the tasks' own, `commits` the commits of branches."""

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
        """What a user can do where nothing is found."""
        if not self.offline:
            return "What each task has: robust-xtreme list tasks"
        return f"Looked in the hub's cache {cache_folder()}; the same command without --offline fetches it."

    def languages(self, task: TaskSpec) -> tuple[str, ...]:
        """The task's languages; empty where the hub does not have the task."""
        return task.languages if task.hub else ()

    def splits(self, task: TaskSpec) -> tuple[str, ...]:
        """The splits that the task names a dataset for."""
        return tuple(split for split in SPLITS if split in task.hub)

    def lacks(self, task: TaskSpec) -> str:
        """The message where there are no splits."""
        why = f" {task.absent}" if task.absent else " Name its release files with --data DIR."
        return f"{task.name} names no dataset on the hub.{why}"

    def holds(self, task: TaskSpec, language: str, split: str) -> bool:
        """Whether the task names a dataset for that split; offline, whether it is in the hub's cache."""
        if split not in task.hub or (split == "train" and language not in task.train_languages):
            return False
        if not self.offline:
            return True
        try:
            return bool(_shards(self._snapshot(task.hub[split], language), task.hub[split], language))
        except UserError:
            return False

    def fetch(self, task: TaskSpec, languages: Sequence[str], split: str) -> None:
        """Fetch files of some languages at once; what the hub lacks is reported when it is read. Raises UserError."""
        known = self.languages(task)
        available = [code for code in languages if is_language(task, code, known) and self.holds(task, code, split)]
        if self.offline or not available:
            return
        try:
            self._snapshot(task.hub[split], *available)
        except MissingData:
            return
        except RobustXtremeError as error:
            raise type(error)(f"{task.name}: {error}") from error

    def read(self, task: TaskSpec, language: str, split: str) -> SourceRows:
        """The rows of one split. Raises MissingData, UserError, DataError, RobustXtremeError."""
        if not self.holds(task, language, split):
            raise MissingData(self.missing(task, language, [split]))
        return self._read(f"{task.name} {language}", task.hub[split], language)

    def read_pool(self, task: TaskSpec, split: str) -> SourceRows:
        """The rows of the candidates' separate files. Raises MissingData, UserError, DataError, RobustXtremeError."""
        if task.pool is None or split not in task.pool.hub:
            what = f"{task.name} names no dataset on the hub with the candidates of {split}."
            raise MissingData(f"{what} Name its release files with --data DIR.")
        return self._read(f"{task.name} candidates", task.pool.hub[split], "")

    def _read(self, what: str, wanted: HubFiles, language: str) -> SourceRows:
        try:
            copy = self._snapshot(wanted, language)
            names = _shards(copy, wanted, language)
            config = expand(wanted.config, language, wanted.codes)
            address = f"hub://{wanted.repo}@{copy.revision}/{config}/{wanted.split}"
            rows = tuple(_rows(copy, names, wanted, language, address))
        except DataError:
            raise
        except RobustXtremeError as error:
            raise type(error)(f"{what}: {error}") from error
        state = hashlib.sha256()
        for name in names:
            with (copy.folder / name).open("rb") as file:
                hashlib.file_digest(file, lambda: state)
        return SourceRows(rows, address, ((address, state.hexdigest()),))

    def missing(self, task: TaskSpec, language: str, splits: Sequence[str]) -> str:
        """The message for a missing split: where it was looked for, and what fetches it."""
        wanted = [task.hub[split] for split in splits if split != "train" or language in task.train_languages]
        if not wanted:
            what = f"{task.name} {language}: no {' or '.join(splits)} data on the hub"
            return f"{what}: the task has none in that language."
        repos = " and ".join(dict.fromkeys(files.repo for files in wanted))
        what = f"{task.name} {language}: no {' or '.join(splits)} data of {repos} on this machine."
        paths = ", ".join(f"{files.repo}@{self._revision(files)[:8]}/{_pattern(files, language)}" for files in wanted)
        return f"{what} Looked for {paths} in {cache_folder()}. The same command without --offline fetches them."

    def _revision(self, wanted: HubFiles) -> str:
        return self.pins.get(wanted.repo, wanted.revision)

    def _snapshot(self, wanted: HubFiles, *languages: str) -> Snapshot:
        """The files of a split in some languages; a branch means one commit as long as this source exists."""
        revision = self._revision(wanted)
        at = self.commits.get((wanted.repo, revision), revision)
        patterns = tuple(dict.fromkeys(_pattern(wanted, language) for language in languages))
        copy = snapshot("dataset", wanted.repo, at, patterns, offline=self.offline)
        self.commits[wanted.repo, revision] = copy.revision
        return copy


@cache
def open_hub(pins: str, offline: bool) -> Hub:
    """The hub with revisions that the user names, as in `google/xquad@COMMIT,...`. Raises SpecError."""
    revisions: dict[str, str] = {}
    for pin in filter(None, pins.split(",")):
        match = _PIN.fullmatch(pin)
        if match is None:
            raise SpecError(f"--data hub takes revisions as in hub:google/xquad@COMMIT, not {pin[:80]!r}.")
        revisions[match[1]] = match[2]
    return Hub(is_offline(offline), revisions)


def _pattern(wanted: HubFiles, language: str) -> str:
    return expand(wanted.files, language, wanted.codes)


def _shards(copy: Snapshot, wanted: HubFiles, language: str) -> tuple[str, ...]:
    """The files of a split. Raises UserError where some or all of them are missing."""
    pattern = _pattern(wanted, language)
    names = tuple(matching(files(copy.folder), [pattern]))
    parts: defaultdict[str, list[int]] = defaultdict(list)  # of each file how many shards it has, once for each
    for name in names:
        match = _SHARD.search(name)
        parts[name[: match.start()] if match else name].append(int(match[2]) if match else 1)
    if len(parts) < wanted.parts or any(len(shards) < max(shards) for shards in parts.values()):
        raise UserError(f"Not all of {pattern} is in {copy.folder}. Remove that folder, and it is fetched again.")
    return names


def _rows(copy: Snapshot, names: Sequence[str], wanted: HubFiles, language: str, address: str) -> Iterator[Row]:
    kept = count()
    for index, columns in enumerate(_values(copy, names, wanted, language)):
        location = f"{address}: row {index}{f' of {language}' if language else ''}"
        values = wanted.values(columns, location)
        if values is None:
            continue
        native = columns.get("id") if wanted.ids == "native" else str(next(kept))
        if not isinstance(native, str) or not native:
            raise DataError(location, f"expected the column 'id' to contain the row's name, not {native!r:.80}.")
        yield Row(native, location, values)


def _values(copy: Snapshot, names: Sequence[str], wanted: HubFiles, language: str) -> Iterator[dict[str, Any]]:
    """The rows of the language, class labels as names. Raises RobustXtremeError where a file cannot be read."""
    with plain():
        from datasets import Features

    if (suffix := _suffix(names[0])) not in _FORMATS:
        raise UserError(f"{names[0]} has none of the formats that are read: {', '.join(_FORMATS)}.")
    starts = wanted.starts and (wanted.starts[0], expand(wanted.starts[1], language, wanted.codes))
    try:
        stream = _streamed(copy, names, _FORMATS[suffix], wanted.split)
        for table in stream.with_format("arrow").iter(batch_size=1000):
            features = stream.features or Features.from_arrow_schema(table.schema)
            for row in table.to_pylist():
                if starts is None or str(row[starts[0]]).startswith(starts[1]):
                    yield {key: _label(value, features.get(key)) for key, value in row.items()}
    except Exception as error:
        if isinstance(error, _BROKEN) or type(error).__module__.partition(".")[0] in ("datasets", "pyarrow", "fsspec"):
            text = " ".join(str(error).split())[:200] or type(error).__name__
            what = f"{', '.join(names[:2])} of the hub cannot be read: {text}"
            raise RobustXtremeError(f"{what} Remove {copy.folder} and try again.") from error
        raise


_BROKEN: Final = (KeyError, TypeError, ValueError, OSError, RuntimeError, ArithmeticError)
"""What libraries raise where a file cannot be read."""

_FORMATS: Final = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json"}
"""The library's names of the formats that are read, by the ending of a file's name."""


def _suffix(name: str) -> str:
    """The ending of a file's name, before that of a compressed file."""
    return Path(name.removesuffix(".gz")).suffix


def _streamed(copy: Snapshot, names: Sequence[str], kind: str, split: str) -> Any:
    """The rows of files, which are read where they are: the library's own cache keeps no copy of any revision."""
    with plain():
        from datasets import load_dataset

    logging.getLogger("datasets").setLevel(logging.CRITICAL)  # errors are reported by the caller, on one line
    paths = {split: [str(copy.folder / name) for name in names]}
    return load_dataset(kind, data_files=paths, split=split, streaming=True)


def _label(value: Any, feature: Any) -> Any:
    """A value; in a column of classes the name of its class, None for -1."""
    names = getattr(feature, "names", None)
    if isinstance(names, list) and type(value) is int and value < len(names):
        return names[value] if value >= 0 else None
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", None)
    if isinstance(value, list) and getattr(inner, "names", None):
        return [_label(item, inner) for item in value]
    return value


def rows_of(repo: str, config: str, split: str, *, offline: bool = False) -> list[dict[str, Any]]:
    """All rows of a split: of the files that the dataset's card lists, else of those whose paths name both.

    Raises UserError where the dataset or the split does not exist, or its rows are made by code.
    """
    offline = is_offline(offline)
    what = f"The rows of {repo}, config {config or 'default'}, split {split}, cannot be read"
    patterns = _listed(repo, config, split, offline) or ([f"*{config}*{split}*"] if config else [f"*{split}*"])
    copy = snapshot("dataset", repo, "main", tuple(patterns), offline=offline)
    names = [name for name in matching(files(copy.folder), patterns) if name != "README.md"]
    suffixes = set(map(_suffix, names))
    if len(suffixes) != 1 or not suffixes <= set(_FORMATS):
        known = ", ".join(_FORMATS)
        raise UserError(f"{what}: its files are not all of one format of {known}. Name a file of its rows: --rows FILE")
    try:
        return [*map(dict, _streamed(copy, names, _FORMATS[suffixes.pop()], split))]
    except _BROKEN as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{what}: {why}. Name a file of its rows: --rows FILE") from error


def _listed(repo: str, config: str, split: str, offline: bool) -> list[str]:
    """The patterns of a split's files in the card of a dataset; none where the card does not list them."""
    try:
        copy = snapshot("dataset", repo, "main", ("README.md",), offline=offline)
    except UserError:  # a dataset without a card
        return []
    for each in _configs(copy.folder / "README.md"):
        if isinstance(each, dict) and each.get("config_name") == (config or "default"):
            listed = each.get("data_files")
            parts = listed if isinstance(listed, list) else []
            paths = [part.get("path") for part in parts if isinstance(part, dict) and part.get("split") == split]
            flat = [path for several in paths for path in (several if isinstance(several, list) else [several])]
            return [path for path in flat if isinstance(path, str)]
    return []


def _configs(card: Path) -> list[Any]:
    """The configs in the head of a card; none where it has no such head."""
    import yaml

    head, _, rest = resources.content(card, 10_000_000).decode("utf-8", "replace").partition("---")
    if head.strip():
        return []
    try:
        facts = yaml.safe_load(rest.partition("\n---")[0])
    except (ValueError, RecursionError, yaml.YAMLError):
        return []
    configs = facts.get("configs") if isinstance(facts, dict) else None
    return configs if isinstance(configs, list) else []

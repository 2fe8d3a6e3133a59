"""The folder of a run: which run it belongs to, its manifest and its parts, also where files cannot be read."""

import os
import re
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core import errors, resources, run_paths
from robust_xtreme.core.errors import OTHERWISE, DataError, Mismatch, counted
from robust_xtreme.core.run_spec import NOT_HASHED, RunSpec, from_mapping
from robust_xtreme.core.sinks import one_line
from robust_xtreme.files import manifest as of_run
from robust_xtreme.files import store
from robust_xtreme.files.csv import check_version
from robust_xtreme.files.journal import JOURNAL, Journal, StartOver, check_folder, start_over
from robust_xtreme.files.manifest import BESIDES, MANIFEST, read_manifest, unversioned_tasks, write_manifest
from robust_xtreme.files.new_files import appended
from robust_xtreme.files.schema import ATTACKED, PREDICTIONS, STATS, UNREADABLE, Frame
from robust_xtreme.models.functions import UNVERSIONED
from robust_xtreme.run.scoring import PARTS, TaskRunRows, part_paths
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.stats import shapes
from robust_xtreme.stats.merging import merged
from robust_xtreme.tasks.sources.rows import clusters_version

RUN: Final = "run.toml"
LOG: Final = "log.txt"
FILES: Final = (RUN, *of_run.FILES)
DIGESTS: Final = "files"
"""The key of the manifest: the sha256 of FILES; of run.toml alone until the run is finished."""

_GIVEN: Final = re.compile("|".join([*map(re.escape, (*FILES, *BESIDES, MANIFEST)), rf"{PARTS}/[^/]+\.parquet"]))
"""The names that every run gives."""

_TRACELESS: Final = (LOG, store.LOCK, JOURNAL)
_HEADER: Final = "# robust-xtreme eval --config run.toml"
_READ: Final = ("schema_version", "complete", "batch_tokens", "notes", "not_run")
_CONTENTS: Final = ("models", "packs", "suites", "language_models", "units", "not_run")
_SETTLED: Final = ("device", "deduplicate", *_CONTENTS)
"""Parts of the manifest that a resumed run must share; a finished one is read on any device."""


Digests = Mapping[str, str]
"""The sha256 of the files of parts, by name, as the manifest has them."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one run. `notice` gets what is shown also where progress is not."""

    path: Path
    notice: Callable[[str], None] = lambda _: None

    @property
    def journal(self) -> Journal:
        """The journal of the folder; what is kept is reported and logged."""
        return Journal(self.path, self.tell, _listed(self.path), _GIVEN.fullmatch)

    def tell(self, line: str) -> None:
        """Report a line that is shown also where progress is not, and log it."""
        self.notice(line)
        if not store.is_odd(self.path / LOG):
            self.log(line)

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest without its digest; None before the run began. Raises DataError, or Mismatch of versions."""
        path = self.path / MANIFEST
        if not path.is_file():  # it only ever appears whole
            return None
        value = read_manifest(path)
        if not _is_of_run(value):
            raise DataError(path, f"is not a manifest of a run. {OTHERWISE}")
        check_version(path, str(value["schema_version"]), OTHERWISE)
        return value

    def finished(self, fresh: Mapping[str, Any]) -> dict[str, Any] | None:
        """The manifest of a finished run whose files are as they were, else None. Raises DataError, Mismatch.

        It is None, too, where a function without a version answers, which can have changed and is asked again.
        """
        stored = self.manifest
        if stored is None or not stored["complete"]:
            return None
        known = stored.get(DIGESTS, {})
        digests = [(self.path / name, known.get(name)) for name in dict.fromkeys((*FILES, *known))]
        if not all(path.is_file() and store.sha256(path) == digest for path, digest in digests):
            return None
        _check_contents(self, stored, fresh)
        return None if unversioned_tasks(fresh) or mended(self.path, stored, fresh) else stored

    def parts(self, task_run: TaskRun) -> tuple[Path, ...]:
        """A task run's files: its predictions, its statistics, and its items under attack, if there are any."""
        return part_paths(self.path / PARTS, task_run)

    def holds(self, task_run: TaskRun, digests: Digests) -> bool:
        """Whether a task run is done: both files are there, and the manifest has their digests."""
        return all(path.is_file() and path.name in digests for path in self.parts(task_run))

    def changed(self, task_run: TaskRun, digests: Digests) -> bool:
        """Whether the files of a task run are not those that the run wrote. Raises DataError for one that is gone."""
        with store.reading(self.path / PARTS):
            return any(store.sha256(path) != digests[path.name] for path in self.parts(task_run))

    def damaged(self, task_run: TaskRun, digests: Digests) -> bool:
        """Whether a task run that is done cannot be read, or its files are not those that the run wrote."""
        with suppress(errors.RobustXtremeError):
            if not self.changed(task_run, digests):
                self.read(task_run)
                return False
        return True

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder for the files of task runs that are not recorded yet; a later run removes what a killed one left."""
        failed: OSError | None = None
        with self.journal.temporary(self.path / PARTS) as tmp:
            tmp.mkdir()
            try:
                yield tmp
            except OSError as error:  # of what is computed meanwhile, not of this folder
                failed = error
        if failed:
            raise failed

    def take(self, staging: Path, task_run: TaskRun) -> None:
        """Move a task run's files from where they are staged to their names. Raises DiskError."""
        journal = self.journal
        for path in self.parts(task_run):
            with store.writing(path):
                journal.put(staging / path.name, path)

    def write_frame(self, name: str, data: pl.DataFrame, frame: Frame) -> str:
        """Store a frame; return the sha256 of its file. Raises DiskError."""
        return store.write_frame(self.path / name, data, frame, self.journal.write)

    def merge(self, name: str, parts: Sequence[Path], frame: Frame) -> None:
        """Store the rows of the parts of all task runs as one file. Raises DiskError."""
        self.journal.write_by(self.path / name, lambda tmp: store.write_sorted(tmp, merged(parts, frame), frame))

    def read(self, task_run: TaskRun) -> TaskRunRows:
        """A stored task run."""
        frames = (PREDICTIONS, STATS, ATTACKED)
        return TaskRunRows(*map(store.read_frame, self.parts(task_run), frames))

    def attacked(self, task_run: TaskRun) -> Iterator[pl.DataFrame]:
        """The items of a task run under attacks; nothing is read where there are none."""
        return (store.read_frame(path, ATTACKED) for path in self.parts(task_run)[2:])

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Store the manifest with the digest of its content. Raises DiskError."""
        write_manifest(self.path / MANIFEST, content, self.journal.write)

    def log(self, line: str) -> None:
        """Add a line to log.txt, with the time; a line break in it does not begin another. Raises DiskError."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with store.writing(self.path / LOG):
            resources.check_regular(self.path / LOG)
            with appended(self.path / LOG) as file:
                file.write(f"{stamp} {one_line(line)}\n".encode())

    def log_error(self, error: BaseException) -> None:
        """Write a traceback to log.txt, a mark before each of its lines, where possible; an interrupt has none."""
        with suppress(errors.DiskError):
            trace = "".join(traceback.format_exception(error)).splitlines()
            lines = ["interrupted"] if isinstance(error, KeyboardInterrupt) else [f"| {line}" for line in trace]
            for line in lines:
                self.log(line)


def check_ours(path: Path, spec: RunSpec, force: bool) -> None:
    """Raise Mismatch where a folder contains another run or something else. Nothing is written."""
    check_folder(path)
    if not path.exists():
        return
    if (path / PARTS).is_symlink():
        what = "is a link, and a run writes and removes only files in its own folder"
        raise Mismatch(f"{path / PARTS} {what}. Remove the link, or name another folder with --out.")
    has_header = (path / RUN).is_file() and resources.content(path / RUN).startswith(_HEADER.encode())
    if not has_header and not _has_manifest(path) and RUN not in Journal(path).names():
        if any(not entry.name.startswith(".") and entry.name not in _TRACELESS for entry in path.iterdir()):
            raise Mismatch(f"{path} contains files that no run of eval wrote. Name another folder with --out.")
    elif not force and not nothing_yet(path):
        if not (path / RUN).is_file():
            raise Mismatch(f"{path} contains a damaged run: its {RUN} is missing. {OTHERWISE}")
        _check_same(path, spec)


def nothing_yet(path: Path) -> bool:
    """Whether a run was begun here and ended before its first part, so that another run may use the folder."""
    begun = {RUN, MANIFEST, PARTS, *_TRACELESS}
    parts = path / PARTS
    return parts.is_dir() and not any(parts.iterdir()) and {entry.name for entry in path.iterdir()} <= begun


def _has_manifest(path: Path) -> bool:
    """Whether a folder contains the manifest of a run of any version, as the run wrote it."""
    try:
        return _is_of_run(read_manifest(path / MANIFEST))
    except DataError:
        return False


def _is_of_run(manifest: Mapping[str, Any]) -> bool:
    return set(_READ) <= set(manifest) and shapes.fits(manifest, shapes.MANIFEST)


def _check_same(path: Path, spec: RunSpec) -> None:
    """Raise Mismatch where a folder's run has another spec; the spelling of a path does not count."""
    values = resources.toml(path / RUN, OTHERWISE)
    counted_from = run_paths.folder_of(values, path / RUN)
    stored = from_mapping({key: value for key, value in values.items() if key != run_paths.FOLDER}, str(path / RUN))
    for field in fields(RunSpec):
        name = field.name
        old, new = getattr(stored, name), getattr(spec, name)
        if name == "model":
            old, new = (tuple(model.partition(UNVERSIONED)[0] for model in side) for side in (old, new))
        if name in NOT_HASHED or old == new:
            continue
        if run_paths.resolved(name, old, counted_from) != run_paths.resolved(name, new):
            texts = (", ".join(each) if isinstance(each, tuple) else str(each) for each in (old, new))
            what = f"its key {name} is {', not '.join(text or 'not set' for text in texts)}"
            raise Mismatch(f"{path} contains another run: {what}. {OTHERWISE}")


def begin(folder: Folder, spec: RunSpec, manifest: dict[str, Any], over: StartOver | None = None) -> dict[str, Any]:
    """Prepare the folder, without an earlier run by `over`, and return its manifest: that of a run that continues.

    The caller holds the lock. Raises Mismatch where model, data, device or versions of frames differ.
    """
    journal = folder.journal
    if store.is_odd(folder.path / LOG):
        journal.keep(folder.path / LOG)
    if over and over.names:
        over.carry_out(folder.tell, over.line())
    journal.sweep()
    stored = folder.manifest
    if stored is not None and nothing_yet(folder.path):
        stored = None
    if stored is None:
        text = f"{_HEADER}{' --trust-remote-code' if spec.trust_remote_code else ''}\n{spec.to_toml()}"
        manifest = {**manifest, DIGESTS: {RUN: store.write_text(folder.path / RUN, text, journal.write)}}
    journal.make_folder(folder.path / PARTS)
    if stored is None:
        folder.write_manifest(manifest)
        return manifest
    _check_contents(folder, stored, manifest)
    if mended(folder.path, stored, manifest):
        stored = widened(stored, manifest)
        folder.write_manifest(stored)
    return stored


def _check_contents(folder: Folder, stored: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """Raise Mismatch where models, data or packs, or the device of an unfinished run, are not the stored ones."""
    continues = mended(folder.path, stored, manifest) or not stored["complete"]
    before, now = without_unread(stored, stored), without_unread(manifest, stored)
    for key in _SETTLED if continues else _CONTENTS:
        old, new = before.get(key), now.get(key)
        if isinstance(old, list):  # without the cells that failed in the run
            old = [cell for cell in old if cell.get("reason") != "failed"]
        if key == "models":  # without those whose identity does not tell whether they are the same
            old, new = (
                [model for model in side[key] if model["task"] not in unversioned_tasks(manifest)]
                for side in (before, now)
            )
        if old != new:
            raise Mismatch(f"{folder.path} was begun with {difference(key, old, new)}. {OTHERWISE}")


def difference(key: str, old: Any, new: Any) -> str:
    """What differs, as part of a sentence."""
    of_noise = {
        "packs": "other contents of --packs",
        "suites": "another suite",
        "language_models": "another language model in a folder of --perturb",
    }
    if key in of_noise:
        return f"{of_noise[key]} ({_described(old)}, not {_described(new)})"
    if key not in ("models", "units", "not_run"):
        return f"{key} {old!s:.200}, not {new!s:.200}"
    before, now = (clusters_version(*(unit.get("data", "") for unit in side)) for side in (old, new))
    if before != now:
        return f"clusters by another rule (version {before}, not {now})"
    changed = next(entry for entry in (*old, *new) if entry not in old or entry not in new)
    named = " ".join(str(changed[name]) for name in ("task", "language") if changed.get(name))
    what = {"models": "another model", "units": "other data", "not_run": "other data"}[key]
    return f"{what} for {named}" if named else what


def _described(value: Any) -> str:
    """A digest, or the perturbations of each suite."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {' '.join(specs)}" for name, specs in value.items())
    return str(value or "none")


def planned(path: Path, task_runs: Sequence[TaskRun], force: bool) -> str:
    """What a run of these does to files that are there already, as a line; empty where it does nothing."""
    over, log = over_of(path, task_runs), (LOG,) if store.is_odd(path / LOG) else ()
    over = replace(over, names=(*log, *over.names), kept=over.kept.union(log))
    if force:
        return over.line() if over.names else ""
    begun = {RUN} if (path / MANIFEST).exists() and not nothing_yet(path) else set()
    return over.kept_line({LOG, MANIFEST, *FILES, *BESIDES, *_part_names(path, task_runs)} - begun)


def _part_names(path: Path, task_runs: Sequence[TaskRun]) -> list[str]:
    return [f"{PARTS}/{part.name}" for task_run in task_runs for part in Folder(path).parts(task_run)]


def over_of(path: Path, task_runs: Sequence[TaskRun]) -> StartOver:
    """The start over in a folder. The manifest, by which others know the parts, goes last; log.txt stays."""
    journal = Folder(path).journal
    last = (MANIFEST,) if journal.wrote(path / RUN) else (RUN, MANIFEST)
    given = (*FILES, *BESIDES, *_part_names(path, task_runs))
    first = (name for name in dict.fromkeys((*journal.names(), *given)) if name not in (RUN, MANIFEST))
    names = [name for name in (*first, *last) if os.path.lexists(path / name)]
    entries = (entry for entry in (*path.glob("[!.]*"), *(path / PARTS).glob("[!.]*")) if entry.name != PARTS)
    shown = {entry.relative_to(path).as_posix(): "/" if entry.is_dir() else "" for entry in entries}
    others = shown.keys() - {RUN, *names, *((LOG,) if store.is_odd(path / LOG) else ())}
    return start_over(journal, names, sorted(f"{name}{shown[name]}" for name in others))


def _listed(path: Path) -> dict[str, str]:
    """The sha256 of a run's files by its manifest, where the folder has no journal, as a copy without hidden files."""
    if (path / JOURNAL).exists() or not _has_manifest(path):
        return {}
    stored = read_manifest(path / MANIFEST)
    parts = {f"{PARTS}/{name}": digest for name, digest in stored.get("parts", {}).items()}
    return {**parts, **stored.get(DIGESTS, {}), MANIFEST: store.sha256(path / MANIFEST)}


# -------------------- files that cannot be read: left out, and computed when they are mended

_PLANNED: Final = ("models", "tasks", "units", "not_run", "overlap", "own_data", "notes")
"""Parts of a manifest that follow from the plan, which has more task runs once a file is mended."""


def check_read(lines: Sequence[str], others: int, keep_going: bool) -> None:
    """Raise UnreadableFiles with a line for each file, unless `keep_going` and there are other task runs."""
    if not lines or (keep_going and others):
        return
    files = "1 file of this run" if len(lines) == 1 else f"{len(lines)} files of this run"
    rest = f"{files} cannot be read, and nothing was computed. To evaluate the rest of it: --keep-going"
    raise errors.UnreadableFiles((*lines, rest) if others else lines)


def missing(cells: Sequence[Mapping[str, Any]]) -> str:
    """The task runs that are missing, as a sentence with what to do; empty where there is none."""
    names = [f"{cell['task']} {cell.get('language', '')}".rstrip() for cell in cells]
    if not names:
        return ""
    verb, their = ("is", "its file") if len(names) == 1 else ("are", "their files")
    what = f"{counted(len(names), 'task run')} {verb} missing, because {their} cannot be read: {', '.join(names)}."
    return f"{what} Mend the files, and the same command adds what is missing."


def mended(folder: Path, stored: Mapping[str, Any], fresh: Mapping[str, Any]) -> bool:
    """Whether a run can read more than when its folder was begun. Raises Mismatch where it can read less."""
    missing_before, missing_now = _unread(stored), _unread(fresh)
    if lost := [unit for unit in stored["units"] if _key(unit) in missing_now]:
        what = f"was begun with {lost[0]['task']} {lost[0]['language']}, whose file cannot be read any more"
        raise Mismatch(f"{folder} {what}. Mend the file. {OTHERWISE}")
    return bool(missing_before - missing_now)


def without_unread(manifest: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without the task runs that are missing in `stored`, for comparison with another run of its folder."""
    cells = _unread(stored)
    units, not_run = ([entry for entry in manifest[name] if _key(entry) not in cells] for name in ("units", "not_run"))
    tasks = {unit["task"] for unit in units}
    models = [model for model in manifest["models"] if model["task"] in tasks]
    return {**manifest, "units": units, "not_run": not_run, "models": models}


def widened(stored: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """The stored manifest with all that is planned now, not yet complete."""
    planned = {name: fresh[name] for name in _PLANNED if name in fresh}
    notes = list(dict.fromkeys((*fresh["notes"], *stored["notes"])))
    kept = {name: value for name, value in stored.items() if name not in _PLANNED}
    return {
        **kept,
        **planned,
        DIGESTS: {name: sha256 for name, sha256 in stored.get(DIGESTS, {}).items() if name == RUN},
        "notes": notes,
        "complete": False,
    }


def _unread(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {_key(cell) for cell in manifest["not_run"] if cell["reason"] == UNREADABLE}


def _key(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["task"], entry.get("language", "")

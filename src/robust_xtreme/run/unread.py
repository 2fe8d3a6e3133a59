"""Files that a run cannot read: all listed at once, or left out by `--keep-going` and computed when they are mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import OTHERWISE, Mismatch, UnreadableFiles, counted
from robust_xtreme.files.schema import UNREADABLE

_PLANNED: Final = ("models", "tasks", "units", "not_run", "overlap", "own_data", "notes")
"""Parts of a manifest that follow from the plan, which has more task runs once a file is mended."""


def check_read(lines: Sequence[str], others: int, keep_going: bool) -> None:
    """Raise UnreadableFiles with a line for each file, unless `keep_going` and there are other task runs."""
    if not lines or (keep_going and others):
        return
    files = "1 file of this run" if len(lines) == 1 else f"{len(lines)} files of this run"
    rest = f"{files} cannot be read, and nothing was computed. To evaluate the rest of it: --keep-going"
    raise UnreadableFiles((*lines, rest) if others else lines)


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
    kept = {name: value for name, value in stored.items() if name not in (*_PLANNED, "files")}
    return {**kept, **planned, "notes": notes, "complete": False}


def _unread(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {_key(cell) for cell in manifest["not_run"] if cell["reason"] == UNREADABLE}


def _key(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["task"], entry.get("language", "")

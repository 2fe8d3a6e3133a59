"""The paths among the values of a run: which values are paths, which folder they count from, what they resolve to."""

import os
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import ModelError, SpecError

FOLDER: Final = "folder"
"""The key of a run's file that names the folder that its paths count from; without it, they count from the file."""

_WORDS: Final[Mapping[str, str]] = {
    "model": "mini|(memory|function|python):.*",
    "data": "auto|mini|hub(:.*)?",
    "from": "scratch",
    "packs": "",
    "external": "",
    "frozen": "",
    "text": "",
    "recipe": r".*(?<!\.toml)",
    "translated": "hub",
    "pairs": "",
    "vision": "",
}
"""The keys whose values are paths, each with a pattern of the values that are not."""

_BEFORE: Final[Mapping[str, str]] = {
    "model": "[a-z][a-z0-9_]*=",
    "translated": "seq2seq:",
    "external": "[A-Za-z][A-Za-z0-9_-]*=",
}
"""By key, what may precede the path."""


def like_hub(name: str) -> bool:
    """Whether a name has the form OWNER/NAME."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", name) is not None


def exists(name: str | Path) -> bool:
    """Whether such a path exists here; False for a text that cannot be a path."""
    try:
        return bool(name) and Path(name).exists()
    except (OSError, ValueError):
        return False


def check_start(name: str) -> None:
    """Raise ModelError where training can start from nothing of this name: no path here, and no name of the hub's."""
    if not exists(name) and not like_hub(name):
        raise ModelError(
            f"There is no folder {name[:200]!r}. Name a transformers encoder or a run with --from DIR, or a model of "
            "the hub with --from OWNER/NAME."
        )


def counted(values: Mapping[str, Any], file: Path, replaced: Collection[str] = ()) -> dict[str, Any]:
    """The values of a run's file, also those in its tables, with relative paths as they are from the current folder.

    They count from the folder that the file's key `folder` names, or else from that of the file. Raises SpecError for
    this key, and for a path that only the current folder contains; not for keys that options have `replaced`. A folder
    that does not exist is refused only where options replace no path: a file may come from another machine.
    """
    folder = folder_of(values, file)
    if FOLDER in values and _WORDS.keys().isdisjoint(replaced) and not (exists(folder) and folder.is_dir()):
        raise SpecError(f"{file}: the key {FOLDER!r} names {values[FOLDER]!r:.200}, which is not a folder.")

    def joined(key: str, value: Any) -> Any:
        match value:
            case str() if key in _WORDS:
                return _joined(key, value, folder, "" if key in replaced else str(file))
            case list():
                return [joined(key, item) for item in value]
            case dict():
                return {inner: joined(inner, item) for inner, item in value.items()}
        return value

    return {key: joined(key, value) for key, value in values.items() if key != FOLDER}


def folder_of(values: Mapping[str, Any], file: Path) -> Path:
    """The folder that the paths of a run's file count from; for a pipe the current one. Raises SpecError."""
    folder = values.get(FOLDER, "")
    if not isinstance(folder, str):
        raise SpecError(f"{file}: the key {FOLDER!r} takes a string, not {folder!r:.80}.")
    return (Path() if file.is_fifo() else file.parent) / folder


def _joined(key: str, value: str, folder: Path, file: str) -> str:
    before, path = _parts(key, value, folder)
    if not path or Path(path).is_absolute() or _real(folder) == _real(Path()):
        return value
    if not exists(folder / path):
        if file and exists(path):
            raise SpecError(
                f"{file}: {key} names {path!r}, which is not in {folder}, but in the current folder. Paths in a file "
                f"count from the file: write it from there, add {FOLDER} = {str(Path.cwd())!r} to the file, or name it "
                "on the command line."
            )
        if _may_be_hub(key, before, path):
            return value
    return before + str(folder / path)


def _parts(key: str, value: str, folder: Path = Path()) -> tuple[str, str]:
    """What precedes the path in a value, and the path; the path is empty where the value is not one."""
    match = re.match(_BEFORE[key], value) if key in _BEFORE and not exists(folder / value) else None
    before = match[0] if match else ""
    path = value[len(before) :]
    return before, "" if re.fullmatch(_WORDS[key], path, re.DOTALL) else path


def _may_be_hub(key: str, before: str, path: str) -> bool:
    return (key in ("model", "from", "vision") or (key == "translated" and bool(before))) and like_hub(path)


def has_relative(spec: Any) -> bool:
    """Whether a spec names a relative path that is not a model on the hub."""
    every = [(key, *_parts(key, item)) for key in _WORDS for item in _listed(getattr(spec, key, ""))]
    return any(
        path and not Path(path).is_absolute() and (exists(path) or not _may_be_hub(key, before, path))
        for key, before, path in every
    )


def resolved(key: str, value: Any, folder: Path = Path()) -> Any:
    """A value in the form that all spellings of its paths share: from the current folder where they are in it.

    Relative paths count from `folder`. Other values, and names of the hub, are returned unchanged.
    """
    here = _real(Path())
    return _with_path(key, value, folder, lambda real: real.relative_to(here) if real.is_relative_to(here) else real)


def hidden(key: str, value: Any) -> Any:
    """A value with `DIR` in the place of its paths, as it is on any machine; others as `resolved`."""
    return _with_path(key, value, Path(), lambda _: Path("DIR"))


def _with_path(key: str, value: Any, folder: Path, form: Callable[[Path], Path]) -> Any:
    if key not in _WORDS:
        return value
    if isinstance(value, tuple):
        return tuple(_with_path(key, item, folder, form) for item in value)
    before, path = _parts(key, value, folder)
    if not path or (_may_be_hub(key, before, path) and not exists(folder / path)):
        return value
    return before + str(form(_real(folder / path)))


def what_is_read(*specs: Any) -> str:
    """A line with the absolute paths of the files and folders that specs name; "" where they name none."""
    shown = [
        f"{key} {_real(Path(path))}"
        for spec in specs
        for key in _WORDS
        for item in _listed(getattr(spec, "start" if key == "from" else key, ""))
        for _, path in [_parts(key, item)]
        if exists(path)
    ]
    return f"read: {'; '.join(dict.fromkeys(shown))}" if shown else ""


def name_of(path: str) -> str:
    """The last part of a path, the same for all its spellings, or of a name of the hub."""
    return (_real(Path(path)) if exists(path) else Path(path)).name


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _real(path: Path) -> Path:
    """The path without links; unchanged where it cannot be a path."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path

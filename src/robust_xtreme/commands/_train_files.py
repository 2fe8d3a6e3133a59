"""From a run's file and the words of the command line to the run that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from robust_xtreme import resources
from robust_xtreme.errors import SpecError, UnknownName
from robust_xtreme.training.spec import BEFORE, LAST, TrainSpec, from_tables, merged, of_panel, read_tables, tables_of

SUFFIX: Final = ".toml"
_LIST: Final = "robust-xtreme config list"
_PLACES: Final = ("text", "recipe", "translated", "data", "packs")
_STAGES: Final = ("mlm", "intermediate", "target")


def shipped(folder: str) -> dict[str, Path]:
    """The files of `configs/FOLDER` by their names, without the suffix."""
    return {path.stem: path for path in sorted((resources.folder("configs") / folder).glob(f"*{SUFFIX}"))}


def find(name: str) -> Path:
    """A run's file: the path itself, or one that ships with the program by its name. Raises UnknownName."""
    path = Path(name)
    if path.is_file():
        return path
    known = shipped("train")
    if name.removesuffix(SUFFIX) in known:
        return known[name.removesuffix(SUFFIX)]
    beside = [str(one) for one in path.parent.glob(f"*{SUFFIX}")] if path.parent.is_dir() else []
    raise UnknownName("run file", name, [*known, *beside], _LIST)


def spec_of(name: str, words: Mapping[str, Any]) -> TrainSpec:
    """The run that a file (none: "") and words ask for; a word represents what the file says.

    Raises UnknownName, SpecError.
    """
    given = {key: value for key, value in words.items() if value is not None and value is not False and value != []}
    if not name:
        return from_tables(_changes(given, {}), "train")
    path = find(name)
    tables = _read(path)
    if given.get("mlm_steps") == 0:
        tables.pop("mlm", None)
    return from_tables(merged(_other_start(tables, given), _changes(given, tables)), str(path))


def _read(path: Path) -> dict[str, Any]:
    """A file's tables, its paths as they are found: from where the user is, or else beside the file."""
    tables = read_tables(path)
    found = {key: _beside(key, value, path) for key, value in tables.items()}
    for name in _STAGES:
        if isinstance(found.get(name), dict):
            found[name] = {key: _beside(key, value, path) for key, value in found[name].items()}
    return found


def _beside(key: str, value: Any, path: Path) -> Any:
    if key == "packs" and isinstance(value, list):
        return [_beside(key, one, path) for one in value]
    if key not in _PLACES or not isinstance(value, str) or not value or Path(value).exists():
        return value
    return str(path.parent / value) if (path.parent / value).exists() else value


def _other_start(tables: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A file's tables without what it says of another start than the one that the words name."""
    gone = ("from", "size", "revision") if "encoder" in given or "scratch" in given else ()
    return {key: value for key, value in tables.items() if key not in gone}


def _changes(given: Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, Any]:
    """Words as the keys and tables of a run's file; those of a stage go into the stage that they are of."""
    last_keys, first_keys = of_panel(LAST), of_panel(BEFORE)
    plain = {key: value for key, value in given.items() if key not in (*last_keys, *first_keys, "intermediate_steps")}
    _add_text(plain, tables)
    found = tables_of(plain)
    there = [stage for stage in _STAGES if stage in found or stage in tables]
    last = there[-1] if there else "target"
    first = "intermediate" if "intermediate" in there else last
    stages = {stage: dict(found.get(stage, {})) for stage in _STAGES}
    stages[last] |= {key: given[key] for key in last_keys if key in given}
    stages[first] |= {key: given[key] for key in first_keys if key in given}
    if "intermediate_steps" in given:
        stages["intermediate"]["steps"] = given["intermediate_steps"]
    if "text" in given:
        for stage in _with_text(tables):
            stages[stage]["text"] = given["text"]
    return {**found, **{stage: keys for stage, keys in stages.items() if keys}}


def _add_text(plain: dict[str, Any], tables: Mapping[str, Any]) -> None:
    """Masked LM reads the text that the words name, or else that of the file. Raises SpecError where none does."""
    if not plain.get("mlm_steps") or plain.get("text"):
        return
    mlm = tables.get("mlm")
    text = (mlm.get("text") if isinstance(mlm, dict) else "") or tables.get("text")
    if not text:
        raise SpecError("--mlm-steps needs --text: a file or folder of plain text, for masked LM.")
    plain["text"] = text


def _with_text(tables: Mapping[str, Any]) -> list[str]:
    return [name for name in _STAGES if isinstance(tables.get(name), dict) and "text" in tables[name]]

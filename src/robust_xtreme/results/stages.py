"""Reads the records of a run's stages and checks them, because another program may have written the folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.results import store

FOLDER: Final = "stages"
_LARGEST: Final = 1 << 53
_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("languages", "text_languages", "flags"), "texts"),
    **dict.fromkeys(("examples", "seed"), "whole"),
    **dict.fromkeys(("allowed", "per_task"), "object"),
    "base": "names",
    "diversity": "object or nothing",
}
"""The keys of a record that are read, and the types of their values."""

_ABSENT: Final = object()


def read_stages(run: Path) -> tuple[dict[str, Any], ...]:
    """The records of a run's stages, in order; none where the folder has none. Raises DataError."""
    return tuple(_stage(path) for path in sorted((run / FOLDER).glob("*.json")))


def _stage(path: Path) -> dict[str, Any]:
    """One record, checked: an object whose languages are a list of texts, and whose numbers are whole."""
    record = store.read_json(path)
    known = isinstance(record, dict) and all(_fits(record.get(name, _ABSENT), kind) for name, kind in _KINDS.items())
    if not known or not _is_text(record):
        what = "is not a record of a stage of `robust-xtreme train`. Copy the run again from where it was trained."
        raise DataError(path, what)
    return {**record, "recipe": str(record.get("recipe") or ""), "selected_on": str(record.get("selected_on") or "")}


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case _ if value is _ABSENT:
            return True
        case "texts":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "whole":
            return type(value) is int and abs(value) <= _LARGEST
        case "names":
            return isinstance(value, dict) and not any(
                isinstance(item, str) and item.isspace() for item in value.values()
            )
        case "object":
            return isinstance(value, dict)
    return value is None or isinstance(value, dict)


def _is_text(value: Any) -> bool:
    """Whether a text can be written as UTF-8: JSON can contain half of a surrogate pair."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return True

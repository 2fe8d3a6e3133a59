"""The records of a run's stages as they are read: checked, for whoever holds the folder may have written them."""

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
"""What is read of a record, and what it must be where it is there."""

_ABSENT: Final = object()


def read_stages(run: Path) -> tuple[dict[str, Any], ...]:
    """The records of a run's stages, in order; none where the folder has none. Raises DataError."""
    return tuple(_stage(path) for path in sorted((run / FOLDER).glob("*.json")))


def _stage(path: Path) -> dict[str, Any]:
    """One record, checked: an object whose languages are a list of texts, and whose numbers are whole."""
    found = store.read_json(path)
    known = isinstance(found, dict) and all(_fits(found.get(name, _ABSENT), kind) for name, kind in _KINDS.items())
    if not known or not _is_text(found):
        what = "is no record of a stage of `robust-xtreme train`. Copy the run again from where it was trained."
        raise DataError(path, what)
    return {**found, "recipe": str(found.get("recipe") or ""), "selected_on": str(found.get("selected_on") or "")}


def _fits(found: Any, kind: str) -> bool:
    match kind:
        case _ if found is _ABSENT:
            return True
        case "texts":
            return isinstance(found, list) and all(isinstance(one, str) for one in found)
        case "whole":
            return type(found) is int and abs(found) <= _LARGEST
        case "names":
            return isinstance(found, dict) and not any(isinstance(one, str) and one.isspace() for one in found.values())
        case "object":
            return isinstance(found, dict)
    return found is None or isinstance(found, dict)


def _is_text(found: Any) -> bool:
    """Whether it can be written as UTF-8: JSON can hold half of a surrogate pair."""
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return True

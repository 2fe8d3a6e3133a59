"""Reads the records of a run's stages and checks them, because another program may have written the folder."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.files import store

FOLDER: Final = "stages"
OWN: Final = "own training data"
_LARGEST: Final = 1 << 53


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(
        ("languages", "text_languages", "flags"),
        lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    ),
    **dict.fromkeys(("examples", "seed"), lambda value: type(value) is int and abs(value) <= _LARGEST),
    **dict.fromkeys(("allowed", "per_task"), _is_object),
    "base": lambda value: _is_object(value) and not any(str(item).isspace() for item in value.values()),
    "diversity": lambda value: value is None or _is_object(value),
}
"""The keys of a record that are read, and the checks of their values."""


def own_data(task: str) -> str:
    """The flag of a stage that learned a task's own training data, so that the task's score does not show transfer.

    These are the examples of MNLI and ANLI+ for XNLI, and of SQuAD for XQuAD, MLQA and LAReQA.
    """
    return f"{OWN}: {task}"


def read_stages(run: Path) -> tuple[dict[str, Any], ...]:
    """The records of a run's stages, in order; none where the folder has none. Raises DataError."""
    records = []
    for path in sorted((run / FOLDER).glob("*.json")):
        record = store.read_json(path)
        known = _is_object(record) and all(fits(record[name]) for name, fits in _CHECKS.items() if name in record)
        if not known or not _is_text(record):
            what = "is not a record of a stage of `robust-xtreme train`. Copy the run again from where it was trained."
            raise DataError(path, what)
        records.append({**record, **{key: str(record.get(key) or "") for key in ("recipe", "selected_on")}})
    return tuple(records)


def _is_text(value: Any) -> bool:
    """Whether a text can be written as UTF-8: JSON can contain half of a surrogate pair."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return True

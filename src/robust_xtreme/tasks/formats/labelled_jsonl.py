"""Texts with a label: a JSON object each line, with a text under each key but `id` and `cluster`, and a `label`."""

from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._json import objects, text_of

FIELDS: Final = ()
"""The keys of a row's texts are named by its task."""

LABEL: Final = "label"


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: its texts and `label`. Raises DataError."""
    given = enumerate(objects(text, path))
    return tuple(Row(str(index), location, record(row, location)) for index, (row, location) in given)


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    return {key: text_of(row, key, location) for key in row if key not in ("id", "cluster")}

"""The rows of a split as every source returns them, with the location that they were read from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import LONGEST
from robust_xtreme.core.specs import Row, TaskSpec

SPLITS: Final = ("train", "validation", "test")


@final
@dataclass(frozen=True, slots=True)
class SourceRows:
    """Rows with their final native ids, the location they come from, and the (name, sha256) of the files.

    `expected` describes the files' format in errors about files of another one.
    """

    rows: tuple[Row, ...]
    location: str
    files: tuple[tuple[str, str], ...]
    expected: str = ""


def is_language(task: TaskSpec, language: str, known: Collection[str]) -> bool:
    """Whether a code is known; in tasks with pairs also two different known codes, as in `de@en`."""
    codes = language.split("@")
    paired = task.pairs and len(codes) == 2 and codes[0] != codes[1]
    return (len(codes) == 1 or paired) and all(code in known for code in codes)


def check(source_rows: SourceRows) -> None:
    """Raise DataError where there are no rows, a text is too long, or an id is repeated, naming both locations."""
    if not source_rows.rows:
        raise DataError(source_rows.location, "contains no examples.")
    for row in source_rows.rows:
        for value in row.values.values():
            if (length := _length(value)) > LONGEST:
                what = f"has a text of {length:,} characters; a text has at most {LONGEST:,}."
                raise DataError(row.location, f"{what} {source_rows.expected}".rstrip(), foreign=True)
    seen: dict[str, Row] = {}
    for row in source_rows.rows:
        if (other := seen.setdefault(row.native, row)) is not row:
            raise DataError(row.location, f"the id {row.native!r} is not unique; it is at {other.location} too.")


def _length(value: Any) -> int:
    """The characters of a value: of a text, or of all texts of a tuple."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, tuple):
        return 0
    try:
        return len("".join(value))
    except TypeError:  # other values are among the texts
        return len("".join([part for part in value if isinstance(part, str)]))

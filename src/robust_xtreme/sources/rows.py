"""What every source gives: the rows of a split, and where they were read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.specs import Row, TaskSpec

SPLITS: Final = ("train", "validation", "test")
LONGEST: Final = 1_000_000
"""Characters of one text: a longer one is not a passage but a file gone wrong, and noising it takes minutes."""


@final
@dataclass(frozen=True, slots=True)
class Found:
    """Rows with their final native ids, the place they come from, and the (name, sha256) of what was read."""

    rows: tuple[Row, ...]
    place: str
    files: tuple[tuple[str, str], ...]


def is_language(task: TaskSpec, language: str, known: Collection[str]) -> bool:
    """Whether a code is among those known; in tasks with pairs also two different ones, as in `de@en`."""
    codes = language.split("@")
    paired = task.pairs and len(codes) == 2 and codes[0] != codes[1]
    return (len(codes) == 1 or paired) and all(code in known for code in codes)


def check(found: Found) -> None:
    """Raise DataError where there are no rows, a text is too long, or an id is twice, naming both places."""
    if not found.rows:
        raise DataError(found.place, "contains no examples.")
    for row in found.rows:
        for key, value in row.values.items():
            if (length := _length(value)) > LONGEST:
                raise DataError(row.place, f"{key!r} is {length:,} characters long; a text has at most {LONGEST:,}.")
    for first, second in _twice(found.rows):
        raise DataError(second.place, f"the id {second.native!r} is not unique; it is at {first.place} too.")


def _length(value: Any) -> int:
    """The characters of a text, or of a list of words."""
    if isinstance(value, str):
        return len(value)
    return sum(len(one) for one in value if isinstance(one, str)) if isinstance(value, tuple) else 0


def _twice(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    seen: dict[str, Row] = {}
    for row in rows:
        if row.native in seen:
            yield seen[row.native], row
        seen[row.native] = row

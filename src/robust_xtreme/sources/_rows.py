"""What every source gives: the rows of a split, and where they were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.specs import Row

SPLITS: Final = ("train", "validation", "test")


@final
@dataclass(frozen=True, slots=True)
class Found:
    """Rows with their final native ids, the place they come from, and the (name, sha256) of what was read."""

    rows: tuple[Row, ...]
    place: str
    files: tuple[tuple[str, str], ...]


def check(found: Found) -> None:
    """Raise DataError where there are no rows, or an id stands twice, naming both places."""
    if not found.rows:
        raise DataError(found.place, "holds no examples.")
    for first, second in _twice(found.rows):
        raise DataError(second.place, f"the id {second.native!r} is not unique; it stands at {first.place} too.")


def _twice(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    seen: dict[str, Row] = {}
    for row in rows:
        if row.native in seen:
            yield seen[row.native], row
        seen[row.native] = row

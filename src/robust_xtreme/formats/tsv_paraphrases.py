"""Pairs of sentences and whether they mean the same, a line each, as in PAWS-X."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import tsv
from robust_xtreme.formats._json import text_of
from robust_xtreme.specs import Row

SAMPLE: Final = (
    "id\tsentence1\tsentence2\tlabel\n"
    "1\tAnna met Ben in Rome.\tBen met Anna in Rome.\t1\n"
    "2\tFrom Rome he went to Oslo.\tFrom Oslo he went to Rome.\t0\n"
)

FIELDS: Final = ("sentence1", "sentence2", "label")
WRITTEN: Final = "tsv"


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, as in `tsv`, without blanks at the ends of a sentence, which XTREME's scripts remove.

    Rows with a number (`id`) are sorted by it. Raises DataError where a line has another number of columns, or an id
    occurs twice or is not a number.
    """
    rows = tuple(_stripped(row) for row in tsv.read(text, path))
    return _in_order(rows) if "id" in text.partition("\n")[0].rstrip("\r").split("\t") else rows


def _stripped(row: Row) -> Row:
    values = {**row.values, "first": row.values["first"].strip(), "second": row.values["second"].strip()}
    return replace(row, values=values)


def _in_order(rows: Sequence[Row]) -> tuple[Row, ...]:
    seen: dict[int, Row] = {}
    for row in rows:
        if not (row.native.isascii() and row.native.isdigit()):
            raise DataError(row.location, f"the id {row.native[:80]!r} is not a whole number.")
        if int(row.native) in seen:
            raise DataError(
                row.location, f"the id {row.native} is not unique; it is at {seen[int(row.native)].location} too."
            )
        seen[int(row.native)] = row
    return tuple(row for _, row in sorted(seen.items()))


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    first, second, label = (text_of(row, key, location) for key in FIELDS)
    return {"first": first, "second": second, "label": label}

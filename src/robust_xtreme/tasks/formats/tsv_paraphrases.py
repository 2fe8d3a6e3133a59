"""Pairs of sentences and whether they mean the same, a line each, as in PAWS-X."""

from dataclasses import replace
from functools import partial
from typing import Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import tsv
from robust_xtreme.tasks.formats._json import number_of
from robust_xtreme.tasks.formats._table import PAIR

FIELDS: Final = ("sentence1", "sentence2", "label")
WRITTEN: Final = "tsv"

record = partial(tsv.pair_of, FIELDS)


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, as in `tsv`, without blanks at the ends of a sentence, which XTREME's scripts remove.

    Rows with a number (`id`) are sorted by it. Raises DataError where a line has another number of columns, or an id
    occurs twice or is not a number.
    """
    rows = tuple(
        replace(row, values={**row.values, **{side: row.values[side].strip() for side in PAIR}})
        for row in tsv.read(text, path)
    )
    if "id" not in text.partition("\n")[0].rstrip("\r").split("\t"):
        return rows
    seen: dict[int, Row] = {}
    for row in rows:
        if (id := number_of(row.native)) is None:
            raise DataError(row.location, f"the id {row.native[:80]!r} is not a whole number.")
        if (other := seen.setdefault(id, row)) is not row:
            raise DataError(row.location, f"the id {row.native} is not unique; it is at {other.location} too.")
    return tuple(row for _, row in sorted(seen.items()))

"""AmericasNLI: [id] language premise hypothesis label, separated by tabs, under a header or, in that order, without."""

import re
from collections.abc import Sequence
from typing import Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import numbered_lines
from robust_xtreme.tasks.formats._json import number_of
from robust_xtreme.tasks.formats.tsv import FIELDS, record

_ID: Final = "id"
_COLUMNS: Final = ("language", "premise", "hypothesis", "label")


__all__ = ["FIELDS", "read", "record"]


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, with `first`, `second`, `label`, `language` and, where the file has ids, `number`, in its order.

    A row's native id is its place in this order, which is that of the files without ids. Columns under a header are in
    any order. Raises DataError where a column is missing, a line has another number of columns, or an id is not a
    number or occurs twice in a language.
    """
    lines = list(numbered_lines(text))
    if not lines:
        return ()
    columns = _columns(lines[0][1].split("\t"), path, lines[0][0])
    body = lines[1:] if _is_header(lines[0][1].split("\t")) else lines
    rows = [_row(number, line.split("\t"), columns, path) for number, line in body]
    if _ID in columns:
        seen: dict[tuple[str, int], Row] = {}
        for row in rows:
            key = row.values["language"], row.values["number"]
            if (other := seen.setdefault(key, row)) is not row:
                raise DataError(row.location, f"the id {key[1]} is not unique; it is at {other.location} too.")
        rows.sort(key=lambda row: row.values["number"])
    return tuple(Row(str(index), row.location, row.values) for index, row in enumerate(rows))


def _is_header(cells: Sequence[str]) -> bool:
    return any(cell.strip() in _COLUMNS for cell in cells)


def _columns(head: Sequence[str], path: str, number: int) -> list[str]:
    """The names of the columns, by the first line."""
    names = [cell.strip() for cell in head]
    if _is_header(head):
        if missing := [name for name in _COLUMNS if name not in names]:
            raise DataError(path, f"has no columns {', '.join(missing)}; its first line names them.", number)
        return names
    known = [_ID, *_COLUMNS] if names[0].isdecimal() else [*_COLUMNS]
    if len(names) != len(known) or not re.fullmatch("[a-z]{2,3}", names[known.index("language")]):
        expected = f"expected: {' '.join(_COLUMNS)}, with an id before them or without, separated by tabs"
        raise DataError(path, f"has {counted(len(names), 'column')} without a header; {expected}.", number)
    return known


def _row(number: int, cells: Sequence[str], columns: Sequence[str], path: str) -> Row:
    if len(cells) != len(columns):
        raise DataError(path, f"has {counted(len(cells), 'column')}, the first line has {len(columns)}.", number)
    row = dict(zip(columns, cells, strict=True))
    values: dict[str, str | int] = {
        "first": row["premise"],
        "second": row["hypothesis"],
        "label": row["label"].strip(),
        "language": row["language"].strip(),
    }
    if _ID in row:
        if (id := number_of(row[_ID])) is None:
            raise DataError(path, f"the id {row[_ID][:40]!r} is not a number.", number)
        values["number"] = id
    return Row("", f"{path}:{number}", values)

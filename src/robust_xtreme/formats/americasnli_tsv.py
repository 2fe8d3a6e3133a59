"""AmericasNLI: id, language, premise, hypothesis and label, separated by tabs, under a header."""

from __future__ import annotations

from typing import Final

from robust_xtreme.errors import DataError, counted
from robust_xtreme.formats._file import numbered_lines
from robust_xtreme.formats.tsv import FIELDS, record
from robust_xtreme.specs import Row

_COLUMNS: Final = ("id", "language", "premise", "hypothesis", "label")


__all__ = ["FIELDS", "read", "record"]


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, named by its id, with the values `first`, `second` and `label`; columns are in any order.

    Raises DataError where a column is missing, a line has another number of columns, an id is not a number, or the
    file contains several languages.
    """
    lines = list(numbered_lines(text))
    if not lines:
        return ()
    head = [name.strip() for name in lines[0][1].split("\t")]
    missing = [name for name in _COLUMNS if name not in head]
    if missing:
        raise DataError(path, f"has no columns {', '.join(missing)}; its first line names them.", lines[0][0])
    rows, language = [], None
    for number, line in lines[1:]:
        cells = line.split("\t")
        if len(cells) != len(head):
            raise DataError(path, f"has {counted(len(cells), 'column')}, the header has {len(head)}.", number)
        row = dict(zip(head, cells, strict=True))
        if not (row["id"].isascii() and row["id"].isdigit()):
            raise DataError(path, f"the id {row['id'][:40]!r} is not a number.", number)
        language = row["language"] if language is None else language
        if row["language"] != language:
            both = f"{language!r} and {row['language']!r}"
            raise DataError(path, f"contains several languages, {both}: name the file of one language.", number)
        values = {"first": row["premise"], "second": row["hypothesis"], "label": row["label"].strip()}
        rows.append(Row(row["id"], f"{path}:{number}", values))
    return tuple(rows)

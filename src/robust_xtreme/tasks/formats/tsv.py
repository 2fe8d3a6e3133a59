"""Columns separated by tabs, in a task's files without quoting: first TAB second [TAB label], or under a header."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import numbered_lines
from robust_xtreme.tasks.formats._json import text_of
from robust_xtreme.tasks.formats._table import PAIR_COLUMNS, layout, read_table, unquoted

FIELDS: Final = ("premise", "hypothesis", "label")

TAKES: Final = ("--language-field", "--header", "--keep")
WRITTEN: Final = "tsv"

records = partial(read_table, separator="\t")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, with the values `first`, `second` and `label` (None in files of two columns).

    A row's native id is its number from 0 or, under a header with the column `id`, the value there. A field that a CSV
    writer quoted, as XTREME's preprocessing does where the text contains a quotation mark, is unquoted; texts are
    otherwise kept as they are. Raises DataError where a line has another number of columns.
    """
    lines = list(numbered_lines(text))
    if not lines:
        return ()
    width, (first, second, label, native), body = layout(lines, path)
    rows = []
    for index, (number, line) in enumerate(lines[body:]):
        cells = line.split("\t")
        if len(cells) != width:
            raise DataError(path, f"has {counted(len(cells), 'column')}, the lines before have {width}.", number)
        if '"' in line:
            cells = [unquoted(cell) for cell in cells]
        stated = None if label is None else cells[label].strip()
        values = {"first": cells[first], "second": cells[second], "label": stated}
        rows.append(Row(str(index) if native is None else cells[native].strip(), f"{path}:{number}", values))
    return tuple(rows)


def pair_of(keys: Sequence[str], row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The two texts and the label that a suite's row has under these keys. Raises DataError."""
    return dict(zip(PAIR_COLUMNS, (text_of(row, key, location) for key in keys), strict=True))


record = partial(pair_of, FIELDS)

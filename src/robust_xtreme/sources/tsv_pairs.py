"""Pairs of sentences, a line each: first TAB second [TAB label], or named columns under a header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.sources._file import numbered_lines
from robust_xtreme.sources._json import text_of
from robust_xtreme.specs import Row

SAMPLE: Final = "Anna sleeps.\tAnna is awake.\tcontradiction\nAnna sleeps.\tAnna rests.\tentailment\n"
"""A whole, valid file of this format."""

FIELDS: Final = ("premise", "hypothesis", "label")
"""The keys of a suite's row of this kind."""

_COLUMNS: Final = {
    "first": ("prem", "premise", "sentence1"),
    "second": ("hyp", "hypo", "hypothesis", "sentence2"),
    "label": ("gold_label", "label"),
}


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, with the values `first`, `second` and `label` (None in files of two columns).

    A row's name is its place or, under a header with the column `id`, what stands there.
    A field that a CSV writer quoted, as XTREME's preprocessing does where the text holds a quotation mark, is
    unquoted; texts are otherwise kept as they are. Raises DataError where a line has another number of columns.
    """
    lines = list(numbered_lines(text))
    if not lines:
        return ()
    width, places, body = layout(lines, path)
    return tuple(_row(index, line, width, places, path) for index, line in enumerate(lines[body:]))


def layout(lines: list[tuple[int, str]], path: str) -> tuple[int, tuple[int | None, ...], int]:
    """Number of columns, the places of first, second, label and id, and how many lines the header takes."""
    head = lines[0][1].split("\t")
    named = [[head.index(name) for name in names if name in head] for names in _COLUMNS.values()]
    if all(named):
        return len(head), (*(places[0] for places in named), head.index("id") if "id" in head else None), 1
    if len(head) not in (2, 3):
        found = f"{len(head)} column{'s' * (len(head) != 1)}"
        raise DataError(path, f"has {found}, expected: first, second and label, separated by tabs.", 1)
    return len(head), (0, 1, 2 if len(head) == 3 else None, None), 0


def _row(index: int, line: tuple[int, str], width: int, places: tuple[int | None, ...], path: str) -> Row:
    number, value = line
    cells = value.split("\t")
    if len(cells) != width:
        raise DataError(path, f"has {len(cells)} columns, the lines before have {width}.", number)
    first, second, label, own = (None if place is None else unquoted(cells[place]) for place in places)
    values = {"first": first, "second": second, "label": label.strip() if label is not None else None}
    return Row(str(index) if own is None else own.strip(), f"{path}:{number}", values)


def unquoted(cell: str) -> str:
    """The text of a field that a CSV writer quoted: it does so only where the text holds a quotation mark."""
    inner = cell[1:-1]
    quoted = len(cell) > 2 and cell[0] == cell[-1] == '"' and '""' in inner and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    first, second, label = (text_of(row, key, place) for key in FIELDS)
    return {"first": first, "second": second, "label": label}

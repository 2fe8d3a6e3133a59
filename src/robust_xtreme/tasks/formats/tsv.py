"""Columns separated by tabs; a task's pairs are first TAB second [TAB label], or under a header."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import Source, TextLine, check_ends, numbered_lines
from robust_xtreme.tasks.formats._json import text_of
from robust_xtreme.tasks.formats._record import ReadOptions, Record, SlotResult, kept, on_one_line
from robust_xtreme.tasks.formats._table import TableLayout, read_table

FIELDS: Final = ("premise", "hypothesis", "label")

TAKES: Final = ("--language-field", "--header", "--keep")
WRITTEN: Final = "tsv"

PAIR: Final = ("first", "second")
"""The names of the two texts of a line in a task's own file."""

Columns = tuple[int, int, int | None, int | None]
"""The columns of first, second, label and id."""

_COLUMNS: Final = {
    "first": ("prem", "premise", "sentence1"),
    "second": ("hyp", "hypo", "hypothesis", "sentence2"),
    "label": ("gold_label", "label"),
}


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


def layout(lines: list[tuple[int, str]], path: str) -> tuple[int, Columns, int]:
    """The number of columns, the columns of first, second, label and id, and the number of header lines."""
    head = lines[0][1].split("\t")
    columns = ((head.index(name) for name in names if name in head) for names in (*_COLUMNS.values(), ("id",)))
    first, second, label, native = (next(several, None) for several in columns)
    has_others = len(head) > len({first, second, native} - {None})
    if first is not None and second is not None and not (label is None and has_others):
        return len(head), (first, second, label, native), 1
    if len(head) not in (2, 3):
        what = f"has {counted(len(head), 'column')}, expected: two texts and a label, separated by tabs."
        raise DataError(path, what, 1)
    return len(head), (0, 1, 2 if len(head) == 3 else None, None), 0


def unquoted(cell: str) -> str:
    """The text of a field that a CSV writer quoted: it does so only where the text contains a quotation mark."""
    inner = cell[1:-1]
    quoted = len(cell) > 2 and cell[0] == cell[-1] == '"' and '""' in inner and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def pair_of(keys: Sequence[str], row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The two texts and the label that a suite's row has under these keys. Raises DataError."""
    return dict(zip(_COLUMNS, (text_of(row, key, location) for key in keys), strict=True))


record = partial(pair_of, FIELDS)


def records(source: Source, options: ReadOptions) -> Iterator[Record]:
    """A record for each line; empty lines are allowed at the end only. Raises DataError naming the line."""
    return _read_pairs(source, options) if options.pairs else read_table(source, options, "\t")


def _read_pairs(source: Source, options: ReadOptions) -> Iterator[Record]:
    """A record for each line of a task's own file."""
    table = None
    for line in source.lines():
        if not line.text:
            yield kept(line.whole)
            continue
        cells = line.text.split("\t")
        if table is None:
            width, columns, body = layout([(line.number, line.text)], source.path)
            noised = tuple(columns[:2][PAIR.index(name)] for name in options.fields)
            table = TableLayout(source.path, width, (), noised, -1, options)
            if body:
                yield kept(line.whole)
                continue
        if len(cells) != table.width:
            what = f"has {counted(len(cells), 'column')}, the lines before have {table.width}."
            raise DataError(table.path, what, line.number)
        slots = table.slots(cells, line.number, unquoted)
        for column in table.columns:
            check_ends(cells[column], table.path, line.number)
        yield Record(slots, partial(_written, line, cells, table), len(line.text))


def _written(line: TextLine, cells: Sequence[str], table: TableLayout, done: Sequence[SlotResult]) -> str:
    new = list(cells)
    for column, outcome in zip(table.columns, done, strict=True):
        if outcome.value != outcome.slot.value:
            value = on_one_line(outcome.value, table.path, line.number, "\t\n\r")
            was_quoted = outcome.slot.value != cells[column]
            new[column] = '"{}"'.format(value.replace('"', '""')) if was_quoted and '"' in value else value
    return "\t".join(new) + line.end

"""Columns separated by tabs, without quoting; a task's pairs are first TAB second [TAB label], or under a header."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from robust_xtreme.core.errors import DataError, UserError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import Source, TextLine, check_ends, numbered_lines
from robust_xtreme.tasks.formats._json import text_of
from robust_xtreme.tasks.formats._moving import check_cells
from robust_xtreme.tasks.formats._record import ReadOptions, Record, Slot, SlotResult, kept, on_one_line

FIELDS: Final = ("premise", "hypothesis", "label")

TAKES: Final = ("--language-field", "--header", "--keep")
WRITTEN: Final = "tsv"

PAIR: Final = ("first", "second")
"""The names of the two texts of a line in a task's own file."""

Columns = tuple[int, int, int | None, int | None]
"""The columns of first, second, label and id."""

_NUMBER: Final = re.compile("[0-9]{1,9}")
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


class TableLayout(NamedTuple):
    """The number of columns, their names (empty without a header), those of the fields, and of languages (-1: none)."""

    path: str
    width: int
    names: tuple[str, ...]
    columns: tuple[int, ...]
    language: int
    options: ReadOptions

    def slots(self, cells: Sequence[str], number: int, read: Callable[[str], str] = str) -> tuple[Slot, ...]:
        """The texts of a row. Raises DataError where another column looks like a place in a noised text."""
        if not self.options.gold:
            check_cells(self.names, cells, self.columns, self.options.keep, f"{self.path}:{number}")
        language = cells[self.language].strip() if self.language >= 0 else ""
        named = zip(self.options.fields, self.columns, strict=True)
        return tuple(Slot(name, str(number), read(cells[column]), (), language) for name, column in named)

    def id_of(self, cells: Sequence[str]) -> str:
        """The value of the column `id`; empty where there is none."""
        return cells[self.names.index("id")].strip() if "id" in self.names else ""


def records(source: Source, options: ReadOptions) -> Iterator[Record]:
    """A record for each line; empty lines are allowed at the end only. Raises DataError naming the line."""
    table, empty = None, 0
    for line in source.lines():
        if not line.text:
            empty = empty or line.number
            yield kept(line.whole)
            continue
        if empty:
            what = "is empty, and more lines follow. A word and its tag each line: --format iob2"
            raise DataError(source.path, what, empty)
        if table is None:
            table, named = _table(line, source.path, options)
            if named:
                yield kept(line.whole)
                continue
        yield _record(line, table)


def _table(line: TextLine, path: str, options: ReadOptions) -> tuple[TableLayout, bool]:
    """The table, and whether the first line names its columns."""
    cells = line.text.split("\t")
    if options.pairs:
        width, pair_columns, body = layout([(line.number, line.text)], path)
        noised = tuple(pair_columns[:2][PAIR.index(name)] for name in options.fields)
        return TableLayout(path, width, (), noised, -1, options), bool(body)
    named = is_named(options)
    return table_of(cells, path, options, named=named), named


def table_of(cells: Sequence[str], path: str, options: ReadOptions, *, named: bool) -> TableLayout:
    """The layout of a table by the cells of its first line, which may name the columns. Raises UserError."""
    columns = [_column(name, cells, path, options, named=named) for name in _wanted(options)]
    seen: dict[int, str] = {}
    for name, column in zip(options.fields, columns, strict=False):
        if (other := seen.setdefault(column, name)) != name:
            raise UserError(f"{path}: {other!r} and {name!r} are the same column. Name it once with --fields.")
    language = columns.pop() if options.language_field else -1
    return TableLayout(path, len(cells), tuple(cells) if named else (), tuple(columns), language, options)


def is_named(options: ReadOptions) -> bool:
    """Whether the first line names the columns: as the option states, else if a column is selected by name."""
    return options.header if options.header is not None else not all(map(_NUMBER.fullmatch, _wanted(options)))


def _wanted(options: ReadOptions) -> tuple[str, ...]:
    return (*options.fields, options.language_field) if options.language_field else options.fields


def _column(name: str, cells: Sequence[str], path: str, options: ReadOptions, *, named: bool) -> int:
    """The index of a column, by its name in the header, or its number from 1. Raises UserError."""
    if named and cells.count(name) > 1:
        first = cells.index(name) + 1
        what = f"{path} has {cells.count(name)} columns named {name!r}, the first at {first}."
        step = f"{'--gold' if name == options.gold else '--fields'} {first}{'' if options.gold else ' --header'}"
        raise UserError(f"{what} Name the column by its number: {step}")
    if named and name in cells:
        return cells.index(name)
    if _NUMBER.fullmatch(name) and 1 <= int(name) <= len(cells):
        return int(name) - 1
    shown = ", ".join(" ".join(cell.split()) for cell in cells)[:200]
    known = f"its header has: {shown}" if named else f"it has the columns 1 to {len(cells)}"
    is_split = len(cells) > 1 or ";" not in cells[0]
    step = "Name one of these" if is_split else "It is separated by ';': write it with commas"
    raise UserError(f"{path} has no column {name!r}; {known}. {step}.")


def _record(line: TextLine, table: TableLayout) -> Record:
    cells = line.text.split("\t")
    if len(cells) != table.width:
        what = f"has {counted(len(cells), 'column')}, the lines before have {table.width}."
        raise DataError(table.path, what, line.number)
    slots = table.slots(cells, line.number, unquoted if table.options.pairs else str)
    for column in table.columns:
        check_ends(cells[column], table.path, line.number)
    return Record(slots, partial(_written, line, cells, table), len(line.text), id=table.id_of(cells))


def _written(line: TextLine, cells: Sequence[str], table: TableLayout, done: Sequence[SlotResult]) -> str:
    new = list(cells)
    for column, outcome in zip(table.columns, done, strict=True):
        if outcome.value != outcome.slot.value:
            value = on_one_line(outcome.value, table.path, line.number, "\t\n\r")
            was_quoted = outcome.slot.value != cells[column]
            new[column] = '"{}"'.format(value.replace('"', '""')) if was_quoted and '"' in value else value
    return "\t".join(new) + line.end

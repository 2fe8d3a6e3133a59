"""CSV: columns separated by commas, under a line of their names; cells may be quoted and contain line ends."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.formats._file import Source, TextLine, check_ends, check_size
from robust_xtreme.tasks.formats._json import Range
from robust_xtreme.tasks.formats._record import ReadOptions, Record, SlotResult, kept, spliced
from robust_xtreme.tasks.formats.tsv import TableLayout, table_of

TAKES: Final = ("--language-field", "--header", "--keep", "--skip-null")

_LINES: Final = 100_000
_QUOTE: Final = '"'
_CLOSED: Final = re.compile('[^"]*+(?:""[^"]*+)*+"')
_MARKED: Final = re.compile('[",\\n\\r]')


class CsvRow(NamedTuple):
    """One row of cells: the number of its first line, its text with all line ends, and the range of each cell."""

    number: int
    text: str
    ranges: tuple[Range, ...]

    def cells(self) -> list[str]:
        """The values of the cells, without quotes."""
        raws = (self.text[start:stop] for start, stop in self.ranges)
        return [raw[1:-1].replace('""', _QUOTE) if raw.startswith(_QUOTE) else raw for raw in raws]


def records(source: Source, options: ReadOptions) -> Iterator[Record]:
    """A record for each row; empty lines are kept. The first row names the columns, unless the options say otherwise.

    Raises DataError naming the line that is not valid CSV, or whose cells are not as many as in the lines before.
    """
    table = None
    for row in rows(source):
        if not row.text.strip("\r\n"):
            yield kept(row.text)
            continue
        if table is None:
            named, cells = options.header is not False, row.cells()
            table = table_of(cells, source.path, options, named=named)
            if named:
                yield kept(row.text)
                continue
        yield _record(row, table)


def rows(source: Source) -> Iterator[CsvRow]:
    """The rows of a file. Raises DataError where a cell continues after its closing quote, or does not end."""
    lines = source.lines()
    for line in lines:
        yield _row(line, lines, source.path)


def _row(line: TextLine, lines: Iterator[TextLine], path: str) -> CsvRow:
    """The row that begins with a line; a quoted cell may continue in the next lines."""
    number, parts, before, position = line.number, [line.whole], 0, 0
    ranges: list[Range] = []
    while True:
        start = before + position
        if line.text.startswith(_QUOTE, position):
            position += 1
            while not (closed := _CLOSED.match(line.text, position)):
                before, position = before + len(line.whole), 0
                check_size(before, "the row that begins here (is a quotation mark not closed?)", path, number)
                if len(parts) > _LINES:
                    what = f"the row that begins here has more than {_LINES:,} lines. Is a quotation mark not closed?"
                    raise DataError(path, what, number)
                if (following := next(lines, None)) is None:
                    what = "a quoted cell of the row that begins here does not end. Is the file cut off?"
                    raise DataError(path, what, number)
                line = following
                parts.append(line.whole)
            position = closed.end()
        else:
            comma = line.text.find(",", position)
            stop = comma if comma >= 0 else len(line.text)
            check_ends(line.text[position:stop], path, line.number)
            position = stop
        ranges.append((start, before + position))
        if position == len(line.text):
            return CsvRow(number, "".join(parts), tuple(ranges))
        if line.text[position] != ",":
            what = f"{line.text[position]!r} follows the closing quotation mark of cell {len(ranges)}, not a comma."
            raise DataError(path, what, line.number)
        position += 1


def _record(row: CsvRow, table: TableLayout) -> Record:
    """The record of a row. Raises DataError where another column looks like a place in a noised text."""
    cells = row.cells()
    if len(cells) != table.width:
        what = f"has {len(cells)} cell{'s' * (len(cells) != 1)}, the rows before have {table.width}."
        raise DataError(table.path, what, row.number)
    slots = table.slots(cells, row.number)
    return Record(slots, partial(_written, row, table.columns), len(row.text), id=table.id_of(cells))


def _written(row: CsvRow, columns: Sequence[int], done: Sequence[SlotResult]) -> str:
    edits: dict[Range, str] = {}
    for column, outcome in zip(columns, done, strict=True):
        if outcome.value != outcome.slot.value:
            (start, stop), new = row.ranges[column], outcome.value
            is_quoted = row.text.startswith(_QUOTE, start) or _MARKED.search(new) or not new
            edits[start, stop] = '"{}"'.format(new.replace(_QUOTE, '""')) if is_quoted else new
    return spliced(row.text, edits)

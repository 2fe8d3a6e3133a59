"""Tables of rows: cells between commas (CSV) or tabs (TSV), under a line of names or without one.

A cell of CSV that begins with a quotation mark is quoted. In TSV quotation marks are a part of the text, unless all
that the file has are those of a program that quotes cells, as pandas and Excel do.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from robust_xtreme.core.errors import DataError, UserError, counted
from robust_xtreme.tasks.formats._file import Source, TextLine, check_ends, check_size
from robust_xtreme.tasks.formats._json import Range
from robust_xtreme.tasks.formats._moving import check_cells
from robust_xtreme.tasks.formats._record import (
    ReadOptions,
    Record,
    Slot,
    SlotResult,
    kept,
    on_one_line,
    show_names,
)

_LINES: Final = 100_000
_QUOTE: Final = '"'
_CLOSED: Final = re.compile('[^"]*+(?:""[^"]*+)*+"')
_MARKED: Final = re.compile('[",\\t\\n\\r]')
"""What a cell is quoted for: Excel quotes one with a comma in TSV too."""

_SEPARATORS: Final = {",": "comma", "\t": "tab"}
_SEPARATOR_LINE: Final = re.compile('"?sep=(.)"?')
"""The line that Excel reads before the header."""

_NUMBER: Final = re.compile("[0-9]{1,9}")
_COLUMN_NAMES: Final = frozenset(
    "context gold gold_label hypothesis label labels lang language premise question review sentence sentence1 "
    "sentence2 tags text texts tokens words".split()
)
"""What the columns of texts, labels and languages are usually called."""


class TableRow(NamedTuple):
    """One row: the number of its first line, its cells as they are written, and its end.

    `is_quoted` says that quotation marks around a cell are those of the program that wrote it.
    """

    number: int
    raws: tuple[str, ...]
    end: str
    is_quoted: bool = True

    def cells(self) -> list[str]:
        """The values of the cells."""
        if not self.is_quoted:
            return [*self.raws]
        return [raw[1:-1].replace('""', _QUOTE) if raw.startswith(_QUOTE) else raw for raw in self.raws]


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


def read_table(source: Source, options: ReadOptions, separator: str) -> Iterator[Record]:
    """A record for each row; lines before the header, the header and empty lines are kept.

    Raises DataError naming the line that is damaged, has another number of cells than the first, or repeats the header.
    """
    table, empty = None, 0
    rows = read_csv_rows(source) if separator == "," else read_tsv_rows(source, options)
    while (row := next(rows, None)) is not None:
        text = separator.join(row.raws) + row.end
        if row.raws == ("",):
            empty = empty or row.number
            yield kept(text)
            continue
        if empty and separator == "\t":
            what = "is empty, and more lines follow. A word and its tag each line: --format iob2"
            raise DataError(source.path, what, empty)
        if table is None and (line := _SEPARATOR_LINE.fullmatch(text.rstrip("\r\n"))):
            if line[1] != separator:
                what = f"is separated by {line[1]!r}, as its first line says. Write it with {_SEPARATORS[separator]}s."
                raise DataError(source.path, what)
            yield kept(text)
            continue
        cells = row.cells()
        if table is None:
            table, rows = _find_columns(cells, rows, source.path, options)
            if table.names:
                yield kept(text)
                continue
        if len(cells) != table.width:
            what = f"has {counted(len(cells), 'cell')}, the rows before have {table.width}."
            raise DataError(source.path, what, row.number)
        if len(cells) > 1 and tuple(cell.strip() for cell in cells) == table.names:
            raise DataError(source.path, "repeats the names of the columns. Leave this line out.", row.number)
        for column in table.columns if not row.is_quoted else ():
            check_ends(cells[column], source.path, row.number)
        id = cells[table.names.index("id")].strip() if "id" in table.names else ""
        write = partial(_write_row, row, table, separator)
        yield Record(table.slots(cells, row.number), write, len(text), id=id)


def _find_columns(
    cells: Sequence[str], rows: Iterator[TableRow], path: str, options: ReadOptions
) -> tuple[TableLayout, Iterator[TableRow]]:
    """The layout of a table, and its other rows.

    The first line names the columns if the options say so, or give a column by its name. Where all are given by number,
    it does if one of them has a usual name there, and it is a row if its label occurs in other rows. Raises UserError
    where neither or both are so, and where a column is not there.
    """
    is_named = options.header
    if is_named is None and not all(map(_NUMBER.fullmatch, _wanted(options))):
        is_named = True
    if is_named is None:
        by_number = table_of(cells, path, options, named=False)
        firsts = {cells[column].strip().casefold() for column in by_number.columns}
        is_named = bool(firsts & _COLUMN_NAMES) or [*cells] == [str(number) for number in range(len(cells))]
        following = [*rows] if options.gold else []  # a file with labels is small, and not written again
        rows = iter(following) if options.gold else rows
        label = by_number.columns[-1]
        if is_named == any(row.cells()[label : label + 1] == [cells[label]] for row in following):
            what = f"{path}: its columns are given by number. Does its first line name them, or is it a row?"
            raise UserError(f"{what} Add --header or --no-header")
        options.tell(
            f"the first line {'names the columns (else: --no-header)' if is_named else 'is a row (else: --header)'}"
        )
    return table_of(cells, path, options, named=is_named), rows


def table_of(cells: Sequence[str], path: str, options: ReadOptions, *, named: bool) -> TableLayout:
    """The layout of a table by the cells of its first line, which may name the columns. Raises UserError."""
    columns = [_column(name, cells, path, options, named=named) for name in _wanted(options)]
    seen: dict[int, str] = {}
    for name, column in zip(options.fields, columns, strict=False):
        if (other := seen.setdefault(column, name)) != name:
            raise UserError(f"{path}: {other!r} and {name!r} are the same column. Name it once with --fields.")
    language = columns.pop() if options.language_field else -1
    names = tuple(cell.strip() for cell in cells) if named else ()
    return TableLayout(path, len(cells), names, tuple(columns), language, options)


def _wanted(options: ReadOptions) -> tuple[str, ...]:
    return (*options.fields, options.language_field) if options.language_field else options.fields


def _column(name: str, cells: Sequence[str], path: str, options: ReadOptions, *, named: bool) -> int:
    """The index of a column, by its name in the header, or its number from 1. Raises UserError."""
    exact = [index for index, cell in enumerate(cells) if named and cell == name]
    found = exact or [index for index, cell in enumerate(cells) if named and cell.strip() == name]
    number = int(name) if _NUMBER.fullmatch(name) and 1 <= int(name) <= len(cells) else 0
    if len(found) > 1:
        first = found[0] + 1
        what = f"{path} has {len(found)} columns named {name!r}, the first at {first}."
        step = f"{'--gold' if name == options.gold else '--fields'} {first} --header"
        raise UserError(f"{what} Name the column by its number: {step}")
    if found and number not in (0, found[0] + 1):
        raise UserError(f"{path}: {name!r} is the name of column {found[0] + 1} and the number of another. Rename it.")
    if found or number:
        return found[0] if found else number - 1
    known = f"its header has: {show_names(cells)}" if named else f"it has the columns 1 to {len(cells)}"
    is_split = len(cells) > 1 or ";" not in cells[0]
    step = "Name one of these" if is_split else "It is separated by ';': write it with commas"
    raise UserError(f"{path} has no column {name!r}; {known}. {step}.")


def read_csv_rows(source: Source) -> Iterator[TableRow]:
    """The rows of CSV. Raises DataError where a cell continues after its closing quote, or does not end."""
    lines = source.lines()
    for line in lines:
        yield _parse_row(line, lines, source.path, ",")


def read_tsv_rows(source: Source, options: ReadOptions) -> Iterator[TableRow]:
    """The rows of TSV, and whether its cells are quoted.

    They are, if each cell that contains a quotation mark is one that a program quotes, which needs it for a quotation
    mark, a tab, a line end or, in Excel, a comma; or if all cells of the first line are quoted, as some programs do.
    Raises DataError where a cell is quoted in a file that has quotation marks in its texts.
    """
    lines, width, is_quoted, quotes_all = source.lines(), 0, None, False
    for line in lines:
        row = TableRow(line.number, tuple(line.text.split("\t")), line.end)
        if _QUOTE in line.text:
            is_open = any(raw.startswith(_QUOTE) and not _is_closed(raw) for raw in row.raws)
            if is_open and (is_quoted or width not in (0, len(row.raws))):
                row = _parse_row(line, lines, source.path, "\t")
            quotes_all = quotes_all or (not width and len(row.raws) > 1 and all(map(_is_closed, row.raws)))
            for raw in (raw for raw in row.raws if _QUOTE in raw):
                of_program = _is_closed(raw) and (quotes_all or bool(_MARKED.search(raw[1:-1])))
                if is_quoted is None:
                    is_quoted = of_program
                    if _is_closed(raw):
                        done = "left out, as of the program that wrote it" if is_quoted else "kept"
                        options.tell(f"quotation marks around cells are {done}, as in line {row.number}")
                elif is_quoted != of_program:
                    what = f"the quotation marks of {raw[:60]!r} are {'not ' * is_quoted}those of a program that quotes"
                    raise DataError(
                        source.path, f"{what}, in lines before it is otherwise. Save it as CSV.", row.number
                    )
        width = width or len(row.raws)
        yield row._replace(is_quoted=bool(is_quoted))


def _is_closed(raw: str) -> bool:
    """Whether a cell is quoted: other quotation marks than the first and the last are doubled."""
    return raw.startswith(_QUOTE) and _CLOSED.fullmatch(raw, 1) is not None


def _parse_row(line: TextLine, lines: Iterator[TextLine], path: str, separator: str) -> TableRow:
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
            end = line.text.find(separator, position)
            stop = end if end >= 0 else len(line.text)
            cell = line.text[position:stop].strip()
            check_ends(cell, path, line.number)
            if separator == "," and len(cell) > 1 and cell.startswith(_QUOTE) and cell.endswith(_QUOTE):
                what = f"a blank stands before the quotation mark of cell {len(ranges) + 1}. Leave out blanks after commas."
                raise DataError(path, what, line.number)
            position = stop
        ranges.append((start, before + position))
        if position == len(line.text):
            text = "".join(parts)
            return TableRow(number, tuple(text[start:stop] for start, stop in ranges), line.end)
        if line.text[position] != separator:
            what = f"{line.text[position]!r} follows the closing quotation mark of cell {len(ranges)}, not a"
            raise DataError(path, f"{what} {_SEPARATORS[separator]}.", line.number)
        position += 1


def _write_row(row: TableRow, table: TableLayout, separator: str, done: Sequence[SlotResult]) -> str:
    """The row with its new texts, quoted where they need it, or where the old one was without needing it.

    In CSV it stays quoted in any case.
    """
    raws = [*row.raws]
    for column, outcome in zip(table.columns, done, strict=True):
        old, new = outcome.slot.value, outcome.value
        if new != old and not row.is_quoted:
            raws[column] = on_one_line(new, table.path, row.number, "\t\n\r")
        elif new != old:
            stays = raws[column].startswith(_QUOTE) and (separator == "," or not _MARKED.search(old))
            is_quoted = stays or not new or _MARKED.search(new)
            raws[column] = '"{}"'.format(new.replace(_QUOTE, '""')) if is_quoted else new
    return separator.join(raws) + row.end

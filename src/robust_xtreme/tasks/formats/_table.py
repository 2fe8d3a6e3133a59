"""Tables of rows: cells between commas (CSV) or tabs (TSV), under a line of names or without one.

A cell of CSV that begins with a quotation mark is quoted. In TSV quotation marks are a part of the text, unless all
that the file has are those of a program that quotes cells, as pandas and Excel do. A task's own TSV has pairs of texts.
"""

import re
from collections.abc import Iterator, Sequence
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

PAIR: Final = ("first", "second")
"""The names of the two texts of a line in a task's own file."""

PAIR_COLUMNS: Final = {
    "first": ("prem", "premise", "sentence1"),
    "second": ("hyp", "hypo", "hypothesis", "sentence2"),
    "label": ("gold_label", "label"),
}
"""What the columns of a task's own file are called, where it has a header."""

Columns = tuple[int, int, int | None, int | None]
"""The columns of first, second, label and id."""

_LINES: Final = 100_000
_QUOTE: Final = '"'
_CLOSED: Final = re.compile('[^"]*+(?:""[^"]*+)*+"')
_NEEDS_QUOTES: Final = re.compile('["\\t\\n\\r]')
_SEPARATORS: Final = {",": "comma", "\t": "tab"}
_SEPARATOR_LINE: Final = re.compile('"?sep=(.)"?')
"""The line that Excel reads before the header."""

_NUMBER: Final = re.compile("[0-9]{1,9}")
_COLUMN_NAME: Final = re.compile(
    "(context|gold|(gold_)?label|hypothesis|lang|language|premise|question|review|sentence|tag|text|token|word)s?[12]?"
)
"""What columns of texts and labels are usually called."""


class CellRow(NamedTuple):
    """One row: the number of its first line, its cells as they are written and as they are read, and its end.

    `is_quoted` says that the file quotes a cell that needs it.
    """

    number: int
    raws: tuple[str, ...]
    cells: tuple[str, ...]
    end: str
    is_quoted: bool


class TableLayout(NamedTuple):
    """The number of columns, their names (empty without a header), those of the fields, and of languages (-1: none)."""

    path: str
    width: int
    names: tuple[str, ...]
    columns: tuple[int, ...]
    language: int


def read_table(source: Source, options: ReadOptions, separator: str) -> Iterator[Record]:
    """A record for each row; empty lines and the lines up to the header are kept.

    Raises DataError naming the line that is damaged, has another number of columns than the first, or is a second
    header, and UserError where a column is not found.
    """
    table, empty = None, 0
    rows = _read_csv_rows(source) if separator == "," else _read_tsv_rows(source, options)
    while (row := next(rows, None)) is not None:
        text = separator.join(row.raws) + row.end
        if row.number > 1 and text.startswith("\ufeff"):
            raise DataError(
                source.path, "begins with a byte order mark, as where two files were joined. Leave it out.", row.number
            )
        if row.raws == ("",):
            empty = empty or row.number
            yield kept(text)
            continue
        if empty and separator == "\t":
            raise DataError(
                source.path, "is empty, and more lines follow. A word and its tag each line: --format iob2", empty
            )
        if table is None:
            if line := _SEPARATOR_LINE.fullmatch(text.rstrip("\r\n")):
                if line[1] != separator:
                    raise DataError(
                        source.path,
                        f"is separated by {line[1]!r}, as this line says. Write it with {_SEPARATORS[separator]}s.",
                        row.number,
                    )
                yield kept(text)
                continue
            has_header, rows = _find_header(row, rows, source.path, options)
            table = _find_columns(row.cells, source.path, options, has_header=has_header)
            if has_header:
                yield kept(text)
                continue
        if len(row.cells) != table.width:
            raise DataError(
                source.path, f"has {counted(len(row.cells), 'cell')}, the rows before have {table.width}.", row.number
            )
        if table.width > 1 and tuple(cell.strip() for cell in row.cells) == table.names:
            raise DataError(source.path, "repeats the names of the columns. Leave this line out.", row.number)
        yield _record(row, table, options, separator)


def _record(row: CellRow, table: TableLayout, options: ReadOptions, separator: str) -> Record:
    """The record of a row. Raises DataError where another column looks like a place in a noised text."""
    if not options.gold:
        check_cells(table.names, row.cells, table.columns, options.keep, f"{table.path}:{row.number}")
    for column in table.columns if not row.is_quoted else ():
        check_ends(row.cells[column], table.path, row.number)
    language = row.cells[table.language].strip() if table.language >= 0 else ""
    named = zip(options.fields, table.columns, strict=True)
    slots = tuple(Slot(name, str(row.number), row.cells[column], (), language) for name, column in named)
    id = row.cells[table.names.index("id")].strip() if "id" in table.names else ""
    return Record(slots, partial(_write_row, row, table, separator), sum(map(len, row.raws)), id=id)


def _find_header(
    row: CellRow, rows: Iterator[CellRow], path: str, options: ReadOptions
) -> tuple[bool, Iterator[CellRow]]:
    """Whether the first row names the columns, and the rows after it.

    It does if the options say so, or give a column by its name. Where all are given by number, it does if one of them
    has a usual name there, and it is a row if another one has its label. Raises UserError where neither or both are so.
    """
    if options.pairs:
        return layout([(row.number, "\t".join(row.raws))], path)[2] > 0, rows
    if options.header is not None:
        return options.header, rows
    if not all(map(_NUMBER.fullmatch, (*options.fields, *filter(None, [options.language_field])))):
        return True, rows
    columns = _find_columns(row.cells, path, options, has_header=False).columns
    numbers = tuple(str(number) for number in range(len(row.cells)))
    is_numbered = row.cells in (numbers, ("", *numbers[:-1]))  # as pandas names columns, with its index or without
    is_header = is_numbered or any(_COLUMN_NAME.fullmatch(row.cells[at].strip().lower()) for at in columns)
    following = [*rows] if options.gold else []  # a file with labels is in memory in any case
    label, column = row.cells[columns[-1]], columns[-1]
    is_label = any(label in other.cells[column : column + 1] for other in following)
    if is_header == is_label:
        raise UserError(
            f"{path}: its columns are given by number. Does its first line name them, or is it a row? Add --header or "
            "--no-header"
        )
    options.tell(f"the first line {'names the columns (--no-header: it does not)' if is_header else 'is a row'}")
    return is_header, iter(following) if options.gold else rows


def _find_columns(cells: Sequence[str], path: str, options: ReadOptions, *, has_header: bool) -> TableLayout:
    """The layout of a table by the cells of its first row. Raises UserError."""
    if options.pairs:
        width, columns, _ = layout([(1, "\t".join(cells))], path)
        return TableLayout(path, width, (), tuple(columns[:2][PAIR.index(name)] for name in options.fields), -1)
    found = [_find_column(name, cells, path, options, has_header=has_header) for name in options.fields]
    for name, column in zip(options.fields, found, strict=True):
        if (other := options.fields[found.index(column)]) != name:
            raise UserError(f"{path}: {other!r} and {name!r} are the same column. Name it once with --fields.")
    by = options.language_field
    language = _find_column(by, cells, path, options, has_header=has_header) if by else -1
    names = tuple(cell.strip() for cell in cells) if has_header else ()
    return TableLayout(path, len(cells), names, tuple(found), language)


def _find_column(name: str, cells: Sequence[str], path: str, options: ReadOptions, *, has_header: bool) -> int:
    """The index of a column, by its name in the header, or its number from 1. Raises UserError."""
    named = [at for at, cell in enumerate(cells) if has_header and cell == name]
    named = named or [at for at, cell in enumerate(cells) if has_header and cell.strip() == name]
    number = int(name) - 1 if _NUMBER.fullmatch(name) and 1 <= int(name) <= len(cells) else None
    if len(named) > 1:
        what = f"{path} has {len(named)} columns named {name!r}, the first at {named[0] + 1}."
        option = "--gold" if name == options.gold else "--fields"
        raise UserError(f"{what} Name the column by its number: {option} {named[0] + 1} --header")
    if named and number not in (None, named[0]):
        raise UserError(f"{path}: {name!r} is the name of column {named[0] + 1} and the number of another. Rename it.")
    if named or number is not None:
        return [*named, number or 0][0]
    known = f"its header has: {show_names(cells)}" if has_header else f"it has the columns 1 to {len(cells)}"
    is_split = len(cells) > 1 or ";" not in cells[0]
    step = "Name one of these" if is_split else "It is separated by ';': write it with commas"
    raise UserError(f"{path} has no column {name!r}; {known}. {step}.")


def layout(lines: list[tuple[int, str]], path: str) -> tuple[int, Columns, int]:
    """The number of columns, the columns of first, second, label and id, and the number of header lines."""
    head = lines[0][1].split("\t")
    columns = ((head.index(name) for name in names if name in head) for names in (*PAIR_COLUMNS.values(), ("id",)))
    first, second, label, native = (next(several, None) for several in columns)
    has_others = len(head) > len({first, second, native} - {None})
    if first is not None and second is not None and not (label is None and has_others):
        return len(head), (first, second, label, native), 1
    if len(head) not in (2, 3):
        raise DataError(
            path, f"has {counted(len(head), 'column')}, expected: two texts and a label, separated by tabs.", 1
        )
    return len(head), (0, 1, 2 if len(head) == 3 else None, None), 0


def unquoted(cell: str) -> str:
    """The text of a field that a CSV writer quoted: it does so only where the text contains a quotation mark."""
    inner = cell[1:-1]
    quoted = len(cell) > 2 and cell[0] == cell[-1] == '"' and '""' in inner and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def _read_csv_rows(source: Source) -> Iterator[CellRow]:
    """The rows of CSV. Raises DataError where a cell continues after its closing quote, or does not end."""
    lines = source.lines()
    for line in lines:
        yield _parse_row(line, lines, source.path, ",")


def _read_tsv_rows(source: Source, options: ReadOptions) -> Iterator[CellRow]:
    """The rows of TSV, without the quotation marks of a program that quotes cells.

    It quotes what has a quotation mark, a tab or a line end, Excel also what has a comma, and others each cell, those
    of the first line too. Raises DataError where a file has quotation marks of such a program and others.
    """
    lines, width, quotes_all = source.lines(), 0, False
    of_program: bool | None = None
    for line in lines:
        raws = tuple(line.text.split("\t"))
        row = CellRow(line.number, raws, raws, line.end, bool(of_program))
        if options.pairs:
            row = row._replace(cells=tuple(map(unquoted, raws)))
        elif _QUOTE in line.text:
            is_open = any(raw.startswith(_QUOTE) and not _is_closed(raw) for raw in raws)
            if is_open and (of_program or width not in (0, len(raws))):
                row = _parse_row(line, lines, source.path, "\t")
            quotes_all = quotes_all or (not width and len(raws) > 1 and all(map(_is_closed, raws)))
            for raw in (raw for raw in row.raws if _QUOTE in raw):
                is_quoted = _is_closed(raw) and (quotes_all or "," in raw or bool(_NEEDS_QUOTES.search(raw[1:-1])))
                if of_program is None and _is_closed(raw):
                    told = "left out, as of the program that wrote it" if is_quoted else "kept as a part of the text"
                    options.tell(f"quotation marks around a cell, as in line {row.number}, are {told}")
                if of_program not in (None, is_quoted):
                    raise DataError(
                        source.path,
                        f"has the quotation marks of {raw[:60]!r}, and lines before have those of another kind of TSV. "
                        "Save it as CSV.",
                        row.number,
                    )
                of_program = is_quoted
            cells = tuple(map(_unquote, row.raws)) if of_program else row.raws
            row = row._replace(cells=cells, is_quoted=bool(of_program))
        width = width or (0 if _SEPARATOR_LINE.fullmatch(line.text) else len(row.raws))
        yield row


def _is_closed(raw: str) -> bool:
    """Whether a cell is quoted: quotation marks but the first and the last are doubled."""
    return raw.startswith(_QUOTE) and _CLOSED.fullmatch(raw, 1) is not None


def _unquote(raw: str) -> str:
    return raw[1:-1].replace('""', _QUOTE) if raw.startswith(_QUOTE) else raw


def _parse_row(line: TextLine, lines: Iterator[TextLine], path: str, separator: str) -> CellRow:
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
                    raise DataError(
                        path,
                        f"the row that begins here has more than {_LINES:,} lines. Is a quotation mark not closed?",
                        number,
                    )
                if (following := next(lines, None)) is None:
                    raise DataError(
                        path, "a quoted cell of the row that begins here does not end. Is the file cut off?", number
                    )
                line = following
                parts.append(line.whole)
            position = closed.end()
        else:
            end = line.text.find(separator, position)
            stop = end if end >= 0 else len(line.text)
            check_ends(line.text[position:stop], path, line.number)
            if separator == "," and line.text[position:stop].lstrip().startswith(_QUOTE):
                raise DataError(
                    path,
                    f"a blank stands before the quotation mark of cell {len(ranges) + 1}. Leave out blanks after"
                    f" commas.",
                    line.number,
                )
            position = stop
        ranges.append((start, before + position))
        if position == len(line.text):
            text = "".join(parts)
            raws = tuple(text[start:stop] for start, stop in ranges)
            return CellRow(number, raws, tuple(map(_unquote, raws)), line.end, is_quoted=True)
        if line.text[position] != separator:
            raise DataError(
                path,
                f"{line.text[position]!r} follows the closing quotation mark of cell {len(ranges)}, not a"
                f" {_SEPARATORS[separator]}.",
                line.number,
            )
        position += 1


def _write_row(row: CellRow, table: TableLayout, separator: str, done: Sequence[SlotResult]) -> str:
    """The row with its new texts. In CSV a cell that was quoted stays so, in TSV one that was without needing it."""
    raws = [*row.raws]
    for column, outcome in zip(table.columns, done, strict=True):
        old, new = outcome.slot.value, outcome.value
        was_quoted = raws[column] != old
        if new != old and not row.is_quoted and not was_quoted:
            raws[column] = on_one_line(new, table.path, row.number, "\t\n\r")
        elif new != old:
            stays = was_quoted and (separator == "," or not _NEEDS_QUOTES.search(old))
            needs = not new or _NEEDS_QUOTES.search(new) or separator in new
            raws[column] = '"{}"'.format(new.replace(_QUOTE, '""')) if stays or needs else new
    return separator.join(raws) + row.end

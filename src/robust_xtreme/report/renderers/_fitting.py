"""Fits a table into the lines of a terminal: which columns are shown, how wide they are, and where texts fold."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, chop_cells

from robust_xtreme.report.blocks import Table, text_of
from robust_xtreme.report.columns import only

GAP: Final = 2
"""The blanks between columns."""

_BREAKS: Final = re.compile(r"(?<=\s)(?!%)|(?<=[+/,])(?=\D)")
"""Where a text may continue in the next line: after a blank, a comma, + or /; never in a number or before its %."""

_WHOLE: Final = 32
"""The longest name, and the longest part of a text, that is not cut."""

_FOLDS: Final = (20, 12)
"""The width of a column that folds up to which it takes no room from others, and that of one with a weight."""


class Fitted(NamedTuple):
    """A table of texts that fits, the widths of its columns, and the positions of those that were left out."""

    table: Table
    widths: tuple[int, ...]
    left_out: tuple[int, ...]


def tried(table: Table, room: int) -> Iterator[int]:
    """The columns that a terminal tries to fit: those with a weight and, where it has their room, the others."""
    return (at for at, column in enumerate(table.columns) if column.weight or column.room <= room)


def fitted(table: Table, room: int) -> Fitted | None:
    """The columns of a table that fit into `room` characters; None where those that name its rows do not.

    Numbers are whole and texts fold. Columns that name the rows stay. Of the others those of a weight up to 1 are left
    out, from the right, until texts have room; then texts fold, and then the others of the lowest weight are left out.
    """
    every = range(len(table.columns))
    droppable = sorted(set(every) - set(naming(table)), key=lambda index: (table.columns[index].weight, -index))
    most = max(len(droppable) - 1, 0)
    light = min(most, sum(table.columns[index].weight <= 1 for index in droppable))
    # Of columns that are left out, those of a weight up to 1 while texts are wide, the others when they are narrow.
    for count, fewest in (*((n, False) for n in range(light + 1)), *((n, True) for n in range(light, most + 1))):
        shown = only(table, [index for index in every if index not in droppable[:count]])
        widths = [_width(shown, index, fewest) for index in range(len(shown.columns))]
        if _total(widths) <= room:
            return Fitted(shown, _spread(shown, widths, room), tuple(sorted(droppable[:count])))
    return None


def naming(table: Table) -> tuple[int, ...]:
    """The columns that name the rows: texts before the first number, and as many others as tell the rows apart."""
    texts = [index for index, column in enumerate(table.columns) if not column.right]
    numbers = [index for index, column in enumerate(table.columns) if column.right]
    first = min(numbers, default=len(table.columns))
    named = [index for index in texts if index < first]
    for index in (*texts, *numbers):
        if index not in named and _different(table, [*named, index]) > _different(table, named):
            named.append(index)
    return tuple(named)


def folded(text: str, width: int) -> list[str]:
    """The lines of a text, which break between its parts; a longer part is cut."""
    lines = [""]
    for part in _parts(text):
        for piece in chop_cells(part, max(width, 2)) if cell_len(part.rstrip()) > width else [part]:
            if cell_len((lines[-1] + piece).rstrip()) <= width:
                lines[-1] += piece
            else:
                lines.append(piece)
    return [line.rstrip() for line in lines]


def _parts(text: str) -> Iterator[str]:
    return (part for part in _BREAKS.split(text) if part)


def _different(table: Table, columns: Sequence[int]) -> int:
    return len({tuple(row[index] for index in columns) for row in table.rows})


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _cells(table: Table, index: int) -> list[str]:
    return [text_of(row[index]) for row in table.rows]


def _longest(texts: Sequence[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _width(table: Table, index: int, fewest: bool) -> int:
    """The width that a column needs: that of its numbers, or of its texts, which fold if they are long."""
    cells = _cells(table, index)
    head = _longest(table.columns[index].title.split())
    if table.columns[index].right:
        return max(head, _longest(cells))
    least = min(_WHOLE, _longest([part.rstrip() for cell in cells for part in _parts(cell)]))
    whole = min(_longest(cells), _FOLDS[table.columns[index].weight > 0] if table.columns[index].folds else _WHOLE)
    return max(head, least, 0 if fewest else whole)


def _spread(table: Table, widths: Sequence[int], room: int) -> tuple[int, ...]:
    """The widths with the room that is left: for texts first, then for headings."""
    spread = list(widths)
    heads = [cell_len(column.title) for column in table.columns]
    for wanted in ([_longest(_cells(table, index)) for index in range(len(widths))], heads):
        for index, width in enumerate(wanted):
            spread[index] += max(0, min(width - spread[index], room - _total(spread)))
    return tuple(spread)

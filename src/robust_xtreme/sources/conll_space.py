"""Sentences of words, a word each line: word SPACE tag, an empty line between sentences, as MasakhaNER has them."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.sources._file import numbered_lines
from robust_xtreme.sources.iob2 import FIELDS, record
from robust_xtreme.specs import Row

SAMPLE: Final = "Julius B-PER\nNyerere I-PER\nalizaliwa O\n1922 B-DATE\n\nButiama B-LOC\n\n"
"""A whole, valid file of this format."""

_DOCUMENT: Final = "-DOCSTART-"

__all__ = ["FIELDS", "SAMPLE", "read", "record"]

Line = tuple[int, str]


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a sentence: `words`, `tags` and `line`, the number of the first word's.

    The tag stands behind the line's last space, or behind its tab; lines of `-DOCSTART-` part sentences, as empty
    lines do, and are none. Raises DataError where a line has no tag.
    """
    blocks = [list(lines) for between, lines in groupby(numbered_lines(text), _parts) if not between]
    return tuple(_row(index, lines, path) for index, lines in enumerate(blocks))


def _parts(line: Line) -> bool:
    return not line[1].strip() or line[1].split()[0] == _DOCUMENT


def _row(index: int, lines: list[Line], path: str) -> Row:
    cells = [_cells(number, value, path) for number, value in lines]
    words, tags = tuple(word for word, _ in cells), tuple(tag for _, tag in cells)
    return Row(str(index), f"{path}:{lines[0][0]}", {"words": words, "tags": tags, "line": lines[0][0]})


def _cells(number: int, value: str, path: str) -> tuple[str, str]:
    line = value.rstrip(" \t")
    mark = max(line.rfind(" "), line.rfind("\t"))
    word = line[: max(mark, 0)].rstrip(" \t")
    if not word:
        raise DataError(path, f"has no tag behind {line[:40]!r} (word and tag are separated by a space).", number)
    return word, line[mark + 1 :]

"""Sentences of words, a word each line: word [TAB tag], an empty line between sentences."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.sources._file import numbered_lines
from robust_xtreme.sources._json import texts_of
from robust_xtreme.specs import Row

SAMPLE: Final = "Julius\tB-PER\nNyerere\tI-PER\nalizaliwa\tO\n\nButiama\tB-LOC\n\n"
"""A whole, valid file of this format."""

FIELDS: Final = ("tokens", "tags")
"""The keys of a suite's row of this kind."""


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a sentence: `words`, `tags` (None in files without tags) and `line`, the number of the first word's.

    Several empty lines count as one. Raises DataError where a line has another number of columns than the first.
    """
    sentences = [list(lines) for blank, lines in groupby(numbered_lines(text), _is_blank) if not blank]
    width = len(sentences[0][0][1].split("\t")) if sentences else 0
    if width > 2:
        raise DataError(path, f"has {width} columns, expected: word and tag, separated by a tab.", sentences[0][0][0])
    return tuple(_row(index, lines, width, path) for index, lines in enumerate(sentences))


def _is_blank(line: tuple[int, str]) -> bool:
    return not line[1].strip()


def _row(index: int, lines: list[tuple[int, str]], width: int, path: str) -> Row:
    cells = [line.split("\t") for _, line in lines]
    for (number, _), found in zip(lines, cells, strict=True):
        if len(found) != width:
            what = f"has {len(found)} column{'s' * (len(found) != 1)}, the lines before have {width}"
            raise DataError(path, f"{what} (word and tag are separated by a tab).", number)
    words = tuple(found[0] for found in cells)
    tags = tuple(found[1].strip() for found in cells) if width == 2 else None
    return Row(str(index), f"{path}:{lines[0][0]}", {"words": words, "tags": tags, "line": lines[0][0]})


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    words, tags = (texts_of(row, key, place) for key in FIELDS)
    if len(words) != len(tags):
        raise DataError(place, f"has {len(words)} tokens and {len(tags)} tags; there is one tag for each token.")
    return {"words": words, "tags": tags}

"""Sentences of words, a word each line: word [TAB tag], an empty line between sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import _words
from robust_xtreme.formats._file import Source
from robust_xtreme.formats._record import Options, Record
from robust_xtreme.formats._words import FAMILY, FIELDS, NOISED, Cut, record
from robust_xtreme.specs import Row

SAMPLE: Final = "Julius\tB-PER\nNyerere\tI-PER\nalizaliwa\tO\n\nButiama\tB-LOC\n\n"

WRITTEN: Final = "iob2"

__all__ = ["FAMILY", "FIELDS", "NOISED", "SAMPLE", "WRITTEN", "read", "record", "records"]

_WIDEST: Final = 2
_TREEBANK: Final = 9


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a sentence: `words`, `tags` (None in files without tags) and `line`, that of the first word.

    Several empty lines count as one. Raises DataError where a line has another number of columns than the first.
    """
    return _words.rows(text, path, _cut(path))


def records(source: Source, _: Options) -> Iterator[Record]:
    """A record for each sentence. Raises DataError naming the line where the number of columns changes."""
    cut = _cut(source.path, _other)

    def tabbed(number: int, line: str) -> tuple[str, str | None]:
        word, tag = cut(number, line)
        if tag is None and " " in line.strip():
            what = f"has no tab: {line[:40]!r}. Word SPACE tag: --format conll. A text each line: --format lines"
            raise DataError(source.path, what, number)
        return word, tag

    return _words.records(source, tabbed)


def _cut(path: str, other: Callable[[str], str] = lambda _: "") -> Cut:
    """Splits lines, all into as many columns as the first; `other` names the format that a line may have instead."""
    width = 0

    def cut(number: int, line: str) -> tuple[str, str | None]:
        nonlocal width
        cells = line.split("\t")
        width = width or len(cells)
        if len(cells) > _WIDEST or len(cells) != width:
            expected = f"the lines before have {width}" if len(cells) != width else "a word and a tag are expected"
            what = f"has {len(cells)} column{'s' * (len(cells) != 1)}, {expected}, separated by a tab{other(line)}."
            raise DataError(path, what, number)
        return cells[0], cells[1].strip() if width == _WIDEST else None

    return cut


def _other(line: str) -> str:
    """The format that a line may have instead."""
    tabs = line.count("\t")
    if not tabs and " " in line.strip():
        return " (word SPACE tag: --format conll)"
    return " (ten columns: --format conllu)" if tabs == _TREEBANK else ""

"""Sentences of words, a word each line: word SPACE tag, an empty line between sentences, as MasakhaNER has them."""

from collections.abc import Iterator
from typing import Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import _words
from robust_xtreme.tasks.formats._file import Source
from robust_xtreme.tasks.formats._record import ReadOptions, Record
from robust_xtreme.tasks.formats._words import FAMILY, FIELDS, NOISED, by_line, record

DOCUMENT: Final = "-DOCSTART-"
"""The first word of a line that separates documents."""

WRITTEN: Final = "conll"

_PLAIN: Final = " Plain text: --format lines"

__all__ = ["DOCUMENT", "FAMILY", "FIELDS", "NOISED", "WRITTEN", "read", "record", "records"]


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a sentence: `words`, `tags` and `line`, the number of the first word's line.

    The tag is after the line's last space or tab. Lines of `-DOCSTART-` separate sentences, as empty lines do. Raises
    DataError where a line has no tag.
    """
    return _words.rows(text, path, by_line(lambda number, line: _cells(number, line, path)), _is_between)


def records(source: Source, _: ReadOptions) -> Iterator[Record]:
    """A record for each sentence. Raises DataError where a line has no tag, or more than two columns.

    All lines have what separates the first word from its tag, a space or a tab; words may contain spaces beside a tab.
    """
    first = ""

    def cut(number: int, line: str) -> tuple[str, str]:
        nonlocal first
        word, tag = _cells(number, line, source.path, _PLAIN)
        separator = "\t" if "\t" in line.rstrip(" \t") else " "
        first = first or separator
        if separator != first:
            has, before = ("a tab", "spaces") if separator == "\t" else ("no tab", "tabs")
            raise DataError(
                source.path, f"has {has}, the lines before have {before} between word and tag: {line[:40]!r}.", number
            )
        if separator in word:
            many = sum(map(bool, line.split(separator)))
            raise DataError(source.path, f"has {many} columns, a word and a tag are expected.{_PLAIN}", number)
        return word, tag

    return _words.records(source, by_line(cut), _is_between)


def _is_between(line: str) -> bool:
    return not line.strip() or line.split()[0] == DOCUMENT


def _cells(number: int, value: str, path: str, hint: str = "") -> tuple[str, str]:
    line = value.rstrip(" \t")
    mark = max(line.rfind(" "), line.rfind("\t"))
    word = line[: max(mark, 0)].rstrip(" \t")
    if not word:
        raise DataError(path, f"has no tag after {line[:40]!r} (word and tag are separated by a space).{hint}", number)
    return word, line[mark + 1 :]

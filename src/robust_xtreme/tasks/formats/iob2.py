"""Sentences of words, a word each line: word [TAB tag], an empty line between sentences."""

from collections.abc import Iterator, Sequence
from typing import Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import _words
from robust_xtreme.tasks.formats._file import Source
from robust_xtreme.tasks.formats._record import ReadOptions, Record
from robust_xtreme.tasks.formats._words import FAMILY, FIELDS, NOISED, Cut, record

WRITTEN: Final = "iob2"

__all__ = ["FAMILY", "FIELDS", "NOISED", "WRITTEN", "read", "record", "records"]

_WIDEST: Final = 2


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a sentence: `words`, `tags` (None in files without tags) and `line`, that of the first word.

    Several empty lines count as one. Raises DataError where a line has another number of columns than the first.
    """
    return _words.rows(text, path, _cut(path))


def records(source: Source, _: ReadOptions) -> Iterator[Record]:
    """A record for each sentence. Raises DataError naming the line where the number of columns changes."""
    return _words.records(source, _cut(source.path, hinted=True))


def _cut(path: str, *, hinted: bool = False) -> Cut:
    """Splits lines, all into as many columns as the first; if `hinted`, errors name the format a line may have."""
    width = 0

    def cut(number: int, lines: Sequence[str]) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
        nonlocal width
        cells = [line.split("\t") for line in lines]
        width = width or len(cells[0])
        words, *tagged = zip(*cells, strict=False)
        tags = tuple([tag.strip() for tag in tagged[0]]) if tagged else (None,) * len(words)
        if hinted or width > _WIDEST or set(map(len, cells)) != {width} or "" in tags:
            for at, line in enumerate(lines):
                _check(line, width, path, number + at, hinted)
        return words, tags

    return cut


def _check(line: str, width: int, path: str, number: int, hinted: bool) -> None:
    """Raise DataError for a line of another number of columns, of more than two, or without its tag."""
    cells = line.split("\t")
    if len(cells) > _WIDEST or len(cells) != width:
        expected = f"the lines before have {width}" if len(cells) != width else "a word and a tag are expected"
        tabs, hint = line.count("\t"), ""
        if hinted and not tabs and " " in line.strip():
            hint = " (word SPACE tag: --format conll)"
        elif hinted and tabs == 9:
            hint = " (ten columns: --format conllu)"
        raise DataError(path, f"has {counted(len(cells), 'column')}, {expected}, separated by a tab{hint}.", number)
    if hinted and width == 1 and " " in line.strip():
        raise DataError(
            path, f"has no tab: {line[:40]!r}. Word SPACE tag: --format conll. A text each line: --format lines", number
        )
    if width == _WIDEST and not cells[1].strip():
        raise DataError(path, "has an empty tag; every word has one.", number)

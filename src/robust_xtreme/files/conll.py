"""Words with their tags, a word each line, separated by a space, as MasakhaNER has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.files import iob2
from robust_xtreme.files._record import Options, Record
from robust_xtreme.files._source import Line, Source

FIELDS: Final = iob2.FIELDS
"""What is noised: the words of a sentence, each of them a span of one text."""

FAMILY: Final = iob2.FAMILY

_DOCUMENT: Final = "-DOCSTART-"


def read(source: Source, _: Options) -> Iterator[Record]:
    """A record for each sentence; lines of `-DOCSTART-` part sentences. Raises DataError where a line has no tag."""
    return iob2.sentences(source, _word, _is_between)


def _is_between(line: Line) -> bool:
    return not line.text.strip() or line.text.split()[0] == _DOCUMENT


def _word(line: Line, path: str) -> str:
    text = line.text.rstrip(" \t")
    word = text[: max(text.rfind(" "), text.rfind("\t"), 0)].rstrip(" \t")
    if not word:
        what = f"has no tag behind {text[:40]!r} (word and tag are separated by a space). Plain text: --format lines"
        raise DataError(path, what, line.number)
    if " " in word and "\t" not in text:
        many = len(list(filter(None, text.split(" "))))
        what = f"has {many} columns, a word and a tag are expected. Plain text: --format lines"
        raise DataError(path, what, line.number)
    return word

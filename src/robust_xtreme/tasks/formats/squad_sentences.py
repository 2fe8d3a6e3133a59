"""SQuAD's JSON with the sentences of each context, as LAReQA's files have them in `sentence_breaks`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import regex

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import squad
from robust_xtreme.tasks.formats._json import Range, spans_of
from robust_xtreme.tasks.formats._moving import BREAKS, SENTENCES, check_order

FIELDS: Final = (*squad.FIELDS, "sentences")
WRITTEN: Final = squad.WRITTEN

_BREAK: Final = regex.compile(
    r"""
    (?: (?<! [\s.(] \p{Lu} ) [.!?\u061f\u06d4\u2026]+ ["'\u201d\u2019\u00bb)\]]* (?= \s | $ )  # a mark before a space
      | [\u3002\uff01\uff1f\u0964\u0965\u104b\u1362\u17d4]+ [\u201d\u2019\u300d\u300f)]*  # a mark that needs no space
      | (?<= \p{Thai} ) (?= \s+ \p{Thai} )  # Thai separates sentences with spaces
      | (?= \n )
    )
    """,
    regex.V1 | regex.VERBOSE,
)
_MARKS: Final = r"[.!?\u061f\u06d4\u2026\u3002\uff01\uff1f\u0964\u0965\u104b\u1362\u17d4\n]"
_MARK: Final = re.compile(_MARKS)
_THAI: Final = re.compile(r"[\u0e00-\u0e7f]")
_MARK_OR_THAI: Final = re.compile(rf"{_MARKS}|(?<={_THAI.pattern})(?=\s)")
"""Where _BREAK can match, in a text with Thai letters: it is tried there alone, in a fourth of the time."""


def read(text: str, path: str) -> tuple[Row, ...]:
    """The rows of `squad`, all of them with the value `sentences`: pairs of (start, stop) in code points.

    Where a paragraph has no `sentence_breaks`, as in SQuAD's own files, a rule splits it, and `ruled` is present, and
    true. Raises DataError as `squad` does, and for breaks that name no sentence.
    """
    rows = squad.read(text, path)
    contexts = dict.fromkeys(row.values["context"] for row in rows if SENTENCES not in row.values)
    by_rule = {context: {SENTENCES: tuple(sentences(context)), "ruled": True} for context in contexts}
    for row in rows:
        if SENTENCES in row.values:
            _check_any(row.values[SENTENCES], BREAKS, row.location)
    return tuple(
        row if SENTENCES in row.values else replace(row, values={**row.values, **by_rule[row.values["context"]]})
        for row in rows
    )


def _check_any(ranges: tuple[Range, ...], key: str, location: str) -> None:
    if not ranges:
        raise DataError(location, f"the key {key!r} names no sentence.")


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as half-open ranges without surrounding white space; none for an empty text."""
    ranges, start = [], 0
    for stop in [*_stops(text), len(text)]:
        inside = text[start:stop]
        if inside.strip():
            begin = start + len(inside) - len(inside.lstrip())
            ranges.append((begin, begin + len(inside.strip())))
        start = stop
    return ranges


def _stops(text: str) -> Iterator[int]:
    """Where the sentences of a text end."""
    reached = 0
    for mark in (_MARK_OR_THAI if _THAI.search(text) else _MARK).finditer(text):
        if mark.start() >= reached and (match := _BREAK.match(text, mark.start())):
            reached = match.end()
            yield reached


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    values = squad.record(row, location)
    ranges = spans_of(row, SENTENCES, len(values["context"]), location)
    _check_any(ranges, SENTENCES, location)
    check_order(ranges, SENTENCES, location)
    return {**values, SENTENCES: ranges}

"""Sentences with a category of combinatory categorial grammar per word: words TAB categories, both separated by spaces.

Each file comes with `tags_to_id.json`, one object that maps every category to its number from 0, as jiant reads both.
CCGbank is licensed (LDC2005T13): a licensee writes these files from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import iob2
from robust_xtreme.formats._file import numbered_lines
from robust_xtreme.formats._json import parse
from robust_xtreme.specs import Row

SAMPLE: Final = (
    "Anna sleeps .\tN S\\NP .\nBen sees Anna .\tN (S\\NP)/NP N .\n",
    '{"N": 0, "S\\\\NP": 1, "(S\\\\NP)/NP": 2, ".": 3, "NP": 4}\n',
)
"""A whole, valid file of this format, and its labels."""

FIELDS: Final = iob2.FIELDS

_LONGEST_NUMBER: Final = 18

record = iob2.record


def read_parts(texts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """One row a line, with `words`, `tags` and `labels`, which maps every category to its number, in that order.

    Raises DataError where the numbers are not 0, 1, 2 and so on, or a line has more or fewer categories than words, or
    an unknown category.
    """
    (text, path), (labels, where) = texts
    known = _labels(labels, where)
    return tuple(_row(number, line, path, known, where) for number, line in numbered_lines(text))


def _labels(text: str, path: str) -> dict[str, int]:
    labels = parse(text, path)
    numbers = {name: _number(value, name, path) for name, value in labels.items()}
    if not numbers or sorted(numbers.values()) != list(range(len(numbers))):
        raise DataError(path, "does not number its labels from 0, each number once.")
    return dict(sorted(numbers.items(), key=lambda item: item[1]))


def _number(value: Any, name: str, path: str) -> int:
    """A whole number, with or without quotation marks."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER:
        return int(value)
    if type(value) is not int:
        raise DataError(path, f"the label {name[:80]!r} takes a whole number, not {value!r:.80}.")
    return value


def _row(number: int, line: str, path: str, labels: Mapping[str, int], where: str) -> Row:
    cells = line.split("\t")
    if len(cells) != 2:
        what = f"has {len(cells)} column{'s' * (len(cells) != 1)}, expected: words and categories, separated by a tab."
        raise DataError(path, what, number)
    words, tags = (tuple(cell.split()) for cell in cells)
    if len(words) != len(tags) or not words:
        raise DataError(path, f"has {len(words)} words and {len(tags)} categories.", number)
    for tag in _unknown(tags, labels):
        raise DataError(path, f"the category {tag[:80]!r} is none of the {len(labels):,} in {where}.", number)
    return Row(str(number - 1), f"{path}:{number}", {"words": words, "tags": tags, "labels": labels})


def _unknown(tags: Sequence[str], labels: Mapping[str, int]) -> Iterator[str]:
    return (tag for tag in tags if tag not in labels)

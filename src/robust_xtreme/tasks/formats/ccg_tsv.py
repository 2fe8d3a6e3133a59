"""Sentences with a category of combinatory categorial grammar per word: words TAB categories, both separated by spaces.

Each file comes with `tags_to_id.json`, one object that maps every category to its number from 0, as jiant reads both.
CCGbank is licensed (LDC2005T13): a licensee writes these files from it.
"""

from collections.abc import Sequence
from typing import Any, Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import iob2
from robust_xtreme.tasks.formats._file import numbered_lines
from robust_xtreme.tasks.formats._json import number_of, parse

FIELDS: Final = iob2.FIELDS

record = iob2.record


def read_parts(texts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """One row a line, with `words`, `tags` and `labels`, which maps every category to its number, in that order.

    Raises DataError where the numbers are not 0, 1, 2 and so on, or a line has more or fewer categories than words, or
    an unknown category.
    """
    (text, path), (labels, labels_path) = texts
    numbers = {name: _number(value, name, labels_path) for name, value in parse(labels, labels_path).items()}
    if not numbers or sorted(numbers.values()) != list(range(len(numbers))):
        raise DataError(labels_path, "does not number its labels from 0, each number once.")
    known = dict(sorted(numbers.items(), key=lambda item: item[1]))
    rows = []
    for number, line in numbered_lines(text):
        cells = line.split("\t")
        if len(cells) != 2:
            raise DataError(
                path,
                f"has {counted(len(cells), 'column')}, expected: words and categories, separated by a tab.",
                number,
            )
        words, tags = (tuple(cell.split()) for cell in cells)
        if len(words) != len(tags) or not words:
            raise DataError(path, f"has {len(words)} words and {len(tags)} categories.", number)
        for tag in tags:
            if tag not in known:
                raise DataError(
                    path, f"the category {tag[:80]!r} is none of the {len(known):,} in {labels_path}.", number
                )
        rows.append(Row(str(number - 1), f"{path}:{number}", {"words": words, "tags": tags, "labels": known}))
    return tuple(rows)


def _number(value: Any, name: str, path: str) -> int:
    """A whole number, with or without quotation marks."""
    number = number_of(value) if isinstance(value, str) else value
    if type(number) is not int:
        raise DataError(path, f"the label {name[:80]!r} takes a whole number, not {value!r:.80}.")
    return number

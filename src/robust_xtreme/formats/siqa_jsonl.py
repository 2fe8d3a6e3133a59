"""Social IQa's questions on a situation with three answers each: a JSON object each line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import jsonl_choices
from robust_xtreme.formats._file import numbered_lines
from robust_xtreme.specs import Row

SAMPLE: Final = (
    '{"context": "Anna gave Ben her coat.", "question": "Why did Anna do this?", "answerA": "Ben was cold", '
    '"answerB": "Ben was late", "answerC": "Anna was cold", "correct": "A"}\n'
    '{"context": "Ben lost his key.", "question": "What will Ben do next?", "answerA": "sing", '
    '"answerB": "buy a boat", "answerC": "look for it", "correct": "C"}\n'
)

FIELDS: Final = jsonl_choices.FIELDS

record = jsonl_choices.record

_LABELS: Final = ("1", "2", "3")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: `premise`, `question`, three `choices` and `label`, None where the file has no `correct`.

    Raises DataError where a line has another form.
    """
    return tuple(_numbered(text, path))


def _numbered(text: str, path: str) -> Iterator[Row]:
    for number, row in enumerate(jsonl_choices.read(text, path)):
        if len(row.values["choices"]) != len(_LABELS):
            raise DataError(row.location, "has no key 'context', as in Social IQa.")
        yield replace(row, native=str(number))


def read_parts(texts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """The rows of a file without labels, and their labels from a second file, 1 to 3 a line. Raises DataError."""
    (text, path), (labels, where) = texts
    rows, lines = read(text, path), list(numbered_lines(labels))
    if len(rows) != len(lines):
        raise DataError(where, f"has {len(lines):,} labels, and {path} has {len(rows):,} rows.")
    for number, line in lines:
        if line.strip() not in _LABELS:
            raise DataError(where, f"the label {line.strip()!r:.80} is none of: {', '.join(_LABELS)}.", number)
    pairs = zip(rows, lines, strict=True)
    return tuple(replace(row, values={**row.values, "label": int(line) - 1}) for row, (_, line) in pairs)

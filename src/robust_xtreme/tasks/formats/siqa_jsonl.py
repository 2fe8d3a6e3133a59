"""Social IQa's questions on a situation with three answers each: a JSON object each line."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import jsonl_choices
from robust_xtreme.tasks.formats._file import numbered_lines

FIELDS: Final = jsonl_choices.FIELDS

record = jsonl_choices.record

_LABELS: Final = ("1", "2", "3")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: `premise`, `question`, three `choices`, and `label`, None without `correct`. Raises DataError."""
    rows = jsonl_choices.read(text, path)
    for row in rows:
        if len(row.values["choices"]) != len(_LABELS):
            raise DataError(row.location, "has no key 'context', as in Social IQa.")
    return tuple(replace(row, native=str(number)) for number, row in enumerate(rows))


def read_parts(texts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """The rows of a file without labels, and their labels from a second file, 1 to 3 a line. Raises DataError."""
    (text, path), (labels, where) = texts
    rows, lines = read(text, path), list(numbered_lines(labels))
    if len(rows) != len(lines):
        raise DataError(where, f"has {counted(len(lines), 'label')}, and {path} has {counted(len(rows), 'row')}.")
    for number, line in lines:
        if line.strip() not in _LABELS:
            raise DataError(where, f"the label {line.strip()!r:.80} is none of: {', '.join(_LABELS)}.", number)
    pairs = zip(rows, lines, strict=True)
    return tuple(replace(row, values={**row.values, "label": int(line) - 1}) for row, (_, line) in pairs)

"""Cosmos QA's questions on a passage with four answers each: CSV under a header."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import jsonl_choices
from robust_xtreme.tasks.formats._json import text_of

FIELDS: Final = jsonl_choices.FIELDS

record = jsonl_choices.record

_ANSWERS: Final = ("answer0", "answer1", "answer2", "answer3")
_COLUMNS: Final = ("id", "context", "question", *_ANSWERS, "label")
_LABELS: Final = ("0", "1", "2", "3")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a record (its fields may have line ends): `premise`, `question`, four `choices` and `label`, an index."""
    records = _records(text, path)
    line, head = next(records, (1, []))
    for name in _COLUMNS:
        if name not in head:
            raise DataError(path, f"has no column {name!r}; it takes {', '.join(_COLUMNS)}.", line)
    rows = []
    for number, cells in records:
        if len(cells) != len(head):
            raise DataError(path, f"has {counted(len(cells), 'field')}, its header {len(head)}.", number)
        row, location = dict(zip(head, cells, strict=True)), f"{path}:{number}"
        if row["label"] not in _LABELS:
            raise DataError(location, f"the label {row['label']!r:.80} is none of: {', '.join(_LABELS)}.")
        values = {**asked(row, location), "label": int(row["label"])}
        rows.append(Row(text_of(row, "id", location), location, values))
    return tuple(rows)


def _records(text: str, path: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of its first line; empty lines are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        begin = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(path, f"is not valid csv: {error}.", begin) from None
        if cells:
            yield begin, cells


def asked(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The passage of a row, its question and its four answers. Raises DataError."""
    premise, question, *choices = (text_of(row, key, location) for key in ("context", "question", *_ANSWERS))
    return {"premise": premise, "question": question, "choices": tuple(choices)}

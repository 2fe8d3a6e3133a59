"""Cosmos QA's questions on a passage with four answers each: CSV under a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import jsonl_choices
from robust_xtreme.formats._json import text_of
from robust_xtreme.specs import Row

SAMPLE: Final = (
    "id,context,question,answer0,answer1,answer2,answer3,label\n"
    'a1,"I ran home, wet to the bone .",Why was I wet ?,It rained .,I swam .,I sang .,None of the above choices .,0\n'
    "a2,She sold the car .,What may she do next ?,Fly it .,Take the bus .,Eat it .,None of the above choices .,1\n"
)

FIELDS: Final = jsonl_choices.FIELDS

record = jsonl_choices.record

_ANSWERS: Final = ("answer0", "answer1", "answer2", "answer3")
_COLUMNS: Final = ("id", "context", "question", *_ANSWERS, "label")
_LABELS: Final = ("0", "1", "2", "3")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a record: `premise`, `question`, four `choices` and `label`, an index. Fields may contain line ends.

    Raises DataError where a record has another number of fields, or its label is not one of the four.
    """
    records = _records(text, path)
    line, head = next(records, (1, []))
    for name in _COLUMNS:
        if name not in head:
            raise DataError(path, f"has no column {name!r}; it takes {', '.join(_COLUMNS)}.", line)
    return tuple(_row(number, cells, head, path) for number, cells in records)


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


def _row(number: int, cells: list[str], head: list[str], path: str) -> Row:
    if len(cells) != len(head):
        raise DataError(path, f"has {len(cells)} fields, its header {len(head)}.", number)
    row, location = dict(zip(head, cells, strict=True)), f"{path}:{number}"
    if row["label"] not in _LABELS:
        raise DataError(location, f"the label {row['label']!r:.80} is none of: {', '.join(_LABELS)}.")
    return Row(text_of(row, "id", location), location, {**asked(row, location), "label": int(row["label"])})


def asked(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The passage of a row, its question and its four answers. Raises DataError."""
    premise, question = text_of(row, "context", location), text_of(row, "question", location)
    return {
        "premise": premise,
        "question": question,
        "choices": tuple(text_of(row, key, location) for key in _ANSWERS),
    }

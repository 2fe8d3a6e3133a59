"""Quora's pairs of questions as GLUE has them: id, qid1, qid2, question1, question2, is_duplicate, under a header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import tsv_paraphrases
from robust_xtreme.formats._file import numbered_lines
from robust_xtreme.specs import Row

SAMPLE: Final = (
    "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    "133273\t213221\t213222\tHow do I cook rice?\tHow is rice cooked?\t1\n"
    "402555\t536040\t536041\tWhere is Rome?\tWho built Rome?\t0\n"
)

FIELDS: Final = tsv_paraphrases.FIELDS

record = tsv_paraphrases.record

_COLUMNS: Final = ("question1", "question2", "is_duplicate")
_BROKEN: Final = 1000
"""One in so many lines may be broken: GLUE's training file contains questions with a line end in them."""


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, with the values `first`, `second` and `label`, `0` or `1`.

    A line with too few columns, or without a label, is left out, as by GLUE's loaders; at most one line in a thousand
    may be. Raises DataError where there are more, naming the first, or where the header has no such column.
    """
    lines = list(numbered_lines(text))
    if not lines:
        return ()
    head = lines[0][1].split("\t")
    for name in _COLUMNS:
        if name not in head:
            raise DataError(path, f"has no column {name!r}: it takes GLUE's train.tsv or dev.tsv of QQP.", 1)
    cells = [(number, line.split("\t")) for number, line in lines[1:]]
    columns = [head.index(name) for name in _COLUMNS]
    _check([number for number, row in cells if not _whole(row, columns)], len(cells), len(head), path)
    return tuple(_row(number, row, columns, path) for number, row in cells if _whole(row, columns))


def _whole(cells: Sequence[str], columns: Sequence[int]) -> bool:
    return len(cells) > max(columns) and bool(cells[columns[2]].strip())


def _check(broken: Sequence[int], total: int, width: int, path: str) -> None:
    if len(broken) * _BROKEN > total:
        what = f"has fewer than {width} columns or no label, as {len(broken)} of {total:,} lines: the file is broken."
        raise DataError(path, what, broken[0])


def _row(number: int, cells: Sequence[str], columns: Sequence[int], path: str) -> Row:
    first, second, label = (cells[column].strip() for column in columns)
    return Row(str(number - 2), f"{path}:{number}", {"first": first, "second": second, "label": label})

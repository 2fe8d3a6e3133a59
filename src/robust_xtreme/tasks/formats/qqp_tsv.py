"""Quora's pairs of questions as GLUE has them: id, qid1, qid2, question1, question2, is_duplicate, under a header."""

from typing import Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats import tsv_paraphrases
from robust_xtreme.tasks.formats._file import numbered_lines

FIELDS: Final = tsv_paraphrases.FIELDS

record = tsv_paraphrases.record

_COLUMNS: Final = ("question1", "question2", "is_duplicate")


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
    columns = [head.index(name) for name in _COLUMNS]
    rows, broken = [], []
    for number, line in lines[1:]:
        cells = line.split("\t")
        if len(cells) > max(columns) and cells[columns[2]].strip():
            first, second, label = (cells[column].strip() for column in columns)
            rows.append(Row(str(number - 2), f"{path}:{number}", {"first": first, "second": second, "label": label}))
        else:
            broken.append(number)
    if len(broken) * 1000 > (total := len(lines) - 1):  # GLUE's training file has questions with a line end in them
        count = f"{len(broken)} of {total:,} lines"
        raise DataError(
            path, f"has fewer than {len(head)} columns or no label, as {count}: the file is broken.", broken[0]
        )
    return tuple(rows)

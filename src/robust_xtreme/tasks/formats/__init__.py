"""File formats, one module each: rows are read, and files are written again with only their texts changed.

A module that reads has `read` (or `read_parts`, for several files), and for rows of a suite `record` and `FIELDS`,
their keys; a row may have those of `OPTIONAL` too. A module that writes has `records`, the fields that can be `NOISED`
(empty: the fields are named with --fields), and the `FAMILY` whose rules it follows. `WRITTEN` names the format in
which a task's own file is written.
"""

from __future__ import annotations

from robust_xtreme.tasks.formats._file import PACKED, STREAM, Source, numbered_lines, opened, read_file
from robust_xtreme.tasks.formats._json import index_of, parse, text_of
from robust_xtreme.tasks.formats._moving import looks_placed
from robust_xtreme.tasks.formats._names import (
    FORMATS,
    check_same,
    expectation,
    fields_of_task,
    module,
    of_file,
    of_reader,
    reader,
    records_of,
)
from robust_xtreme.tasks.formats._record import CHANGES, Reader, ReadOptions, Record, Slot, SlotResult, word_spans

__all__ = [
    "CHANGES",
    "FORMATS",
    "PACKED",
    "STREAM",
    "ReadOptions",
    "Reader",
    "Record",
    "Slot",
    "SlotResult",
    "Source",
    "check_same",
    "expectation",
    "fields_of_task",
    "index_of",
    "looks_placed",
    "module",
    "numbered_lines",
    "of_file",
    "of_reader",
    "opened",
    "parse",
    "read_file",
    "reader",
    "records_of",
    "text_of",
    "word_spans",
]

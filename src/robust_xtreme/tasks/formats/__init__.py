"""File formats, one module each: rows are read, and files are written again with only their texts changed.

A module that reads has `read` (or `read_parts`, for several files), and for rows of a suite `record` and `FIELDS`,
their keys; a row may have those of `OPTIONAL` too. A module that writes has `records`, the fields that can be `NOISED`
(empty: the fields are named with --fields), and the `FAMILY` whose rules it follows. `WRITTEN` names the format in
which a task's own file is written.
"""

from __future__ import annotations

from robust_xtreme.tasks.formats._file import PACKED as PACKED
from robust_xtreme.tasks.formats._file import STREAM as STREAM
from robust_xtreme.tasks.formats._file import Source as Source
from robust_xtreme.tasks.formats._file import numbered_lines as numbered_lines
from robust_xtreme.tasks.formats._file import opened as opened
from robust_xtreme.tasks.formats._file import read_file as read_file
from robust_xtreme.tasks.formats._json import index_of as index_of
from robust_xtreme.tasks.formats._json import parse as parse
from robust_xtreme.tasks.formats._json import text_of as text_of
from robust_xtreme.tasks.formats._moving import looks_placed as looks_placed
from robust_xtreme.tasks.formats._names import FORMATS as FORMATS
from robust_xtreme.tasks.formats._names import check_same as check_same
from robust_xtreme.tasks.formats._names import expectation as expectation
from robust_xtreme.tasks.formats._names import fields_of_task as fields_of_task
from robust_xtreme.tasks.formats._names import module as module
from robust_xtreme.tasks.formats._names import of_file as of_file
from robust_xtreme.tasks.formats._names import of_reader as of_reader
from robust_xtreme.tasks.formats._names import reader as reader
from robust_xtreme.tasks.formats._names import records_of as records_of
from robust_xtreme.tasks.formats._record import CHANGES as CHANGES
from robust_xtreme.tasks.formats._record import Reader as Reader
from robust_xtreme.tasks.formats._record import ReadOptions as ReadOptions
from robust_xtreme.tasks.formats._record import Record as Record
from robust_xtreme.tasks.formats._record import Slot as Slot
from robust_xtreme.tasks.formats._record import SlotResult as SlotResult
from robust_xtreme.tasks.formats._record import word_spans as word_spans

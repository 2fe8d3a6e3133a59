"""Plain text: every line is a text."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from robust_xtreme.tasks.formats._file import Source, TextLine, check_ends
from robust_xtreme.tasks.formats._record import ReadOptions, Record, Slot, SlotResult, kept, on_one_line

NOISED: Final = ("line",)


def records(source: Source, _: ReadOptions) -> Iterator[Record]:
    """A record for each line; lines of white space only are kept."""
    for line in source.lines():
        check_ends(line.text, source.path, line.number)
        if not line.text.strip():
            yield kept(line.whole)
        else:
            slot = Slot("line", str(line.number), line.text)
            yield Record((slot,), partial(_written, line, source.path), len(line.text))


def _written(line: TextLine, path: str, done: Sequence[SlotResult]) -> str:
    return on_one_line(done[0].value, path, line.number) + line.end

"""The edits that a noisy file states itself under the key `edits`: checked, and followed from the clean text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, Final

from robust_xtreme.core.edits import Place, Trace
from robust_xtreme.core.errors import DataError, shown
from robust_xtreme.core.examples import LONGEST, Text

Step = tuple[tuple[int, int, int], ...]
Steps = tuple[Step, ...]
Range = tuple[int, int]

_TAKES: Final = "the key 'edits' takes a list of steps, each a list of [start, stop, length]"
_MOST_STEPS: Final = 100
_SIZE: Final = 3
_MADE: Final = -1
"""The origin of a character that an edit made."""


def stated(value: Any, location: str) -> Steps:
    """The steps of a row, none where it states nothing. Raises DataError for what is not lists of whole numbers."""
    if value is None:
        return ()
    for step in _items(value, location):
        for edit in _items(step, location):
            if not (isinstance(edit, list) and len(edit) == _SIZE and all(type(number) is int for number in edit)):
                raise DataError(location, f"{_TAKES}, not of {shown(edit)}.")
    if len(value) > _MOST_STEPS:
        raise DataError(location, f"the key 'edits' has {len(value):,} steps; it takes at most {_MOST_STEPS}.")
    return tuple(tuple((start, stop, length) for start, stop, length in step) for step in value)


def _items(value: Any, location: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise DataError(location, f"{_TAKES}, not {shown(value)}.")
    return value


def followed(clean: Text, value: str, steps: Steps, location: str) -> tuple[Trace, ...]:
    """The trace of each step, through which the spans of the clean text move as noise moves them.

    Raises DataError where the edits are not in order within their text, or do not make `value` of the clean text.
    """
    origins: Sequence[int] = range(len(clean.value))
    spans: list[Range] = [(span.start, span.stop) for span in clean.spans]
    traces = []
    for step in steps:
        moves = tuple(_moves(step, len(origins), location))
        moved = [(_moved(moves, start), _moved(moves, stop)) for start, stop in spans]
        traces.append(Trace(moves, tuple(zip(spans, moved, strict=True))))
        origins, spans = _carried(origins, moves), moved
    _check_made(clean.value, value, origins, location)
    return tuple(traces)


def _moves(step: Step, size: int, location: str) -> Iterator[Place]:
    """The edits of a step with their ranges after it, in a text of `size` characters. Raises DataError."""
    before, shift = 0, 0
    for start, stop, length in step:
        if not (before <= start <= stop <= size and length >= 0):
            what = f"does not fit between {before:,}, where the one before ends, and the end of the text, {size:,}"
            raise DataError(location, f"the edit {shown([start, stop, length])} under the key 'edits' {what}.")
        yield start, stop, start + shift, start + shift + length
        before, shift = stop, shift + length - (stop - start)
        if size + shift > LONGEST:
            raise DataError(location, f"the edits under the key 'edits' make more than {LONGEST:,} characters.")


def _moved(moves: Sequence[Place], position: int) -> int:
    """Where an end of a span is after the edits, by the rule of `edits.apply`: an insertion at it is before it."""
    number = bisect_right(moves, position, key=itemgetter(1))
    after = position + (moves[number - 1][3] - moves[number - 1][1] if number else 0)
    return min(after, moves[number][3]) if number < len(moves) and moves[number][0] < position else after


def _carried(origins: Sequence[int], moves: Sequence[Place]) -> list[int]:
    """The position in the clean text of each character after a step; _MADE where an edit made it."""
    carried: list[int] = []
    position = 0
    for start, stop, begin, end in moves:
        carried += origins[position:start]
        carried += [_MADE] * (end - begin)
        position = stop
    carried += origins[position:]
    return carried


def _check_made(clean: str, value: str, origins: Sequence[int], location: str) -> None:
    """Raise DataError where the kept characters of the clean text are not those of the noisy one."""
    differs = (
        number
        for number, (origin, letter) in enumerate(zip(origins, value, strict=False))
        if origin != _MADE and clean[origin] != letter
    )
    at = next(differs, None)
    if at is None and len(origins) == len(value):
        return
    where = (
        f"they give {len(origins):,} characters, and it has {len(value):,}"
        if at is None
        else f"not at character {at:,}"
    )
    what = f"the edits under the key 'edits' do not make its context of the clean one ({where})"
    raise DataError(location, f"{what}. Correct them, or remove the key: the texts are then compared.")

"""Split texts into extended grapheme clusters (UAX #29), by array operations on code points.

A batch of texts is one array of code points in which every text is followed by `SEPARATOR`, a control character, which
breaks clusters on both sides: so rules do not reach from one text into another.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SEPARATOR: Final = "\0"
LETTER: Final = 32
UPPER: Final = 64
SPACE: Final = 128
SCRIPT_SHIFT: Final = 8
PACKED: Final = 3
"""The number of code points of the longest cluster that `packed` distinguishes."""

_CLASS: Final = 31
_CONSONANT, _PICTOGRAPHIC, _CONTROL, _LF = 1, 2, 3, 4
_LV, _LVT, _CR, _EXTEND = 5, 6, 7, 8
_CONJUNCT_EXTEND, _LINKER, _ZWJ, _MARK = 9, 10, 11, 12
_PREPEND, _REGIONAL, _L, _V, _T, _FREE_LINKER = 13, 14, 15, 16, 17, 18
_STICKY: Final = _CR
_CLASSES: Final = 32


@dataclass(frozen=True, slots=True)
class Clusters:
    """The grapheme clusters of a batch of code points.

    `starts` (m,) is the position of each cluster's first code point, `breaks` (n,) the same as flags. `simple`: every
    code point is a cluster. `open_after` contains the numbers of the clusters that may join with a code point inserted
    after them (half a flag, a consonant with a linker, a leading jamo), `open_before` of those that may join with one
    inserted before them (a mark without a base, a vowel jamo).
    """

    starts: Array
    breaks: Array
    simple: bool
    open_after: Array
    open_before: Array


@cache
def table() -> Array:
    """The 16 bits of every code point (uint16, 0x110000): class, letter, upper case, space, script."""
    text = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    runs = np.array([int(field, 16) for line in lines for field in line.split("\t")]).reshape(-1, 2)
    lengths = np.diff(runs[:, 0], append=0x110000)
    return np.repeat(runs[:, 1].astype(np.uint16), lengths)


def properties(points: Array) -> Array:
    """The 16 bits of each code point (n,)."""
    return table().take(points, mode="clip")


def clusters(props: Array) -> Clusters:
    """The clusters of code points given by their properties (n,); the last code point must be a control character."""
    kinds = (props & _CLASS).astype(np.uint8)
    size = len(kinds)
    if not size or int(kinds.max()) < _STICKY:
        none = np.zeros(0, np.int64)
        return Clusters(np.arange(size), np.ones(size, np.bool_), True, none, none)
    breaks, linked = _breaks(kinds)
    starts = np.flatnonzero(breaks)
    # The last points of clusters that may join with a new point after them; the first of those that may before.
    after = (kinds == _CR) | (kinds == _ZWJ) | (kinds == _PREPEND) | (kinds == _REGIONAL) | (kinds == _L)
    after[linked] = True
    after[:-1] &= breaks[1:]
    before = breaks & (_marks(kinds) | (kinds == _V) | (kinds == _T))
    ends = (np.searchsorted(starts, np.flatnonzero(where), "right") - 1 for where in (after, before))
    return Clusters(starts, breaks, len(starts) == size, *ends)


@lru_cache(1 << 16)
def joins(point: str) -> bool:
    """Whether a code point may join with others; in a string without such points every point is a cluster."""
    return int(table()[ord(point)]) & _CLASS >= _STICKY


def extends(props: Array) -> Array:
    """Which code points (n,), given by their properties, continue the cluster before them: marks and joiners."""
    return _marks(props & _CLASS)


def code_points(text: str) -> Array:
    """The code points of a string (n,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def string_properties(text: str) -> Array:
    """The 16 bits of each code point of a string."""
    return properties(code_points(text))


def split(text: str) -> list[str]:
    """The grapheme clusters of one string."""
    if not any(map(joins, text)):
        return list(text)
    starts = clusters(string_properties(text + SEPARATOR)).starts.tolist()
    return [text[start:stop] for start, stop in pairwise(starts)]


def open_ends(text: str) -> int:
    """How many clusters of a string may join with a neighbour."""
    if not any(map(joins, text)):
        return 0
    ends = clusters(string_properties(text + SEPARATOR))
    return len(ends.open_after) + len(ends.open_before)


def group(props: Array) -> Array:
    """`script * 2 + upper` of letters given by their properties (m,): equal iff script and case are."""
    return (props >> SCRIPT_SHIFT).astype(np.int64) * 2 + ((props & UPPER) > 0)


def letters_in(groups: Array) -> Array:
    """Which properties (65536,) are those of a letter in one of the groups that are flagged (512,)."""
    flags = np.zeros((256, 2, 2, 2, _CLASSES), np.bool_)  # the bits of `table`: script, space, upper, letter, class
    flags[:, :, :, 1] = groups.reshape(-1, 1, 2, 1)
    return flags.reshape(-1)


def packed(points: Array, starts: Array, lengths: Array) -> Array:
    """Clusters of up to three code points as numbers (m,) uint64, equal iff the clusters are; 0 for longer ones."""
    if not (lengths > 1).any():
        return points[starts].astype(np.uint64)
    key = np.zeros(len(starts), np.uint64)
    for offset in range(PACKED):
        there = np.minimum(starts + offset, len(points) - 1)
        point = np.where(offset < lengths, points[there], 0).astype(np.uint64)
        key |= point << np.uint64(21 * offset)  # no code point has more bits
    key[lengths > PACKED] = 0
    return key


@cache
def _pairs() -> Array:
    """Whether clusters break between two classes (1024,), by the rules that look at two code points only."""
    breaks = np.ones((_CLASSES, _CLASSES), np.bool_)
    breaks[:, [_EXTEND, _CONJUNCT_EXTEND, _LINKER, _ZWJ, _MARK]] = False
    breaks[_PREPEND, :] = False
    breaks[_L, [_L, _V, _LV, _LVT]] = False
    breaks[np.ix_([_LV, _V], [_V, _T])] = False
    breaks[[_LVT, _T], _T] = False
    hard = [_CONTROL, _CR, _LF]
    breaks[hard, :] = True
    breaks[:, hard] = True
    breaks[_CR, _LF] = False
    return breaks.reshape(-1)


def _breaks(kinds: Array) -> tuple[Array, Array]:
    """The flags of cluster breaks (n,), and the positions where runs of linkers end.

    Marks join unless a control is before them (GB9), and consonants join to linkers (GB9c, as of Unicode 18). Rarer
    classes are looked up in the table of pairs where they occur, and then corrected by the rules that look back.
    """
    hard = (kinds == _CONTROL) | (kinds == _LF) | (kinds == _CR)
    breaks = ~_marks(kinds)
    breaks[1:] |= hard[:-1]
    breaks[0] = True
    rare = np.flatnonzero((kinds > _MARK) | (kinds == _CR))
    rare = np.concatenate((rare[rare > 0], rare[rare < len(kinds) - 1] + 1))
    breaks[rare] = _pairs()[kinds[rare - 1].astype(np.int64) << 5 | kinds[rare]]
    linked = _linked(kinds)
    breaks[linked + 1] &= kinds[linked + 1] != _CONSONANT
    _join_pictographs(kinds, breaks)
    _pair_flags(kinds, breaks)
    return breaks, linked


def _marks(kinds: Array) -> Array:
    """Which code points join with the one before them."""
    return np.asarray((kinds >= _EXTEND) & (kinds <= _MARK))


def _last(where: Array) -> Array:
    """For each position, the last one up to it where the condition is true; -1 where there is none."""
    return np.maximum.accumulate(np.where(where, np.arange(len(where)), -1))


def _tail(kinds: Array) -> Array:
    """Which code points may be between the consonants of a conjunct."""
    return np.asarray(((kinds >= _CONJUNCT_EXTEND) & (kinds <= _ZWJ)) | (kinds == _FREE_LINKER))


def _linked(kinds: Array) -> Array:
    """The ends of runs of linkers and extenders that contain a linker: a consonant after such a run joins it."""
    ends = np.flatnonzero((kinds == _LINKER) | (kinds == _FREE_LINKER))
    longer = np.flatnonzero(_tail(kinds[ends + 1]))
    for _ in range(_NEAR):
        if not len(longer):
            return ends
        ends[longer] += 1
        longer = longer[_tail(kinds[ends[longer] + 1])]
    after = np.where(_tail(kinds), len(kinds), np.arange(len(kinds)))
    following = np.minimum.accumulate(after[::-1])[::-1]
    ends[longer] = following[ends[longer] + 1] - 1
    return ends


_NEAR: Final = 4
"""The number of steps in which the end of a run of linkers is searched, before the ends of all runs are computed."""


def _join_pictographs(kinds: Array, breaks: Array) -> None:
    """GB11: no break before a pictograph after a joiner that follows a pictograph and its extenders."""
    asked = np.flatnonzero((kinds[1:] == _PICTOGRAPHIC) & (kinds[:-1] == _ZWJ))
    if len(asked):
        extend = (kinds >= _EXTEND) & (kinds <= _LINKER)
        anchor = _last(~extend)[np.maximum(asked - 1, 0)]
        joined = (anchor >= 0) & (kinds[anchor] == _PICTOGRAPHIC)
        breaks[asked[joined] + 1] = False


def _pair_flags(kinds: Array, breaks: Array) -> None:
    """GB12 and GB13: regional indicators pair from the start of their run."""
    flags = np.flatnonzero(kinds == _REGIONAL)
    if len(flags):
        run = _last(np.diff(flags, prepend=-2) > 1)
        offset = np.arange(len(flags)) - run
        breaks[flags[offset % 2 == 1]] = False
        breaks[flags[(offset % 2 == 0) & (offset > 0)]] = True

"""Texts with their words normalised, and where everything is after it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from robust_xtreme.core.edits import Edits, Moved, SpanTable, apply, batch
from robust_xtreme.core.target_columns import bounds_of
from robust_xtreme.noise.normalising.corrector import Spelling, same
from robust_xtreme.noise.normalising.words import pattern

_ENCODING = "utf-32-le"


def normalised(values: Sequence[str], spans: SpanTable, spelling: Spelling) -> Moved:
    """The texts with each word that is not known corrected; a word that an end of a span cuts stays."""
    cuts = _cuts(spans, len(values))
    rows = [
        (number, *row)
        for number, (value, ends) in enumerate(zip(values, cuts, strict=True))
        for row in _changes(value, ends, spelling)
    ]
    clean = batch(values, spans)
    put = [row[3] for row in rows]
    pool = np.frombuffer("".join(put).encode(_ENCODING, "surrogatepass"), np.uint32)
    sizes = np.array([len(each) for each in put], np.int64)
    base = clean.offsets[np.array([row[0] for row in rows], np.int64)]
    start, stop = (base + np.array([row[at] for row in rows], np.int64) for at in (1, 2))
    source, length = np.zeros((len(rows), 2), np.int64), np.zeros((len(rows), 2), np.int64)
    source[:, 0], length[:, 0] = len(clean.points) + bounds_of(sizes)[:-1], sizes
    none = np.zeros(len(rows), np.int64)
    return apply(clean, Edits(start, stop, none, none, source, length, pool))


def _cuts(spans: SpanTable, count: int) -> list[list[int]]:
    """The ends of the spans of each text, sorted."""
    cuts: list[list[int]] = [[] for _ in range(count)]
    for text, *ends in zip(spans.text.tolist(), spans.start.tolist(), spans.stop.tolist(), strict=True):
        cuts[text] += ends
    return [sorted(ends) for ends in cuts]


def _changes(value: str, cuts: Sequence[int], spelling: Spelling) -> Iterator[tuple[int, int, str]]:
    """Start, stop and new letters of what changes in a text: of a word only what is not the same."""
    for match in pattern().finditer(value):
        word, (low, high) = match[0], match.span()
        new = spelling.corrected(word)
        if new == word or (cuts and bisect_right(cuts, low) < bisect_right(cuts, high - 1)):
            continue
        before = same(word, new)
        after = min(same(word[::-1], new[::-1]), min(len(word), len(new)) - before)
        yield low + before, high - after, new[before : len(new) - after]

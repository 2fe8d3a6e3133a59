"""What was done to a clean text of which only the noisy form is known: edits and moved spans, by a diff of clusters."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from robust_xtreme import graphemes
from robust_xtreme.edits import Place, Trace
from robust_xtreme.examples import Span, Text
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.noising import Noised

_REPLACE, _INSERT, _DELETE = "replace", "insert", "delete"


class _Change(NamedTuple):
    """A range of the clean text that became one of the noisy text, in code points, and the clusters that it cost."""

    place: Place
    cost: int
    operator: str
    words: frozenset[int]


def realised(clean: Text, value: str, spans: Sequence[Span]) -> Noised:
    """A noisy text as the outcome of noise on the clean one; `spans` are the clean text's spans where they are now.

    Where the spans are the words of both texts, each word is compared with its own form.
    """
    moved = tuple(Span(now.start, now.stop, was.label, was.frozen) for was, now in zip(clean.spans, spans, strict=True))
    changes = [change for piece in _pieces(clean, value, moved) for change in _changes(*piece)]
    edits = Counter(change.operator for change in changes)
    clusters, words = len(graphemes.split(clean.value)), len(clean.value.split())
    edited_words = len(frozenset().union(*(change.words for change in changes)))
    bounds = tuple(((was.start, was.stop), (now.start, now.stop)) for was, now in zip(clean.spans, moved, strict=True))
    trace = Trace(tuple(change.place for change in changes), bounds)
    noisy = Text(clean.id, clean.language, value, moved)
    status = "unchanged" if value == clean.value else "ok"
    edited = sum(change.cost for change in changes)
    return Noised(clean, noisy, status, clusters, edits, clusters, edited, words, min(words, edited_words), (trace,))


def _pieces(clean: Text, value: str, moved: Sequence[Span]) -> Iterator[tuple[str, str, int, int]]:
    """What is compared with each other, each with its start: the words, where spans are words, or the whole texts."""
    words = " ".join(clean.at(span) for span in clean.spans)
    if not clean.spans or words != clean.value or " ".join(value[it.start : it.stop] for it in moved) != value:
        yield clean.value, value, 0, 0
        return
    for was, now in zip(clean.spans, moved, strict=True):
        yield clean.at(was), value[now.start : now.stop], was.start, now.start


def _changes(old: str, new: str, clean_start: int, noisy_start: int) -> Iterator[_Change]:
    """The changes from one text to another: first by words, then in a changed stretch by clusters."""
    if old == new:
        return
    before, after = graphemes.split(old), graphemes.split(new)
    (words, starts), (others, stops) = _words(before), _words(after)
    points, places = _positions(before, clean_start), _positions(after, noisy_start)
    for a, b, c, d in hunks(words, others):
        for i, j, k, m in hunks(before[starts[a] : starts[b]], after[stops[c] : stops[d]]):
            first, last, low, high = starts[a] + i, starts[a] + j, stops[c] + k, stops[c] + m
            operator = _INSERT if i == j else _DELETE if k == m else _REPLACE
            touched = _touched(words, starts, first, max(last, first + 1), clean_start)
            place = (points[first], points[last], places[low], places[high])
            yield _Change(place, max(j - i, m - k), operator, touched)


def _words(clusters: Sequence[str]) -> tuple[list[str], list[int]]:
    """The words and the white space between them, and the cluster at which each begins; then the number of clusters."""
    words = [tuple(run) for _, run in groupby(clusters, key=str.isspace)]
    return ["".join(word) for word in words], list(accumulate(map(len, words), initial=0))


def _positions(clusters: Sequence[str], start: int) -> list[int]:
    """The code point at which each cluster begins; then the end of the last."""
    return list(accumulate(map(len, clusters), initial=start))


def _touched(words: Sequence[str], starts: Sequence[int], first: int, last: int, base: int) -> frozenset[int]:
    """Names of the words that a range of clusters is in; an insertion at the end is in the last."""
    low = bisect_right(starts, min(first, max(0, starts[-1] - 1))) - 1
    high = bisect_left(starts, last)
    return frozenset(base + starts[n] for n in range(low, min(high, len(words))) if words[n].strip())

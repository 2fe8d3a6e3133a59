"""What was done to a clean text of which only the noisy form is known: edits and moved spans, by a diff of clusters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import Final, NamedTuple

from robust_xtreme import graphemes
from robust_xtreme.edits import Place, Trace
from robust_xtreme.examples import Span, Text
from robust_xtreme.noise.engine.diff import Hunk, hunks
from robust_xtreme.noise.engine.noised import Noised

_WORD: Final = re.compile(r"\S+")
_REPLACE, _INSERT, _DELETE = "replace", "insert", "delete"


class _Change(NamedTuple):
    """A range of the clean text that became one of the noisy text, in code points, and the clusters that it cost."""

    move: Place
    cost: int
    operator: str


def realised(clean: Text, value: str, spans: Sequence[Span]) -> Noised:
    """A noisy text as the outcome of noise on the clean one; `spans` are the clean text's spans where they are now.

    The texts are compared from span to span, so that a tagged word or an answer is compared with its own form.
    """
    moved = tuple(Span(now.start, now.stop, was.label, was.frozen) for was, now in zip(clean.spans, spans, strict=True))
    bounds = tuple(((was.start, was.stop), (now.start, now.stop)) for was, now in zip(clean.spans, moved, strict=True))
    changes = [change for piece in _pieces(clean.value, value, bounds) for change in _changes(*piece)]
    trace = Trace(tuple(change.move for change in changes), bounds)
    noisy = Text(clean.id, clean.language, value, moved)
    status = "unchanged" if value == clean.value else "ok"
    clusters, words = len(graphemes.split(clean.value)), len(clean.value.split())
    edited, edits = sum(change.cost for change in changes), Counter(change.operator for change in changes)
    words_edited = _words_edited(clean.value, value, trace.moves)
    return Noised(clean, noisy, status, clusters, edits, clusters, edited, words, words_edited, (trace,))


def _pieces(
    old: str, new: str, bounds: Sequence[tuple[tuple[int, int], tuple[int, int]]]
) -> Iterator[tuple[str, str, int, int]]:
    """What is compared with each other, each with its start in both texts: what the ends of spans divide."""
    before, after = 0, 0
    ends = {end for was, now in bounds for end in zip(was, now, strict=True)}
    for old_end, new_end in (*sorted(ends), (len(old), len(new))):
        if old_end >= before and new_end >= after:
            yield old[before:old_end], new[after:new_end], before, after
            before, after = old_end, new_end


def _changes(old: str, new: str, clean_start: int, noisy_start: int) -> Iterator[_Change]:
    """The changes from one text to another: first by words, then in a changed stretch by clusters."""
    if old == new:
        return
    before, after = graphemes.split(old), graphemes.split(new)
    (words, starts), (others, stops) = _words(before), _words(after)
    points, noisy_points = _positions(before, clean_start), _positions(after, noisy_start)
    for a, b, c, d in _stretches(words, others):
        for i, j, k, m in hunks(before[starts[a] : starts[b]], after[stops[c] : stops[d]]):
            first, last, low, high = starts[a] + i, starts[a] + j, stops[c] + k, stops[c] + m
            operator = _INSERT if i == j else _DELETE if k == m else _REPLACE
            cost = max(j - i, m - k)
            if i == j and first and {*after[low:high]} == {before[first - 1]}:  # a cluster that was doubled
                first, low = first - 1, low - 1
            move = points[first], points[last], noisy_points[low], noisy_points[high]
            yield _Change(move, cost, operator)


def _stretches(words: Sequence[str], others: Sequence[str]) -> Iterator[Hunk]:
    """The ranges of words that were changed: one by one where as many words and blanks were, else together."""
    for a, b, c, d in hunks(words, others):
        pairs = list(zip(words[a:b], others[c:d], strict=False))
        if b - a == d - c and all(old.isspace() == new.isspace() for old, new in pairs):
            changed = (number for number, (old, new) in enumerate(pairs) if old != new)
            yield from ((a + number, a + number + 1, c + number, c + number + 1) for number in changed)
        else:
            yield a, b, c, d


def _words(clusters: Sequence[str]) -> tuple[list[str], list[int]]:
    """The words and the white space between them, and the cluster at which each begins; then the number of clusters."""
    words = [tuple(run) for _, run in groupby(clusters, key=str.isspace)]
    return ["".join(word) for word in words], list(accumulate(map(len, words), initial=0))


def _positions(clusters: Sequence[str], start: int) -> list[int]:
    """The code point at which each cluster begins; then the end of the last."""
    return list(accumulate(map(len, clusters), initial=start))


def _words_edited(clean: str, noisy: str, moves: Sequence[Place]) -> int:
    """The number of words of a text that the moves to the noisy text edit, as the engine counts them."""
    words = [match.span() for match in _WORD.finditer(clean)]
    stops = [stop for _, stop in words]
    touched: set[int] = set()
    for move in moves:
        low, high = _reached(clean, noisy, move)
        number = bisect_right(stops, low)
        while number < len(words) and words[number][0] < high:
            touched.add(number)
            number += 1
    return len(touched)


def _reached(clean: str, noisy: str, move: Place) -> tuple[int, int]:
    """The range of the clean text that a move edits: with the ends of words beside it that touch another sign now."""
    start, stop, low, high = move
    before, after = clean[max(start - 1, 0) : start], clean[stop : stop + 1]
    put = noisy[low:high]
    if start == stop and _WORD.match(before) and _WORD.match(after):
        return start, start + 1
    ends = _WORD.match(before) and not _WORD.match(clean[start : start + 1]) and _WORD.match(put[:1] or after)
    begins = _WORD.match(after) and not _WORD.match(clean[max(stop - 1, 0) : stop]) and _WORD.match(put[-1:] or before)
    return start - bool(ends), stop + bool(begins)

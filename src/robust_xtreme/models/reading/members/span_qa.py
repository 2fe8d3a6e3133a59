"""Span QA: a question with a span of the context is a window, and the best span over all windows is the answer."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from robust_xtreme.core.columns import Array, Ranges, bounds_of
from robust_xtreme.core.edits import ragged
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import NO_ANSWER
from robust_xtreme.core.graphemes import SEPARATOR, clusters, string_properties
from robust_xtreme.models.reading.reading import Contents, Decoded, Labels, Reading, Reduced, best_of, every, quantised
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer, Tokens
from robust_xtreme.models.reading.windows import Windows, around, layout_of

ANSWER_TOKENS: Final = 30
"""No answer is longer, as in the official scripts; bytes and characters count as parts of a token."""

_LEFT_OUT: Final = 32
_CONTEXT: Final = "context"
_LOWEST: Final = np.iinfo(np.int64).min // 4
"""The score of what is not in the context; the sum of two of them is a whole number of 64 bits."""

_SMALL: Final = 1 << 28
_LOW: Final = np.int32(-4 * _SMALL)
"""The same for scores of at most _SMALL, in 32 bits."""

_TOTAL, _START, _STOP, _UNTIL, _SUMMARY, _EXACT = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class ContextLayouts:
    """The contexts of w windows, whose tokens are from `first` (w,) on.

    `offsets` (n, 2) are code points in the contexts; those of the tokens of window i are `begin[i]` (w,) to `stop[i]`.
    `reach` (w, 2) is the span of its context that a window reads, with characters at the ends that no token represents.
    No answer has more than `most` tokens.
    """

    first: Array
    begin: Array
    stop: Array
    reach: Array
    offsets: Array
    most: int = ANSWER_TOKENS

    def take(self, rows: Array) -> ContextLayouts:
        """The contexts of windows by row (k,)."""
        first, begin, stop, reach = (column[rows] for column in (self.first, self.begin, self.stop, self.reach))
        return ContextLayouts(first, begin, stop, reach, self.offsets, self.most)

    @property
    def count(self) -> Array:
        """The number of context tokens of each window (w,)."""
        return self.stop - self.begin


def _encode(
    contents: Contents, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int, stride: int, candidate_length: int = 0
) -> Windows:
    """Question and context per window, the next `stride` context tokens later; 0, or too many: without overlap."""
    frame = tokenizer.frame
    room = frame.room(2, max_length)
    questions, contexts = lexicon.columns(contents.values[name] for name in ("question", _CONTEXT))
    tokens = lexicon.tokens
    most = min(64 * tokenizer.per_token, room // 2)  # longer questions are truncated, as in the official scripts
    asked = np.minimum(tokens.lengths[questions], most)
    example, start, stop = _ranges(tokens.lengths[contexts], room - asked, stride)
    asked, base = asked[example], tokens.bounds[contexts[example]]
    parts = [(tokens.bounds[questions[example]], asked), (base + start, stop - start)]
    ids, bounds = around(frame.pair, tokens, parts)
    first = len(frame.pair[0]) + asked + len(frame.pair[1])
    points = np.array([len(value or "") for value in contents.values[_CONTEXT]], np.int64)
    reach = _reach(tokens, contexts[example], start, stop, points[example])
    layout = ContextLayouts(first, base + start, base + stop, reach, tokens.spans, ANSWER_TOKENS * tokenizer.per_token)
    cut = ~_contains_gold(contents, example, layout) | (tokens.lengths[questions] > most)
    return Windows(ids, bounds, example, cut[example], frame.seconds(asked), frame.summaries(np.diff(bounds)), layout)


def _ranges(length: Array, room: Array, stride: int) -> tuple[Array, Array, Array]:
    """Ranges of the contexts' tokens, and the context of each; at least one each, the last ends with the context."""
    step = np.minimum(stride, room) if stride else room
    count = 1 + -(-np.maximum(0, length - room) // step)
    example = np.repeat(np.arange(len(length)), count)
    start = ragged(np.zeros(len(length), np.int64), count) * step[example]
    return example, start, np.minimum(start + room[example], length[example])


def _reach(tokens: Tokens, contexts: Array, start: Array, stop: Array, length: Array) -> Array:
    """From the end of the token before a window to the beginning of the one after it, or to the context's ends."""
    offsets, base, whole = tokens.spans, tokens.bounds[contexts], tokens.lengths[contexts]
    reach = np.stack((np.zeros(len(start), np.int64), length), axis=1)
    later, earlier = np.flatnonzero(start > 0), np.flatnonzero(stop < whole)
    begin, end = (base + start)[later], (base + stop)[earlier]
    reach[later, 0] = np.minimum(offsets[begin, 0], offsets[begin - 1, 1])
    reach[earlier, 1] = np.maximum(offsets[end - 1, 1], offsets[end, 0])
    return reach


def _contains_gold(contents: Contents, example: Array, layout: ContextLayouts) -> Array:
    """Whether some window of a content (m,) contains a gold answer whole; true where there is none to contain."""
    if contents.golds is None:
        raise ModelError(f"{contents.ids[0]}: an answer is a span of the context.")
    first, _ = answer_tokens(layout, contents.golds.take(example))
    kept = np.bincount(example[first >= 0], minlength=len(contents)) > 0
    return np.asarray(kept | (np.diff(contents.golds.bounds) == 0))


def answer_tokens(layout: ContextLayouts, golds: Ranges) -> tuple[Array, Array]:
    """The first and last context token of the first gold answer, of each window's, that it contains whole; else -1."""
    window = np.repeat(np.arange(len(layout.first)), np.diff(golds.bounds))
    start, stop, reach = golds.start, golds.stop, layout.reach[window]
    there = np.flatnonzero((start >= reach[:, 0]) & (stop <= reach[:, 1]) & (layout.count[window] > 0))
    window, start, stop = window[there], start[there], stop[there]
    begin = layout.begin[window]
    low, high = _over(layout.offsets, begin, layout.stop[window], start, stop)
    first, last = (np.full(len(layout.first), -1) for _ in range(2))
    # The first of several answers is written last.
    some = np.flatnonzero(low < high)[::-1]
    first[window[some]] = (low - begin)[some]
    last[window[some]] = (high - begin)[some] - 1
    return first, last


def _over(offsets: Array, begin: Array, end: Array, start: Array, stop: Array) -> tuple[Array, Array]:
    """The first token from `begin` to `end` (k,) with code points from `start` to `stop`, and past the last, if any."""
    few = (end - begin).sum() <= len(offsets)
    ordered = np.zeros(len(begin), np.bool_) if few else _in_order(offsets, begin, end)
    low, high = (np.zeros(len(begin), np.int64) for _ in range(2))
    for search, rows in ((_searched, np.flatnonzero(ordered)), (_compared, np.flatnonzero(~ordered))):
        if len(rows):
            low[rows], high[rows] = search(offsets, *(column[rows] for column in (begin, end, start, stop)))
    return low, high


def _in_order(offsets: Array, begin: Array, end: Array) -> Array:
    """Whether neither begins nor ends decrease in the tokens from `begin` to `end` (k,) bool; none of them is empty."""
    less = offsets[1:] < offsets[:-1]
    unlike = np.flatnonzero(less[:, 0] | less[:, 1])
    return np.asarray(np.searchsorted(unlike, begin) == np.searchsorted(unlike, end - 1))


def _searched(offsets: Array, begin: Array, end: Array, start: Array, stop: Array) -> tuple[Array, Array]:
    """As `_over`, for tokens in order."""
    full = offsets[:, 1] > offsets[:, 0]
    before, positions = np.concatenate(([0], np.cumsum(full))), np.flatnonzero(full)
    low = before[_first_at(offsets[:, 1], begin, end, start + 1)]
    high = before[_first_at(offsets[:, 0], begin, end, stop)]
    return np.append(positions, len(offsets))[low], np.append(0, positions + 1)[high]


def _first_at(values: Array, low: Array, high: Array, least: Array) -> Array:
    """The first position from `low` to `high` (k,) with a value of `least` or more; `high` where there is none."""
    while (low < high).any():
        middle = (low + high) // 2
        less = (low < high) & (values[np.minimum(middle, len(values) - 1)] < least)
        low, high = np.where(less, middle + 1, low), np.where(less, high, middle)
    return low


def _compared(offsets: Array, begin: Array, end: Array, start: Array, stop: Array) -> tuple[Array, Array]:
    """As `_over`, for tokens in any order."""
    counts = end - begin
    tokens, bounds = ragged(begin, counts), bounds_of(counts)
    begins, ends = offsets[tokens, 0], offsets[tokens, 1]
    inside = (begins < np.repeat(stop, counts)) & (ends > np.repeat(start, counts)) & (ends > begins)
    before, positions = np.concatenate(([0], np.cumsum(inside))), np.append(tokens[inside], len(offsets))
    low, high = before[bounds[:-1]], before[bounds[1:]]
    return positions[low], np.where(low < high, positions[high - 1] + 1, 0)


def _lost(contents: Contents, windows: Windows) -> Array:
    if not windows.truncated.any():
        return np.zeros(len(contents), np.bool_)
    return ~_contains_gold(contents, windows.example, layout_of(windows, ContextLayouts))


def _reduce(windows: Windows, scores: Array, labels: Labels) -> Reduced:
    """Of each window the score and bounds of the best span, the begin of the next token, and the summary's score."""
    layout, row = layout_of(windows, ContextLayouts), np.arange(len(windows))
    whole, exact = quantised(np.ascontiguousarray(np.moveaxis(scores, 2, 0)))
    inside = _within(scores.shape[1], layout.first, layout.count)
    # What is not inside is lower than all others; in 32 bits where sums fit.
    small = max(whole.max(initial=0), -whole.min(initial=0)) <= _SMALL
    compact = np.where(inside, whole.astype(np.int32), _LOW) if small else np.where(inside, whole, _LOWEST)
    start, last, total = _best_spans(compact[0], compact[1], layout.most)
    some = layout.count > 0
    values = np.zeros((len(windows), 6), np.int64)
    values[:, _TOTAL] = 2 * _LOWEST
    values[some, _TOTAL] = total[some]
    values[some, _START:_SUMMARY] = _bounds(layout.take(np.flatnonzero(some)), start[some], last[some])
    values[:, _SUMMARY] = whole[:, row, windows.summary].sum(axis=0)
    values[:, _EXACT] = exact[:, row, windows.summary].all(axis=0)
    finite = np.ones(len(windows), np.bool_) if exact.all() else np.all(exact[0] & exact[1] | ~inside, axis=1)
    return Reduced(values, np.ones(len(windows), np.int64), finite)


def _within(length: int, first: Array, count: Array) -> Array:
    """Which of `length` positions are the `count` ones from `first` on (B, length)."""
    after = np.arange(length, dtype=np.int32)[None, :] - first.astype(np.int32)[:, None]
    # As unsigned numbers, positions before the first are larger than any count.
    return np.asarray(after.view(np.uint32) < count.astype(np.uint32)[:, None])


def _best_spans(begin: Array, end: Array, most: int = ANSWER_TOKENS) -> tuple[Array, Array, Array]:
    """First and last position (B,) of the best span in each row of (B, L), and its score; the first of equal ones."""
    best = end
    reach = 1
    while reach < most:
        step = min(reach, most - reach)
        wider = best.copy()
        np.maximum(best[:, :-step], best[:, step:], out=wider[:, :-step])
        best, reach = wider, reach + step
    total = begin + best
    row, start = np.arange(len(begin)), total.argmax(axis=1)
    following = start[:, None] + np.arange(min(most, end.shape[1]))
    ends = end[row[:, None], np.minimum(following, end.shape[1] - 1)]
    return start, start + ends.argmax(axis=1), total[row, start]


def _bounds(layout: ContextLayouts, start: Array, last: Array) -> Array:
    """The code points of spans of tokens, from and to, and the begin of the next token (w, 3)."""
    first, final_token = layout.begin + start - layout.first, layout.begin + last - layout.first
    stop, until, following = layout.offsets[final_token, 1], layout.reach[:, 1].copy(), final_token + 1
    left = np.flatnonzero(following < layout.stop)
    while len(left):
        begins = layout.offsets[following[left], 0]
        after = begins >= stop[left]
        until[left[after]] = begins[after]
        following[left] += 1
        left = left[~after & (following[left] < layout.stop[left])]
    return np.stack((layout.offsets[first, 0], stop, until), axis=1)


def _decode(contents: Contents, content: Array, bounds: Array, reduced: Reduced, labels: Labels) -> Decoded:
    """The best span over all windows; ties go to the first window, start and stop.

    Where the head has a label for no answer, the result is empty if the summary token (the first, in most encoders),
    in the window where it scores lowest, because an answer in one window is an answer, scores more than the best span
    as begin and end (the rule for SQuAD 2.0 in BERT's run_squad.py, with its threshold of 0).
    """
    values = reduced.values
    best, finite = best_of(values[:, _TOTAL], bounds), every(reduced.finite, bounds)
    some = values[best, _TOTAL] > 2 * _LOWEST
    if NO_ANSWER in labels:
        finite &= ~some | every(values[:, _EXACT] > 0, bounds)
        some &= np.minimum.reduceat(values[:, _SUMMARY], bounds[:-1]) <= values[best, _TOTAL]
    answered = np.flatnonzero(some & finite)
    chosen = values[best[answered]]
    contexts = [contents.values[_CONTEXT][number] or "" for number in content[answered].tolist()]
    start, stop = _trimmed(contexts, chosen[:, _START], chosen[:, _STOP], chosen[:, _UNTIL])
    kept = start < stop
    counts = np.zeros(len(content), np.int64)
    counts[answered[kept]] = 1
    return Decoded(Ranges(start[kept], stop[kept], bounds_of(counts)), finite)


def _trimmed(contexts: Sequence[str], start: Array, stop: Array, until: Array) -> tuple[Array, Array]:
    """Spans without surrounding spaces, and with parts of their last characters that no token covers."""
    stop = stop + _left_out(contexts, start, stop, until)
    inside = [context[a:b] for context, a, b in zip(contexts, start.tolist(), stop.tolist(), strict=True)]
    before = np.array([len(text) - len(text.lstrip()) for text in inside], np.int64)
    start = start + before
    return start, start + np.array([len(text.strip()) for text in inside], np.int64)


def _left_out(contexts: Sequence[str], start: Array, stop: Array, until: Array) -> Array:
    """How many code points after `stop` belong to the user-perceived character before it, joiners at its end not."""
    rows = zip(contexts, start.tolist(), np.minimum(until, stop + _LEFT_OUT).tolist(), strict=True)
    texts = [context[first:last] for context, first, last in rows]
    sizes = bounds_of(np.array([len(text) + 1 for text in texts], np.int64))
    joined = "".join(text + SEPARATOR for text in texts)
    starts = clusters(string_properties(joined)).starts
    asked = np.minimum(sizes[:-1] + stop - start, sizes[1:] - 1)
    # A token of no characters ends with the character after it.
    wanted = asked + ((start == stop) & (asked < sizes[1:] - 1))
    ends = starts[np.searchsorted(starts, wanted)] if len(texts) else asked
    more = np.zeros(len(texts), np.int64)
    for row in np.flatnonzero(ends > asked).tolist():
        more[row] = _joined(joined, int(asked[row]), int(ends[row]))
    return more


def _joined(text: str, stop: int, end: int) -> int:
    """How far a character reaches beyond `stop`, without joiners at its end; 0 where a space is there."""
    if text[stop].isspace():
        return 0
    while end > stop and unicodedata.category(text[end - 1]) == "Cf":
        end -= 1
    return end - stop


span_qa = Reading(_encode, _reduce, _decode, _lost, offsets=True, joins=True, layouts=False)

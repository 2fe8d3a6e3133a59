"""Tagging: words are tokenised one by one, and the best score at a word's token is its tag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from robust_xtreme.core.columns import Array, Names, bounds_of, gathered
from robust_xtreme.core.edits import covered, ranges_of
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Tags
from robust_xtreme.models.reading.reading import Contents, Decoded, Labels, Reading, Reduced, every, quantised
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer, Tokens
from robust_xtreme.models.reading.windows import Windows, around, layout_of


@final
@dataclass(frozen=True, slots=True, eq=False)
class WordLayouts:
    """The words of w windows: the number of the first one in its sentence, `begin` (w,), and the tokens that they are
    read off, `firsts` (n,), divided by `bounds` (w + 1,)."""

    begin: Array
    firsts: Array
    bounds: Array

    def take(self, rows: Array) -> WordLayouts:
        """The words of windows by row (k,)."""
        positions, bounds = gathered(self.bounds, rows)
        return WordLayouts(self.begin[rows], self.firsts[positions], bounds)

    @property
    def inside(self) -> Array:
        """Which positions (w, most words) are words and not padding."""
        lengths = np.diff(self.bounds)
        return np.asarray(np.arange(max(1, lengths.max(initial=0)))[None, :] < lengths[:, None])


def _encode(
    contents: Contents, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int, stride: int, candidate_length: int = 0
) -> Windows:
    """Each word is tokenised by itself; windows follow each other without overlap, so that every word is read once.

    A word without a token becomes the unknown token; a word longer than a window keeps its first tokens.
    """
    frame, blank = tokenizer.frame, tokenizer.blank
    if blank is None:
        raise ModelError("This model's tokenizer has no token for a word that it cannot read.")
    (name,) = contents.values
    room, spans = frame.room(1, max_length), contents.spans[name]
    words = lexicon.numbers(covered([value or "" for value in contents.values[name]], spans))
    lengths = np.clip(lexicon.tokens.lengths[words], 1, room)
    of_text = np.searchsorted(spans.text, np.arange(len(contents) + 1))
    examples, begin, stop = _runs(lengths, of_text, room)
    read, before, counts = _read(lexicon.tokens, words, lengths, blank), bounds_of(lengths), stop - begin
    # The position in its window of each word's token, first or, in causal encoders, last.
    first = before[:-1] - np.repeat(before[begin], counts) + len(frame.single[0])
    firsts = first + lengths - 1 if frame.causal else first
    ids, edges = around(frame.single, read, [(before[begin], before[stop] - before[begin])])
    none, layout = np.zeros(len(examples), np.int64), WordLayouts(begin - of_text[examples], firsts, bounds_of(counts))
    return Windows(ids, edges, examples, none > 0, none, none, layout)


def _read(tokens: Tokens, words: Array, lengths: Array, blank: int) -> Tokens:
    """The tokens that are kept of words by number (n,), one word after the other."""
    starts = np.where(tokens.lengths[words] > 0, tokens.bounds[words], len(tokens.ids))
    return Tokens(ranges_of(np.append(tokens.ids, np.int32(blank)), starts, lengths), bounds_of(lengths))


def _runs(lengths: Array, of_text: Array, room: int) -> tuple[Array, Array, Array]:
    """Windows: their sentence, and their words from begin to stop; a sentence without words is one empty window."""
    before = bounds_of(lengths)
    long = np.flatnonzero(before[of_text[1:]] - before[of_text[:-1]] > room).tolist()
    cuts = [
        (sentence, int(of_text[sentence]) + cut)
        for sentence in long
        for cut in _cuts(lengths[of_text[sentence] : of_text[sentence + 1]].tolist(), room)
    ]
    sentences = np.arange(len(of_text) - 1)
    examples = np.concatenate((sentences, np.array([sentence for sentence, _ in cuts], np.int64)))
    begin = np.concatenate((of_text[:-1], np.array([cut for _, cut in cuts], np.int64)))
    order = np.lexsort((begin, examples))
    examples, begin = examples[order], begin[order]
    following = np.append(begin[1:], of_text[-1])
    same = np.append(examples[1:] == examples[:-1], False)
    return examples, begin, np.where(same, following, of_text[examples + 1])


def _cuts(lengths: Sequence[int], room: int) -> Iterator[int]:
    """The words at which a sentence is cut so that each run of words fits into a window."""
    used = 0
    for index, length in enumerate(lengths):
        if used + length > room:
            yield index
            used = 0
        used += length


def _reduce(windows: Windows, scores: Array, labels: Labels) -> Reduced:
    """The best label of each word."""
    layout = layout_of(windows, WordLayouts)
    inside = layout.inside
    whole, exact = quantised(scores[:, : inside.shape[1]][inside])
    fine = every(np.all(exact, axis=1), layout.bounds)
    return Reduced(whole.argmax(axis=1).astype(np.int32), np.diff(layout.bounds), fine)


def _decode(contents: Contents, content: Array, bounds: Array, reduced: Reduced, labels: Labels) -> Decoded:
    words = bounds_of(reduced.counts)[bounds]
    return Decoded(Names(Tags, labels, reduced.values, words), every(reduced.finite, bounds))


tagging = Reading(_encode, _reduce, _decode, joins=True)

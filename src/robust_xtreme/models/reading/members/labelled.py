"""Labels of texts, windows whose best score is the label, and of words, by the best score at a token of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from robust_xtreme.core.columns import Array, Choices, Names, bounds_of, gathered
from robust_xtreme.core.edits import covered, ranges_of
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Tags
from robust_xtreme.models.reading.reading import (
    QUANTUM,
    Contents,
    Decoded,
    Labels,
    Reading,
    Reduced,
    best_of,
    chances,
    every,
    quantised,
)
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer, Tokens
from robust_xtreme.models.reading.windows import Windows, around, framed, layout_of, merged

# Labels: one text or a pair of texts is one window, whose best score is the label; a choice has a window for each.

_PREMISE: Final = "premise"
_CHOICE: Final = "choice"


def asked_of(contents: Contents) -> Sequence[str | None]:
    """Premise and question as one text, a space between them, as run_xcopa.py of google-research/xtreme joins them."""
    fields = [contents.values[name] for name in (_PREMISE, "question") if name in contents.values]
    return [" ".join(part for part in parts if part is not None) for parts in zip(*fields, strict=True)]


def choices_of(contents: Contents) -> list[str]:
    """The fields of the choices: choice1, choice2, ... Raises ModelError where a content does not have them so."""
    there = {name: np.array([value is not None for value in values]) for name, values in contents.values.items()}
    named = [name for name in there if name.startswith(_CHOICE)]
    names = [f"{_CHOICE}{number}" for number in range(1, len(named) + 1)]
    absent = np.zeros(len(contents), np.bool_)
    count = sum((there[name].astype(np.int64) for name in named), np.zeros(len(contents), np.int64))
    wrong = ~there.get(_PREMISE, absent) | (count < 2)
    for number, name in enumerate(names):
        wrong |= (count > number) & ~there.get(name, absent)
    if wrong.any():
        worst = int(wrong.argmax())
        have = ", ".join(name for name, flags in there.items() if flags[worst])
        needs = "a choice needs premise, choice1, choice2 and so on"
        raise ModelError(f"{contents.ids[worst]} has the fields {have}; {needs}.")
    return names


def _choice_encode(
    contents: Contents, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int, stride: int, candidate_length: int = 0
) -> Windows:
    """One window per choice: premise and question, if any, and the choice, cut as pairs of sentences are."""
    texts = lexicon.columns([asked_of(contents), *(contents.values[name] for name in choices_of(contents))])
    asked, choices = texts[0], texts[1:].T
    examples, numbers = np.nonzero(choices >= 0)
    return framed(tokenizer.frame, lexicon.tokens, (asked[examples], choices[examples, numbers]), max_length, examples)


def _choice_reduce(windows: Windows, scores: Array, labels: Labels) -> Reduced:
    """How well the choice of each window fits."""
    whole, exact = quantised(scores[:, 0])
    return Reduced(whole, np.ones(len(whole), np.int64), exact)


def _choice_decode(contents: Contents, content: Array, bounds: Array, reduced: Reduced, labels: Labels) -> Decoded:
    best = best_of(reduced.values, bounds)
    return Decoded(Choices(best - bounds[:-1]), every(reduced.finite, bounds), chances(reduced.values, bounds)[best])


choice = Reading(_choice_encode, _choice_reduce, _choice_decode, joins=True)


_MOST_FIELDS: Final = 2


def _encode(
    contents: Contents, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int, stride: int, candidate_length: int = 0
) -> Windows:
    """One window per content. Of a pair that is too long, the longer text loses its end first; `stride` is not used."""
    numbers = lexicon.columns(contents.values.values())
    there = numbers >= 0
    count = there.sum(axis=0)
    for worst in np.flatnonzero(count > _MOST_FIELDS)[:1].tolist():
        raise ModelError(f"{contents.ids[worst]} has {count[worst]} fields; a classifier reads one text or two.")
    columns = np.arange(len(contents))
    texts = numbers[there.argmax(axis=0), columns], numbers[len(numbers) - 1 - there[::-1].argmax(axis=0), columns]
    several = []
    for fields in range(1, _MOST_FIELDS + 1):
        examples = np.flatnonzero(count == fields)
        if len(examples):
            chosen = [each[examples] for each in texts[:fields]]
            several.append(framed(tokenizer.frame, lexicon.tokens, chosen, max_length, examples))
    return merged(several)


def _reduce(windows: Windows, scores: Array, labels: Labels) -> Reduced:
    """The best label of each window, and its probability."""
    whole, exact = quantised(scores)
    likely = chances(whole.ravel(), np.arange(len(whole) + 1) * whole.shape[1]).reshape(whole.shape)
    best = np.stack((whole.argmax(axis=1), likely.max(axis=1, initial=0.0)), axis=1)
    return Reduced(best, np.ones(len(whole), np.int64), np.all(exact, axis=1))


def _decode(contents: Contents, content: Array, bounds: Array, reduced: Reduced, labels: Labels) -> Decoded:
    best = reduced.values[bounds[:-1]]
    return Decoded(Choices(best[:, 0].astype(np.int64)), reduced.finite[bounds[:-1]], best[:, 1])


classification = Reading(_encode, _reduce, _decode, joins=True)


def _reduce_multi_label(windows: Windows, scores: Array, labels: Labels) -> Reduced:
    """The best label of each window, and its probability: each label has its own, the sigmoid of its score."""
    best = _reduce(windows, scores, labels)
    highest = quantised(scores)[0].max(axis=1) * QUANTUM
    best.values[:, 1] = np.exp(-np.logaddexp(0, -highest))
    return best


# For a head that was trained to give a text several labels.
multi_label = replace(classification, reduce=_reduce_multi_label)


# Tagging: words are tokenised one by one, and the best score at a word's token is its tag.


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


def _words_encode(
    contents: Contents, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int, stride: int, candidate_length: int = 0
) -> Windows:
    """Each word by itself, in windows without overlap; one without tokens is unknown, a long one keeps its first."""
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


def _words_reduce(windows: Windows, scores: Array, labels: Labels) -> Reduced:
    """The best label of each word."""
    layout = layout_of(windows, WordLayouts)
    inside = layout.inside
    whole, exact = quantised(scores[:, : inside.shape[1]][inside])
    fine = every(np.all(exact, axis=1), layout.bounds)
    return Reduced(whole.argmax(axis=1).astype(np.int32), np.diff(layout.bounds), fine)


def _words_decode(contents: Contents, content: Array, bounds: Array, reduced: Reduced, labels: Labels) -> Decoded:
    words = bounds_of(reduced.counts)[bounds]
    return Decoded(Names(Tags, labels, reduced.values, words), every(reduced.finite, bounds))


tagging = Reading(_words_encode, _words_reduce, _words_decode, joins=True)

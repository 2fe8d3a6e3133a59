"""Labels: one text or a pair of texts is one window, whose best score is the label; a choice has a window for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from robust_xtreme.core.columns import Array, Choices
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.reading.reading import (
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
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer
from robust_xtreme.models.reading.windows import Windows, framed, merged

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

"""Classification: one text or a pair of texts is one window, whose best score is the label."""

from __future__ import annotations

from typing import Final

import numpy as np

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.target_columns import Choices
from robust_xtreme.models.reading.contents import Contents
from robust_xtreme.models.reading.reading import Reading
from robust_xtreme.models.reading.scores import Array, Decoded, Labels, Reduced, quantised
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer
from robust_xtreme.models.reading.windows import Windows, framed, merged

_MOST_FIELDS: Final = 2


def _encode(
    contents: Contents, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int, stride: int, candidate_length: int = 0
) -> Windows:
    """One window per content. Of a pair that is too long, the longer text loses its end first; `stride` is not used."""
    numbers = lexicon.columns(contents.values.values())
    there = numbers >= 0
    count = there.sum(axis=0)
    if (count > _MOST_FIELDS).any():
        worst = int(np.argmax(count > _MOST_FIELDS))
        what = f"{contents.ids[worst]} has {count[worst]} fields; a classifier reads one text or two."
        raise ModelError(what)
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
    """The best label of each window."""
    whole, exact = quantised(scores)
    return Reduced(whole.argmax(axis=1), np.ones(len(whole), np.int64), np.all(exact, axis=1))


def _decode(contents: Contents, content: Array, bounds: Array, reduced: Reduced, labels: Labels) -> Decoded:
    return Decoded(Choices(reduced.values[bounds[:-1]]), reduced.finite[bounds[:-1]])


classification = Reading(_encode, _reduce, _decode, joins=True)

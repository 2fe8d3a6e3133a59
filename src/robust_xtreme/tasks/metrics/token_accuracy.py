"""Accuracy of tags, word by word."""

from __future__ import annotations

import numpy as np

from robust_xtreme.core.columns import owners
from robust_xtreme.core.metric import Array, Metric, Responses, Sums, by_scope, each, share
from robust_xtreme.tasks.metrics._names import codes
from robust_xtreme.tasks.metrics._words import changed_words, tag_pairs


def _sums(responses: Responses) -> Sums:
    gold, predicted = tag_pairs(responses)
    right, changed = codes(responses.clean, gold) == codes(responses.clean, predicted), changed_words(responses)
    sentence = owners(gold.bounds)

    def counted(words: Array) -> Array:
        """The right words and all words of each sentence (n, 2), of those that are true in `words` (t,)."""
        parts = (np.bincount(sentence[mask], minlength=len(responses)) for mask in (words & right, words))
        return np.stack(tuple(parts), axis=1)

    everywhere, noised, kept = counted(np.ones_like(changed)), counted(changed), counted(~changed)
    every = np.ones(len(responses), np.bool_)
    return by_scope((every, everywhere), (noised[:, 1] > 0, noised), (kept[:, 1] > 0, kept))


token_accuracy = Metric(
    name="token_accuracy",
    summary="Share of words whose tag is right.",
    columns=("correct", "words"),
    stats=each(_sums),
    reduce=share,
    cite="the usual accuracy of part-of-speech tagging; XTREME prints chunk F1 instead",
    sums=_sums,
)

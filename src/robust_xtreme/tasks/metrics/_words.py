"""Shared parts of the tagging metrics: gold and predicted tags of the same words, and which words noise changed."""

from __future__ import annotations

import numpy as np

from robust_xtreme.core.columns import ExampleColumns, Names, once
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Tags
from robust_xtreme.core.metric import Array, Responses, targets

_FIELD = "tokens"


def tag_pairs(responses: Responses) -> tuple[Names, Names]:
    """The gold and the predicted tags, one each per word. Raises Mismatch where their numbers differ."""
    gold, predicted = targets(responses, Tags, Names)
    words, tags = np.diff(gold.bounds), np.diff(predicted.bounds)
    for item in np.flatnonzero(words != tags).tolist():
        what = f"{tags[item]} tags were predicted for {words[item]} words."
        raise Mismatch(f"{responses.clean.examples[item].id}: {what}")
    return gold, predicted


def changed_words(responses: Responses) -> Array:
    """Whether the text of each word (t,) differs between the clean and the perturbed example."""
    tags, _ = targets(responses, Tags, Names)
    return once(responses.perturbed, _changed, responses.clean, tags)


def _changed(perturbed: ExampleColumns, clean: ExampleColumns, tags: Names) -> Array:
    if perturbed is clean:
        return np.zeros(len(tags.codes), np.bool_)
    spans, noisy = clean.spans(_FIELD), perturbed.spans(_FIELD)
    before = clean.parts(_FIELD, spans.text, spans.start, spans.stop)
    return before.differ(perturbed.parts(_FIELD, noisy.text, noisy.start, noisy.stop))

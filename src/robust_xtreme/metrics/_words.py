"""Shared parts of the tagging metrics: gold and predicted tags of the same words, and which words noise changed."""

from __future__ import annotations

from robust_xtreme.errors import Mismatch
from robust_xtreme.examples import Scored, Tags
from robust_xtreme.metric import targets


def tag_pairs(scored: Scored) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The gold and the predicted tags, one each per word. Raises Mismatch where their numbers differ."""
    gold, predicted = targets(scored, Tags)
    if len(gold.names) != len(predicted.names):
        raise Mismatch(f"{scored.clean.id}: {len(predicted.names)} tags were predicted for {len(gold.names)} words.")
    return gold.names, predicted.names


def changed_words(scored: Scored) -> tuple[bool, ...]:
    """For each word, whether its text differs between the clean and the perturbed example."""
    clean, noisy = scored.clean.texts["tokens"], scored.perturbed.texts["tokens"]
    if clean.value == noisy.value:
        return (False,) * len(clean.spans)
    return tuple(clean.at(span) != noisy.at(other) for span, other in zip(clean.spans, noisy.spans, strict=True))

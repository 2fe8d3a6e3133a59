"""What the tagging metrics share: gold and predicted tags of the same words, and which words noise changed."""

from __future__ import annotations

from robust_xtreme.errors import Mismatch
from robust_xtreme.examples import Judged, Tags
from robust_xtreme.metrics._metric import targets


def tag_pairs(judged: Judged) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The gold and the predicted tags, one each per word. Raises Mismatch where their numbers differ."""
    gold, said = targets(judged, Tags)
    if len(gold.names) != len(said.names):
        raise Mismatch(f"{judged.clean.id}: {len(said.names)} tags were predicted for {len(gold.names)} words.")
    return gold.names, said.names


def changed_words(judged: Judged) -> tuple[bool, ...]:
    """For each word, whether its text differs between the clean and the perturbed example."""
    clean, noisy = judged.clean.texts["tokens"], judged.perturbed.texts["tokens"]
    if clean.value == noisy.value:
        return (False,) * len(clean.spans)
    return tuple(clean.at(one) != noisy.at(other) for one, other in zip(clean.spans, noisy.spans, strict=True))

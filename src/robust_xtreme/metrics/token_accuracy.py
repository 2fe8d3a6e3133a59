"""Accuracy of tags, word by word."""

from __future__ import annotations

from collections.abc import Mapping

from robust_xtreme.examples import Scored
from robust_xtreme.metric import ALL, NOISED_GOLD, UNTOUCHED, Metric, share
from robust_xtreme.metrics._words import changed_words, tag_pairs


def _stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    gold, predicted = tag_pairs(scored)
    right = [tag == other for tag, other in zip(gold, predicted, strict=True)]
    changed = changed_words(scored)
    noised = [hit for hit, touched in zip(right, changed, strict=True) if touched]
    kept = [hit for hit, touched in zip(right, changed, strict=True) if not touched]
    scopes = {ALL: right, NOISED_GOLD: noised, UNTOUCHED: kept}
    return {scope: (float(sum(hits)), float(len(hits))) for scope, hits in scopes.items() if hits or scope == ALL}


token_accuracy = Metric(
    name="token_accuracy",
    summary="Share of words whose tag is right.",
    columns=("correct", "n"),
    stats=_stats,
    reduce=share,
    cite="the usual accuracy of part-of-speech tagging; XTREME prints chunk F1 instead",
)

"""Count predicted translation pairs against the gold pairs of each query sentence."""

from __future__ import annotations

from robust_xtreme.examples import Document


def counts(gold: Document, predicted: Document) -> tuple[float, float, float]:
    """True positives, false positives and false negatives of one query's pairs; a repeated pair counts once."""
    right, predicted_ids = set(gold.ids), set(predicted.ids)
    return float(len(right & predicted_ids)), float(len(predicted_ids - right)), float(len(right - predicted_ids))

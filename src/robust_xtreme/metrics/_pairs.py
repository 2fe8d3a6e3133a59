"""Pairs of sentences said to be translations, counted against the gold pairs of each query sentence."""

from __future__ import annotations

from robust_xtreme.examples import Document


def counts(gold: Document, said: Document) -> tuple[float, float, float]:
    """True positives, false positives and false negatives of one query's pairs; a pair said twice is one."""
    right, found = set(gold.ids), set(said.ids)
    return float(len(right & found)), float(len(found - right)), float(len(right - found))

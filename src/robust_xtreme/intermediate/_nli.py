"""Adapt pairs of natural language inference to learn from; equal premises are one text and one cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from robust_xtreme.adapters.nli import nli
from robust_xtreme.examples import Example, digest
from robust_xtreme.specs import Origin, Row

LABELS: Final = ("entailment", "neutral", "contradiction")
"""The labels of every task of this kind, in XNLI's order, so that one head can serve all of them."""

FIELDS: Final = ("premise", "hypothesis")
LENGTH: Final = 128


def by_premise(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """Examples with the fields `premise` and `hypothesis`; the cluster is the row's own, or its premise."""
    clustered = (replace(row, cluster=row.cluster or f"premise/{digest(row.values['first'])}") for row in rows)
    return nli(LABELS)(tuple(clustered), origin)

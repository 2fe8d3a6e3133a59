"""Tasks whose target is a choice: one of the labels, or one of the texts of an example."""

from __future__ import annotations

from typing import Final

from robust_xtreme.targets.kind import Kind

CLASSIFICATION: Final = Kind(
    name="classification",
    answer=lambda labels: f"one of {len(labels)} labels",
    indexed=True,
    whole=True,
    translates=True,
    learned_from=100_000,
)
CHOICE: Final = Kind(
    name="choice",
    answer=lambda _: "one of the texts given",
    classes=False,
    width=1,
    whole=True,
    translates=True,
    learned_from=100_000,
)

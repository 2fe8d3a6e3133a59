"""Tasks whose target is a tag per word."""

from __future__ import annotations

from typing import Final

from robust_xtreme.targets.kind import Kind

TAGGING: Final = Kind(
    name="tagging",
    answer=lambda labels: f"a tag per word, of {len(labels)}",
    unit="sentence",
    words=True,
    spans=True,
    blank=True,
    learned_from=5000,
)

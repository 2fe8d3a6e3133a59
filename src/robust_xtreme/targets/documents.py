"""Tasks whose target is a document of a pool."""

from __future__ import annotations

from typing import Final

from robust_xtreme.targets.kind import Kind

RETRIEVAL: Final = Kind(
    name="retrieval",
    answer=lambda _: "a document",
    unit="query text",
    classes=False,
    whole=True,
    searched=True,
    blank=True,
)

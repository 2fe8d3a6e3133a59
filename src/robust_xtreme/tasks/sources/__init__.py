"""Data from release files, a suite or the hub, read into examples with stable ids, fingerprints and clusters."""

from __future__ import annotations

from robust_xtreme.tasks.sources.loading import Split, available, has_language, languages_of, load, resolve
from robust_xtreme.tasks.sources.rows import data_identity, limit
from robust_xtreme.tasks.sources.source import Pools, Source, open_source, with_labels

__all__ = [
    "Pools",
    "Source",
    "Split",
    "available",
    "data_identity",
    "has_language",
    "languages_of",
    "limit",
    "load",
    "open_source",
    "resolve",
    "with_labels",
]

"""Data from release files, a suite or the hub, read into examples with stable ids, fingerprints and clusters."""

from __future__ import annotations

from robust_xtreme.sources._load import Split, available, languages_of, load, resolve
from robust_xtreme.sources._select import data_identity, limit
from robust_xtreme.sources._source import Source, open_source

__all__ = ["Source", "Split", "available", "data_identity", "languages_of", "limit", "load", "open_source", "resolve"]

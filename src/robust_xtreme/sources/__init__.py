"""Original release files under a data folder, read into examples with stable ids, fingerprints and clusters."""

from __future__ import annotations

from robust_xtreme.sources._load import Split, available, load, resolve
from robust_xtreme.sources._select import data_identity, limit

__all__ = ["Split", "available", "data_identity", "limit", "load", "resolve"]

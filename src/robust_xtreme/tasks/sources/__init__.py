"""Data from release files, a suite or the hub, read into examples with stable ids, fingerprints and clusters."""

from __future__ import annotations

from robust_xtreme.tasks.sources.loading import Split as Split
from robust_xtreme.tasks.sources.loading import available as available
from robust_xtreme.tasks.sources.loading import has_language as has_language
from robust_xtreme.tasks.sources.loading import languages_of as languages_of
from robust_xtreme.tasks.sources.loading import load as load
from robust_xtreme.tasks.sources.loading import resolve as resolve
from robust_xtreme.tasks.sources.rows import data_identity as data_identity
from robust_xtreme.tasks.sources.rows import limit as limit
from robust_xtreme.tasks.sources.source import Pools as Pools
from robust_xtreme.tasks.sources.source import Source as Source
from robust_xtreme.tasks.sources.source import open_source as open_source
from robust_xtreme.tasks.sources.source import with_labels as with_labels

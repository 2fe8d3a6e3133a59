"""Checks a key error within a cluster of several code points."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

from robust_xtreme import graphemes, packs
from robust_xtreme.languages import belongs
from robust_xtreme.noise.engine.distance import distance
from robust_xtreme.noise.engine.key_error_table import graphemes_of


def outcome(old: bytes, position: int, form: bytes, language: str) -> int:
    """How many clusters change when a form replaces the code point at a position of a cluster; 0 if that is unsound.

    A sound result keeps the normal forms that the cluster was in, joins with its neighbours only if the cluster did,
    and belongs to the language if the cluster did. `old` and `form` are UTF-32.
    """
    clean = old.decode("utf-32-le", "surrogatepass")
    noisy = clean[:position] + form.decode("utf-32-le") + clean[position + 1 :]
    if any(unicodedata.is_normalized(kind, clean) > unicodedata.is_normalized(kind, noisy) for kind in _NORMAL_FORMS):
        return 0
    if not noisy or graphemes.open_ends(noisy) > graphemes.open_ends(clean):
        return 0
    new = graphemes_of(noisy)
    if belongs(language, clean) and not all(belongs(language, cluster) for cluster in new):
        return 0
    return distance(graphemes_of(clean), new)


_NORMAL_FORMS: Final[tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...]] = ("NFC", "NFD", "NFKC", "NFKD")


_REMEMBERED: Final = 1 << 18


def remembered() -> dict[int, int]:
    """The results of `outcome` by a hash of cluster, position, form and language; emptied when too many."""
    known = _outcomes()
    if len(known) > _REMEMBERED:
        known.clear()
    return known


@packs.cached
def _outcomes() -> dict[int, int]:
    return {}

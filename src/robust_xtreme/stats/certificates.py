"""Certificates: how many edits of a text cannot change a smoothed answer, and the levels that are certified."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.metric import Array
from robust_xtreme.files.schema import CERTIFIED
from robust_xtreme.stats.score import estimate_share, share_of

_TIE: Final = 1e-12
"""How far above one half a probability must stay, so that rounding certifies nothing."""


def radius_of(bound: Any, deletion: float) -> Array:
    """The edits (n,) int64 of a text that leave an answer of a probability of at least `bound` (n,); -1: it abstains.

    The probability is over deletions of each unit with the probability `deletion`, from 0 to 1 without both. It is the
    greatest r with bound - 1 + deletion^r > 1/2 (docs/method.md; CERT-ED, arXiv 2408.00728).
    """
    powers = deletion ** np.arange(int(np.log(0.5) / np.log(deletion)) + 2)
    kept = np.asarray(bound)[..., None] - 1 + powers > 0.5 + _TIE
    return np.asarray(kept.sum(-1) - 1)


def certificates_of(items: pl.DataFrame, radii: Sequence[int]) -> pl.DataFrame:
    """The levels in points of each task and language at some radii (edits), from rows of CERTIFIED.

    `constant` is the share of the most frequent gold answer, `clean` and `smoothed` those of right answers, `certified`
    that of right smoothed ones with such a radius, `low` and `high` its interval over items, null below 20 clusters.
    """
    parts = items.partition_by(CERTIFIED.key[:-2], maintain_order=True)
    return pl.DataFrame([row for part in parts for row in _kept(part, radii)], infer_schema_length=None)


def _kept(items: pl.DataFrame, radii: Sequence[int]) -> Iterator[dict[str, Any]]:
    right, clean = (items[name].eq_missing(items["gold"]) for name in ("smoothed", "answer"))
    constant = items["gold"] == items["gold"].mode().sort()[0]
    levels = {"constant": constant, "clean": clean, "smoothed": right}
    for radius in radii:
        estimate = estimate_share(right & (items["radius"] >= radius).fill_null(value=False), items["cluster"])
        yield {
            **{name: items[name][0] for name in CERTIFIED.key[:-2]},
            "radius": radius,
            "items": items.height,
            "clusters": estimate.clusters,
            **{name: 100.0 * share_of(flags) for name, flags in levels.items()},
            "certified": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "abstained": share_of(items["radius"].is_null()),
        }

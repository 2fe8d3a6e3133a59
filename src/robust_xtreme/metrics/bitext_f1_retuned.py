"""F1 of mined translation pairs, with a threshold tuned again for each condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from robust_xtreme.examples import Scored
from robust_xtreme.metrics.bitext_f1 import bitext_f1, stats


def _stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    """The counts of the prediction with the threshold tuned again, where there is one, else of the prediction."""
    return stats(scored if scored.retuned is None else replace(scored, prediction=scored.retuned))


bitext_f1_retuned = replace(
    bitext_f1,
    name="bitext_f1_retuned",
    summary="F1 of the translation pairs found, with the threshold tuned again for each condition.",
    stats=_stats,
)

"""F1 of mined translation pairs, with a threshold tuned again for each condition."""

from __future__ import annotations

from dataclasses import replace

from robust_xtreme.core.metric import Responses, Sums, each
from robust_xtreme.tasks.metrics.bitext_f1 import bitext_f1, pairs_counted


def _sums(responses: Responses) -> Sums:
    """The counts of the predictions with the threshold tuned again, where there is one, else of the predictions."""
    return pairs_counted(responses, responses.retuned)


bitext_f1_retuned = replace(
    bitext_f1,
    name="bitext_f1_retuned",
    summary="F1 of the translation pairs found, with the threshold tuned again for each condition.",
    stats=each(_sums),
    sums=_sums,
)

"""The scales on which arms are compared: points, points corrected for chance, and the logit of the corrected share.

A difference in points that shrinks under noise can be a constant difference in odds, or of the part above chance. So
that "shrinks" is claimed, two scales have to agree.
"""

from __future__ import annotations

import math

from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.stats.intervals import TOP

POINTS, CORRECTED, LOGIT = SCALES = ("points", "corrected", "logit")


def on_scale(value: float, chance: float, n: int, scale: str) -> float:
    """A value of `n` items and its chance, both in points, on a scale.

    Raises UnknownName for another scale, UserError where chance is 100.
    """
    match scale:
        case "points":
            return value
        case "corrected":
            return corrected(value, chance)
        case "logit":
            return logit(value, chance, n)
    raise UnknownName("scale", scale, SCALES, "robust-xtreme study --help")


def corrected(value: float, chance: float) -> float:
    """A value corrected for chance, in points: 0 at chance, 100 at the top; below 0 where it is below chance."""
    if not chance < TOP:
        raise UserError(
            f"Chance is {chance:g} of {TOP:g} points: nothing is above it, so no value is corrected for it."
        )
    return TOP * (value - chance) / (TOP - chance)


def logit(value: float, chance: float, n: int) -> float:
    """The logit of the chance-corrected share x of `n` items: log odds of (n x + 0.5) / (n + 1).

    The shift by half an item keeps the logits of 0 and 1 finite. What is below chance has the share 0.
    """
    share = min(max(corrected(value, chance) / TOP, 0.0), 1.0)
    kept = (n * share + 0.5) / (n + 1)
    return math.log(kept / (1 - kept))

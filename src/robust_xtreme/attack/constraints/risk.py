"""Numbers and negators stay as they are, as `noise/label_risk.py` counts them; not with `@risk=allow`.

An edit of one can change the right answer, so that the model's new answer need not be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robust_xtreme.attack.constraint import Constraint
from robust_xtreme.core.edits import Array
from robust_xtreme.core.examples import Text
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.options import EditOptions
from robust_xtreme.noise.label_risk import edited, endangering, risky


def _options(texts: Sequence[Text], options: EditOptions, settings: Settings) -> Array:
    if settings.allows_risk:
        return np.ones(len(options), np.bool_)
    free: Array = ~endangering(texts, options, risky(texts))
    return free


def _noised(noised: NoisedTexts, settings: Settings) -> Array:
    if settings.allows_risk:
        return np.ones(len(noised), np.bool_)
    numbers, negators = edited(noised, risky(noised.clean))
    free: Array = numbers + negators == 0
    return free


risk = Constraint(
    "risk", "Numbers and negators stay as they are; not with @risk=allow.", options=_options, noised=_noised
)

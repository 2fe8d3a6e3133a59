"""A floor of similarity: with `@similar=0.5` no text is less like its clean text than that, to the model itself.

The vector of a text is the mean of the encoder's last states over its tokens. A similarity of 0 is the mean one of
two clean texts of the field and language, so that a floor means the same for every language and encoder. Where there is
no other text, or a vector is not numbers, no changed text is let through.
"""

from __future__ import annotations

import numpy as np

from robust_xtreme.attack.constraint import Constraint
from robust_xtreme.attack.similarity import Similarity
from robust_xtreme.core.edits import Array
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.noised import NoisedTexts


def _similar(noised: NoisedTexts, numbers: Array, settings: Settings, similarity: Similarity | None) -> Array:
    if not settings.similar:
        return np.ones(len(numbers), np.bool_)
    assert similarity is not None
    near: Array = similarity.of(noised, numbers) >= settings.similar
    return near


similarity = Constraint(
    "similarity",
    "With @similar=0.5 each text is, to the model, at least halfway from any other text to its clean text.",
    similar=_similar,
)

"""Substitutes words by those that a masked language model expects there: fluent text with another meaning.

The model is a folder (`@lm=DIR`) with safetensors; nothing is downloaded. Negators are never put in.
"""

from __future__ import annotations

from robust_xtreme.core.edits import Array, Edits
from robust_xtreme.noise.engine.masked_words import OPTION, substituted
from robust_xtreme.noise.engine.perturbation import Job, member
from robust_xtreme.noise.engine.words import needs_spaces
from robust_xtreme.noise.label_risk import pattern


def _edit(job: Job) -> tuple[Edits, Array]:
    """Substitute words that a masked language model expects there."""
    return substituted(job, pattern, "masked_words")


masked_words = member(
    _edit,
    kind="words",
    unit="word",
    strength="share of words substituted",
    operators=("substitute",),
    edit=_edit,
    name="masked_words",
    lacks=needs_spaces,
    free=(OPTION,),
)

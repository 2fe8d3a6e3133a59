"""Protected spans stay as they are: no edit overlaps one, whichever perturbation proposes it."""

from __future__ import annotations

from collections.abc import Sequence

from robust_xtreme.attack.constraint import Constraint
from robust_xtreme.core.edits import Array, span_table
from robust_xtreme.core.examples import Text
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.options import EditOptions


def _options(texts: Sequence[Text], options: EditOptions, _: Settings) -> Array:
    spans = span_table([text.spans for text in texts])
    free: Array = ~options.over(*(column[spans.frozen] for column in (spans.text, spans.start, spans.stop)))
    return free


protected = Constraint("protected", "No edit overlaps a protected span.", options=_options)

"""No text and no span loses all that is not white space: several edits could delete it together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robust_xtreme.attack.constraint import Constraint
from robust_xtreme.core import graphemes
from robust_xtreme.core.edits import Array, SpanTable, span_table
from robust_xtreme.core.target_columns import bounds_of
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.noised import NoisedTexts


def _noised(noised: NoisedTexts, _: Settings) -> Array:
    before = span_table([text.spans for text in noised.clean])
    texts, spans = _filled(noised.values, noised.spans)
    clean_texts, clean_spans = _filled([text.value for text in noised.clean], before)
    kept: Array = texts | ~clean_texts
    kept[noised.spans.text[clean_spans & ~spans]] = False
    return kept


def _filled(values: Sequence[str], spans: SpanTable) -> tuple[Array, Array]:
    """Whether there is more than white space in each text (t,), and in each span (s,)."""
    bounds = bounds_of(np.fromiter(map(len, values), np.int64, len(values)))
    points = np.frombuffer("".join(values).encode("utf-32-le", "surrogatepass"), np.uint32)
    filled = np.concatenate(([0], np.cumsum((graphemes.properties(points) & graphemes.SPACE) == 0)))
    base = bounds[spans.text]
    return filled[bounds[1:]] > filled[bounds[:-1]], filled[base + spans.stop] > filled[base + spans.start]


blank = Constraint("blank", "No text or span loses all that is not white space.", noised=_noised)

"""Constraints of options before a search, and of noised texts during one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from robust_xtreme.attack.constraint import Constraint, Similarity
from robust_xtreme.core import graphemes
from robust_xtreme.core.columns import bounds_of
from robust_xtreme.core.edits import Array, SpanTable, span_table
from robust_xtreme.core.examples import Text
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.options import EditOptions
from robust_xtreme.noise.label_risk import edited, endangering, risky

# No text and no span loses all that is not white space: several edits could delete it together.


def _blank_noised(noised: NoisedTexts, _: Settings) -> Array:
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


blank = Constraint("blank", "No text or span loses all that is not white space.", noised=_blank_noised)


# A floor of chrF: with `@chrf=60` no text is less like its clean text than that, in percent.
#
# chrF (Popović, WMT 2015: chrF: character n-gram F-score for automatic MT evaluation) is the F score, with recall twice
# as important as precision, of the n-grams of characters up to six, averaged over their lengths; white space is left
# out. It is computed as sacreBLEU 2 does by default: lengths that one of the texts does not reach do not count.

_LENGTHS: Final = range(1, 7)
_RECALL: Final = 2**2
_PERCENT: Final = 100.0

_Grams = list[Counter[str]]
"""The n-grams of a text, by length."""


def _chrf_noised(noised: NoisedTexts, settings: Settings) -> Array:
    if settings.chrf is None:
        return np.ones(len(noised), np.bool_)
    grams = {text.value: _grams(text.value) for text in noised.clean}
    pairs = zip(noised.values, noised.clean, strict=True)
    scores = [_PERCENT if value == text.value else score(_grams(value), grams[text.value]) for value, text in pairs]
    return np.array(scores) >= settings.chrf


def of(value: str, clean: str) -> float:
    """The chrF of a text against the clean one, in percent."""
    return score(_grams(value), _grams(clean))


def score(grams: _Grams, clean: _Grams) -> float:
    """The chrF of n-grams against those of the clean text, in percent."""
    pairs = [(new, old) for new, old in zip(grams, clean, strict=True) if new and old]
    if not pairs:
        return 0.0
    same = [(new & old).total() for new, old in pairs]
    precision = sum(each / new.total() for each, (new, _) in zip(same, pairs, strict=True)) / len(pairs)
    recall = sum(each / old.total() for each, (_, old) in zip(same, pairs, strict=True)) / len(pairs)
    both = _RECALL * precision + recall
    return _PERCENT * (1 + _RECALL) * precision * recall / both if both else 0.0


def _grams(value: str) -> _Grams:
    bare = "".join(value.split())
    return [Counter(bare[start : start + size] for start in range(len(bare) - size + 1)) for size in _LENGTHS]


chrf = Constraint(
    "chrf", "With @chrf=60 the chrF of each text against its clean text is at least 60.", noised=_chrf_noised
)


def _protected_options(texts: Sequence[Text], options: EditOptions, _: Settings) -> Array:
    spans = span_table([text.spans for text in texts])
    return np.asarray(~options.over(*(column[spans.frozen] for column in (spans.text, spans.start, spans.stop))))


protected = Constraint("protected", "No edit overlaps a protected span.", options=_protected_options)


# Numbers and negators stay as they are, as `noise/label_risk.py` counts them; not with `@risk=allow`.
#
# An edit of one can change the right answer, so that the model's new answer need not be wrong.


def _risk_options(texts: Sequence[Text], options: EditOptions, settings: Settings) -> Array:
    if settings.allows_risk:
        return np.ones(len(options), np.bool_)
    return np.asarray(~endangering(texts, options, risky(texts)))


def _risk_noised(noised: NoisedTexts, settings: Settings) -> Array:
    if settings.allows_risk:
        return np.ones(len(noised), np.bool_)
    numbers, negators = edited(noised, risky(noised.clean))
    return np.asarray(numbers + negators == 0)


risk = Constraint(
    "risk", "Numbers and negators stay as they are; not with @risk=allow.", options=_risk_options, noised=_risk_noised
)


# A floor of similarity: with `@similar=0.5` no text is less like its clean text than that, to the model itself.
#
# The vector of a text is the mean of the encoder's last states over its tokens. A similarity of 0 is the mean one of
# two clean texts of the field and language, so that a floor means the same for every language and encoder. Where there
# is no other text, or a vector is not numbers, no changed text is let through.


def _similar(noised: NoisedTexts, numbers: Array, settings: Settings, similarity: Similarity | None) -> Array:
    if not settings.similar:
        return np.ones(len(numbers), np.bool_)
    assert similarity is not None
    return np.asarray(similarity.of(noised, numbers) >= settings.similar)


similarity = Constraint(
    "similarity",
    "With @similar=0.5 each text is, to the model, at least halfway from any other text to its clean text.",
    similar=_similar,
)

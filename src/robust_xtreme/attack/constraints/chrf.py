"""A floor of chrF: with `@chrf=60` no text is less like its clean text than that, in percent.

chrF (Popović, WMT 2015: chrF: character n-gram F-score for automatic MT evaluation) is the F score, with recall twice
as important as precision, of the n-grams of characters up to six, averaged over their lengths; white space is left out.
It is computed as sacreBLEU 2 does by default: lengths that one of the texts does not reach do not count.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from robust_xtreme.attack.constraint import Constraint
from robust_xtreme.core.edits import Array
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.noised import NoisedTexts

_LENGTHS: Final = range(1, 7)
_RECALL: Final = 2**2
_PERCENT: Final = 100.0

_Grams = list[Counter[str]]
"""The n-grams of a text, by length."""


def _noised(noised: NoisedTexts, settings: Settings) -> Array:
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


chrf = Constraint("chrf", "With @chrf=60 the chrF of each text against its clean text is at least 60.", noised=_noised)

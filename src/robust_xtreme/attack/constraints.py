"""Constraints: which edits and which candidates an attack may use, whatever its search.

What a constraint leaves out is not asked, and does not count. The shares of units and of graphemes that may change are
limits of each problem (`engine.py`) instead, so that searches know them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from robust_xtreme.core import graphemes, registry
from robust_xtreme.core.columns import bounds_of
from robust_xtreme.core.edits import Array, SpanTable, span_table
from robust_xtreme.core.examples import Text
from robust_xtreme.core.randomness import salt, text_keys
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.noised import FieldTexts, NoisedTexts, PerturbedExamples
from robust_xtreme.noise.engine.options import EditOptions
from robust_xtreme.noise.label_risk import edited, endangering, risky

# How similar texts under attack are to their clean texts, by the sentence vectors of the model that is attacked.
#
# Cosines of multilingual encoders begin near 0.9 in some languages and lower in others, so that they are calibrated: 0
# is the mean cosine of two texts of the same field and language, each clean text with another one, and 1 the same
# vector.

Embed = Callable[[Sequence[str]], Array]
"""The vectors (n, D) of texts, of length 1; NaN where they are not numbers."""

_PLACES: Final = 5
"""Decimal places of cosines: batches change the later ones."""

_PAIRED: Final = salt("pairs of similarity")


@dataclass(frozen=True, slots=True, eq=False)
class Cosines:
    """Cosines of texts with their clean texts, which all attacks of a task run share; `clean` has the clean vectors."""

    embed: Embed
    clean: dict[str, Array] = field(default_factory=dict)
    known: dict[tuple[str, str], float] = field(default_factory=dict)

    def of(self, pairs: Sequence[tuple[str, str]]) -> Array:
        """The cosine of each text with its clean text (n,); 1 for the same text, NaN where a vector is not numbers."""
        new = [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1] and pair not in self.known]
        if new:
            values = list(dict.fromkeys(value for value, _ in new))
            rows = {value: row for row, value in enumerate(values)}
            vectors = self.embed(values)[[rows[value] for value, _ in new]]
            cosines = _cosines(vectors, self.vectors([clean for _, clean in new]))
            self.known.update(zip(new, cosines.tolist(), strict=True))
        return np.array([self.known.get(pair, 1.0) for pair in pairs])

    def of_others(self, values: Sequence[str]) -> float:
        """The mean cosine of clean texts, each with another one, which is drawn; NaN where there are no two texts."""
        distinct = list(dict.fromkeys(values))
        if not distinct[1:]:
            return float("nan")
        order = np.argsort(text_keys(_PAIRED, distinct), kind="stable").tolist()
        vectors = self.vectors([distinct[number] for number in order])
        cosines = _cosines(vectors, np.roll(vectors, 1, axis=0))
        finite = cosines[np.isfinite(cosines)]
        return round(float(finite.mean()), _PLACES) if len(finite) else float("nan")

    def vectors(self, values: Sequence[str]) -> Array:
        """The vectors (n, D) of clean texts, each computed once."""
        new = [value for value in dict.fromkeys(values) if value not in self.clean]
        if new:
            self.clean.update(zip(new, self.embed(new), strict=True))
        return np.stack([self.clean[value] for value in values])


def _cosines(left: Array, right: Array) -> Array:
    """The cosine (n,) of each pair of vectors (n, D) of length 1."""
    return np.asarray(np.round((left.astype(np.float64) * right).sum(axis=1), _PLACES))


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """Similarities to clean texts; `chance` is the mean cosine of two texts, by the id of the clean text."""

    cosines: Cosines
    chance: Mapping[str, float]

    def of(self, noised: NoisedTexts, numbers: Array) -> Array:
        """How similar texts by number (k,) are to their clean texts (k,): 0 as any two, 1 the same; NaN: not known."""
        chosen = [(noised.values[number], noised.clean[number]) for number in numbers.tolist()]
        cosines = self.cosines.of([(value, clean.value) for value, clean in chosen])
        chance = np.array([self.chance[clean.id] for _, clean in chosen])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(cosines >= 1, 1.0, (cosines - chance) / (1 - chance))


def calibrated(fields: FieldTexts, cosines: Cosines) -> Similarity:
    """Similarities to some clean texts, calibrated by field and language."""
    groups: dict[tuple[str, str], list[int]] = {}
    for name, column in fields.numbers.items():
        for number in np.unique(column[column >= 0]).tolist():
            groups.setdefault((name, fields.texts[number].language), []).append(number)
    chance: dict[str, float] = {}
    for numbers in groups.values():
        mean = cosines.of_others([fields.texts[number].value for number in numbers])
        chance |= {fields.texts[number].id: mean for number in numbers}
    return Similarity(cosines, chance)


@dataclass(frozen=True, slots=True, eq=False)
class Constraint:
    """A constraint; by itself it lets everything through.

    `options(texts, options, settings)` says which possible edits of texts may be made (k,) bool, before the search;
    `noised(texts, settings)` which texts with several edits may be asked (t,) bool. `similar(texts, numbers, settings,
    similarity)` says it of texts by number (k,), by the vectors of the model: of those that are let through so far.
    """

    name: str
    summary: str
    options: Callable[[Sequence[Text], EditOptions, Settings], Array] = lambda _, each, *__: _all_of(each)
    noised: Callable[[NoisedTexts, Settings], Array] = lambda each, _: _all_of(each)
    similar: Callable[[NoisedTexts, Array, Settings, Similarity | None], Array] = lambda _, each, *__: _all_of(each)


def _all_of(values: Sized) -> Array:
    return np.ones(len(values), np.bool_)


def allowed(texts: Sequence[Text], options: EditOptions, settings: Settings) -> EditOptions:
    """The possible edits of texts that all constraints let through."""
    for each in _every():
        options = options.take(np.flatnonzero(each.options(texts, options, settings)))
    return options


def acceptable(shown: PerturbedExamples, settings: Settings, similarity: Similarity | None = None) -> Array:
    """Whether all constraints let all texts of each candidate through (n,) bool."""
    noised, every = shown.noised, _every()
    kept = np.logical_and.reduce([each.noised(noised, settings) for each in every])
    fine = _of_all(shown, kept)
    numbers = np.concatenate([np.zeros(0, np.int64), *(rows[fine] for rows in shown.numbers.values())])
    numbers = numbers[numbers >= 0]
    for each in every:
        kept[numbers] &= each.similar(noised, numbers, settings, similarity)
    return _of_all(shown, kept)


def _of_all(shown: PerturbedExamples, kept: Array) -> Array:
    """Whether all texts of each candidate are let through (n,) bool, from what constraints say of texts (t,) bool."""
    there = np.append(kept, True)  # the last for a text that is not there
    columns = (there[rows] for rows in shown.numbers.values())
    return np.asarray(np.logical_and.reduce([np.ones(len(shown), np.bool_), *columns]))


def _every() -> list[Constraint]:
    return [registry.load("constraint", name) for name in registry.names("constraint")]


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
    props = graphemes.string_properties("".join(values))
    filled = np.concatenate(([0], np.cumsum((props & graphemes.SPACE) == 0)))
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
    grams = {text.value: grams_of(text.value) for text in noised.clean}
    pairs = zip(noised.values, noised.clean, strict=True)
    scores = [_PERCENT if value == text.value else score(grams_of(value), grams[text.value]) for value, text in pairs]
    return np.array(scores) >= settings.chrf


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


def grams_of(value: str) -> _Grams:
    """The n-grams of a text without its white space."""
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

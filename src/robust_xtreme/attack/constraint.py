"""Constraints: which edits and which candidates an attack may use, whatever its search.

What a constraint leaves out is not asked, and does not count. The shares of units and of graphemes that may change are
limits of each problem (`problem.py`) instead, so that searches know them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np

from robust_xtreme.core import registry
from robust_xtreme.core.edits import Array
from robust_xtreme.core.examples import Text
from robust_xtreme.core.randomness import salt, text_keys
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.noised import FieldTexts, NoisedTexts, PerturbedExamples
from robust_xtreme.noise.engine.options import EditOptions

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


@final
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


@final
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


@final
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
    fine = _of_all(shown, [each.noised(noised, settings) for each in every])
    numbers = np.concatenate([np.zeros(0, np.int64), *(rows[fine] for rows in shown.numbers.values())])
    numbers = numbers[numbers >= 0]
    kept = np.ones(len(noised), np.bool_)
    for each in every:
        kept[numbers] &= each.similar(noised, numbers, settings, similarity)
    return fine & _of_all(shown, [kept])


def _of_all(shown: PerturbedExamples, several: Sequence[Array]) -> Array:
    """Whether all texts of each candidate are let through (n,) bool, from what constraints say of texts (t,) bool."""
    fine = np.logical_and.reduce([np.ones(len(shown.noised), np.bool_), *several])
    kept = np.append(fine, True)  # a text that is not there
    of_all: Array = np.logical_and.reduce(
        [np.ones(len(shown), np.bool_), *(kept[rows] for rows in shown.numbers.values())]
    )
    return of_all


def _every() -> list[Constraint]:
    return [registry.load("constraint", name) for name in registry.names("constraint")]

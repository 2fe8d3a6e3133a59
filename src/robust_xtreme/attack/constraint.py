"""Constraints: which edits and which candidates an attack may use, whatever its search.

What a constraint leaves out is not asked, and does not count. The shares of units and of graphemes that may change are
limits of each problem (`problem.py`) instead, so that searches know them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import final

import numpy as np

from robust_xtreme.attack.similarity import Similarity
from robust_xtreme.core import registry
from robust_xtreme.core.edits import Array
from robust_xtreme.core.examples import Text
from robust_xtreme.noise.engine.attack import Settings
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.options import EditOptions
from robust_xtreme.noise.engine.perturbed import PerturbedExamples


def _all_options(_texts: Sequence[Text], options: EditOptions, _settings: Settings) -> Array:
    return np.ones(len(options), np.bool_)


def _all_texts(noised: NoisedTexts, _settings: Settings) -> Array:
    return np.ones(len(noised), np.bool_)


def _all_numbers(_noised: NoisedTexts, numbers: Array, _settings: Settings, _similarity: Similarity | None) -> Array:
    return np.ones(len(numbers), np.bool_)


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
    options: Callable[[Sequence[Text], EditOptions, Settings], Array] = _all_options
    noised: Callable[[NoisedTexts, Settings], Array] = _all_texts
    similar: Callable[[NoisedTexts, Array, Settings, Similarity | None], Array] = _all_numbers


def allowed(texts: Sequence[Text], options: EditOptions, settings: Settings) -> EditOptions:
    """The possible edits of texts that all constraints let through."""
    return reduce(lambda left, each: left.take(np.flatnonzero(each.options(texts, left, settings))), _every(), options)


def acceptable(shown: PerturbedExamples, settings: Settings, similarity: Similarity | None = None) -> Array:
    """Whether all constraints let all texts of each candidate through (n,) bool."""
    noised, every = shown.noised, _every()
    fine = _of_all(shown, [each.noised(noised, settings) for each in every])
    numbers = np.concatenate([np.zeros(0, np.int64), *(rows[fine] for rows in shown.numbers.values())])
    numbers = numbers[numbers >= 0]
    several = np.ones((len(every), len(noised)), np.bool_)
    for kept, each in zip(several, every, strict=True):
        kept[numbers] = each.similar(noised, numbers, settings, similarity)
    return fine & _of_all(shown, several)


def _of_all(shown: PerturbedExamples, several: Sequence[Array] | Array) -> Array:
    """Whether all texts of each candidate are let through (n,) bool, from what constraints say of texts (t,) bool."""
    fine = np.logical_and.reduce([np.ones(len(shown.noised), np.bool_), *several])
    kept = np.append(fine, True)  # a text that is not there
    of_all: Array = np.logical_and.reduce(
        [np.ones(len(shown), np.bool_), *(kept[rows] for rows in shown.numbers.values())]
    )
    return of_all


def _every() -> list[Constraint]:
    return [registry.load("constraint", name) for name in registry.names("constraint")]

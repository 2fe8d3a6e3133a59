"""Noise with as many edits in each text as a noisy set has there: of many strengths, the one that comes nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from robust_xtreme.core.edits import Array, span_table
from robust_xtreme.core.examples import Text
from robust_xtreme.core.links import canonical_strength
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.paired import Paired
from robust_xtreme.noise.engine.noised import NoisedTexts, joined, untouched
from robust_xtreme.noise.engine.noising import bound, lacks, noise_texts, noise_values

_LEAST: Final = 0.001
_STEP: Final = 1.02
_COUNT: Final = 349
_COARSE: Final = 5


def _strengths() -> tuple[str, ...]:
    steps = (min(1.0, _LEAST * _STEP**number) for number in range(_COUNT + 1))
    return tuple(dict.fromkeys(["0", *(canonical_strength(f"{step:.5f}") for step in steps)]))


STRENGTHS: Final = _strengths()
"""The strengths that are tried: 0, and from 0.001 to 1 in steps of a fiftieth."""


def matched(paired: Paired, texts: Sequence[Text], spec: PerturbationSpec, seed: int) -> NoisedTexts:
    """Some texts of a set under other noise, each with as many edited clusters as the set has there, or nearly so."""
    return as_many(texts, np.array([paired.noised[text.id].graphemes_edited for text in texts]), spec, seed)


def as_many(texts: Sequence[Text], wanted: Array, spec: PerturbationSpec, seed: int) -> NoisedTexts:
    """Texts (t,) under noise that edits `wanted` (t,) clusters of each, or nearly so.

    `spec` is one perturbation; its strength is chosen for each text. Where no strength has as many edits (an edit may
    change two clusters) the nearest is taken; of equally near ones that with more edits, so that no set is
    ahead of noise with fewer.
    """
    number = np.zeros(len(texts), np.int64)
    for language in dict.fromkeys(text.language for text in texts):
        alike = np.array([at for at, text in enumerate(texts) if text.language == language], np.int64)
        number[alike] = _chosen([texts[at] for at in alike.tolist()], wanted[alike], spec, seed)
    order = [np.flatnonzero(number == each) for each in np.unique(number)]
    parts = [
        noise_texts([texts[at] for at in same.tolist()], _at(spec, STRENGTHS[number[same[0]]]), seed) for same in order
    ]
    return joined(parts).take(np.argsort(np.concatenate(order), kind="stable")) if parts else untouched(())


def _at(spec: PerturbationSpec, strength: str) -> PerturbationSpec:
    (link,) = spec.links
    return replace(spec, links=(replace(link, strengths=(strength,)),))


def _chosen(texts: Sequence[Text], wanted: Array, spec: PerturbationSpec, seed: int) -> Array:
    """The number of the strength of each text (t,), of one language; 0 where the noise does not serve it."""
    (link,) = bound(spec)
    language = texts[0].language
    if lacks(link, language):
        return np.zeros(len(texts), np.int64)

    def nearest(some: Array, numbers: Array) -> tuple[Array, Array]:
        """Of some texts (s,) the number among `numbers` (n,), and how far its edits are from the wanted ones."""
        of = [texts[at] for at in some.tolist()]
        given = [text.value for text in of], [text.id for text in of], span_table([text.spans for text in of]), language
        strengths = (STRENGTHS[number] for number in numbers.tolist())
        edited = [
            noise_values(*given, replace(link, strength=each), seed).counts.graphemes_edited for each in strengths
        ]
        ahead = np.stack(edited) - wanted[some]
        best = (2 * abs(ahead) - (ahead > 0)).argmin(axis=0)
        return numbers[best], ahead[best, np.arange(len(some))]

    every = np.arange(len(STRENGTHS))
    number, ahead = nearest(np.arange(len(texts)), every[::_COARSE])
    missed = np.flatnonzero(ahead)
    if len(missed):
        number[missed] = nearest(missed, every)[0]
    return number

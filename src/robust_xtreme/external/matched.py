"""Noise with as many edits in each text as a noisy set has there: of many strengths, the one that comes nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from robust_xtreme.edits import Array, span_table
from robust_xtreme.examples import Text
from robust_xtreme.external.paired import Paired
from robust_xtreme.links import canonical_strength
from robust_xtreme.noise.engine.noised import NoisedTexts, joined, untouched
from robust_xtreme.noise.engine.noising import bound, lacks, noise_texts, noise_values
from robust_xtreme.specs import PerturbationSpec

_LEAST: Final = 0.001
_STEP: Final = 1.1
_COUNT: Final = 73


def _strengths() -> tuple[str, ...]:
    steps = (min(1.0, _LEAST * _STEP**number) for number in range(_COUNT + 1))
    return tuple(dict.fromkeys(["0", *(canonical_strength(f"{step:.4f}") for step in steps)]))


STRENGTHS: Final = _strengths()
"""The strengths that are tried: 0, and from 0.001 to 1 in steps of a tenth."""


def matched(paired: Paired, texts: Sequence[Text], spec: PerturbationSpec, seed: int) -> NoisedTexts:
    """Some texts of a set under other noise.

    `spec` is one perturbation; its strength is chosen for each text, so that it edits as many clusters as the set does,
    or nearly so; of equally near strengths the lowest.
    """
    chosen: dict[str, str] = {}
    for language in dict.fromkeys(text.language for text in texts):
        alike = [text for text in texts if text.language == language]
        chosen |= zip((text.id for text in alike), _chosen(paired, alike, spec, seed), strict=True)
    strengths = {strength: number for number, strength in enumerate(dict.fromkeys(chosen.values()))}
    number = np.array([strengths[chosen[text.id]] for text in texts], np.int64)
    order = [np.flatnonzero(number == each) for each in strengths.values()]
    pairs = zip(strengths, order, strict=True)
    parts = [
        noise_texts([texts[each] for each in same.tolist()], _at(spec, strength), seed) for strength, same in pairs
    ]
    return joined(parts).take(np.argsort(np.concatenate(order), kind="stable")) if parts else untouched(())


def _at(spec: PerturbationSpec, strength: str) -> PerturbationSpec:
    (link,) = spec.links
    return replace(spec, links=(replace(link, strengths=(strength,)),))


def _chosen(paired: Paired, texts: Sequence[Text], spec: PerturbationSpec, seed: int) -> list[str]:
    """The strength of each text, of one language."""
    (link,) = bound(spec)
    language = texts[0].language
    if lacks(link, language):
        return ["0"] * len(texts)
    values, ids = [text.value for text in texts], [text.id for text in texts]
    spans = span_table([text.spans for text in texts])
    wanted = np.array([paired.noised[id].graphemes_edited for id in ids])

    def edited(strength: str) -> Array:
        return noise_values(
            values, ids, spans, language, replace(link, strength=strength), seed
        ).counts.graphemes_edited

    # far (s, t): how far the edits of each text are from the wanted ones at each strength.
    far = np.abs(np.stack([edited(strength) for strength in STRENGTHS]) - wanted)
    return [STRENGTHS[number] for number in far.argmin(axis=0).tolist()]

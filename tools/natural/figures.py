"""The figures: the operators of each half and of `natural`, and its realised strength on real text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from tools.natural.fit import realised
from tools.natural.texts import FLORES, sentences

from robust_xtreme.core import packs
from robust_xtreme.core.edits import span_table
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.noise.members.natural import PARTS, natural, source_of

STRENGTHS: Final = ("0.02", "0.05", "0.1", "0.2")


def measured(fits: Mapping[str, Mapping[str, Any]], data: Path) -> dict[str, Any]:
    """All figures, with the packs as they are now."""
    compared = {}
    for code, fit in fits.items():
        made = realised(code, data / "typos")
        held_out = fit["held_out"]
        near = {name: _variation(held_out, other) for name, other in (("fitted", fit["fitted"]), ("realised", made))}
        compared[code] = {**{name: fit[name] for name in ("pairs", "fitted", "held_out")}, "realised": made, "tv": near}
    return {
        "lists": compared,
        "sources": {code: source_of(code) for code in ALL_LANGUAGES if natural.serves(code)},
        "packs": {name: {part: packs.read("natural", name).get(part, "0") for part in PARTS} for name in _names()},
        "text": {code: on_text(code, sentences(code, data)) for code in FLORES},
    }


def _names() -> tuple[str, ...]:
    return packs.bundled("natural")


def _variation(shares: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Total variation distance: the share that would have to move."""
    return round(sum(abs(share - other[name]) for name, share in shares.items()) / 2, 3)


def on_text(code: str, values: list[str]) -> dict[str, Any]:
    """The share of clusters that is edited at each strength, and at the first two the shares of the parts, in edits."""
    edited, operators = [], np.zeros(len(PARTS))
    for strength, counts in _runs(code, values):
        edited.append(round(float(counts.graphemes_edited.sum() / counts.graphemes.sum()), 4))
        operators += counts.operators.sum(axis=0) * (strength in STRENGTHS[:2])
    shares = dict(zip(PARTS, (operators / operators.sum()).round(3).tolist(), strict=True))
    return {"edited": edited, "shares": shares}


def _runs(code: str, values: list[str]) -> Iterator[tuple[str, Any]]:
    ids, spans = [str(number) for number in range(len(values))], span_table([()] * len(values))
    for strength in STRENGTHS:
        (link,) = bound(PerturbationSpec.parse(f"natural:{strength}"))
        yield strength, noise_values(values, ids, spans, code, link, 0).counts

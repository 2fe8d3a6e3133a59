"""What each perturbation makes of a sentence in every language, to be read when it changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conformance.texts import SENTENCES, text

from robust_xtreme.core import registry
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts


def _page(name: str) -> str:
    """One line per language: its code and the sentence after the perturbation at a tenth and at a half."""
    lines = []
    for strength in ("0.1", "0.5"):
        texts = [text(code, value, name=f"golden/{code}") for code, value in SENTENCES.items()]
        noised = noise_texts(texts, PerturbationSpec.parse(f"{name}:{strength}"), 0)
        lines += [f"{strength}\t{noised_text.text.language}\t{noised_text.text.value}" for noised_text in noised]
    return "\n".join(lines) + "\n"


_EVERY = (registry.load("perturbation", name) for name in registry.names("perturbation"))
_NAMES = [m.name for m in _EVERY if not (m.free or m.moves or m.first or m.kind == "channel")]
"""Not a channel, whose outcome is that of a program outside."""


@pytest.mark.parametrize("name", _NAMES)
def test_a_perturbation_makes_what_it_made_before(name: str, golden: Callable[[str, str], None]) -> None:
    """Every draw and every edit is the same as when the golden was written; --rewrite-goldens writes it again."""
    golden(f"noise/{name}.tsv", _page(name))

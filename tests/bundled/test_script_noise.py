"""Every language has noise of scripts, marks and layouts."""

from __future__ import annotations

from typing import Final

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.edits import span_table
from robust_xtreme.core.languages import LANGUAGES, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine import realised
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.noise.suites import unsupported

_OF_SCRIPTS: Final = (
    "confusables", "diacritics", "normalisation", "styled", "transliterate", "wrong_layout", "zero_width"
)  # fmt: skip


@pytest.mark.parametrize("name", ["confusables", "diacritics", "normalisation"])
def test_noise_is_thin_where_hardly_a_character_changes(name: str) -> None:
    """On the calibration text fewer than 1 in 200 characters can change; suites leave the languages out."""
    link = bound(PerturbationSpec.parse(f"{name}:1"))[0]
    thin = [code for code in LANGUAGES if link.perturbation.thin(code)]
    assert {"confusables": {"ja", "zh"}, "diacritics": {"nl", "tl"}, "normalisation": {"hi"}}[name] <= {*thin}
    for code in thin:
        texts = realised.texts(code)
        ids = [f"{number}" for number in range(len(texts))]
        counts = noise_values(texts, ids, span_table([()] * len(texts)), code, link, 0).counts
        assert counts.eligible.sum() < counts.graphemes.sum() / 200, code
        assert unsupported(PerturbationSpec.parse(f"{name}:1"), code) is None
        assert unsupported(PerturbationSpec.parse(f"{name}:1"), code, in_suite=True) is not None


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_noise_of_its_script(code: str) -> None:
    """Three kinds at least; a language that is not written in Latin letters can be, and on another keyboard, too."""
    served = {name for name in _OF_SCRIPTS if registry.load("perturbation", name).serves(code)}
    assert len(served) >= 3
    if language(code).script != "Latn":
        assert served >= {"transliterate", "wrong_layout"}
    else:
        assert "transliterate" not in served

"""Every language has noise of scripts, marks and layouts."""

from __future__ import annotations

from typing import Final

import pytest

from robust_xtreme import registry
from robust_xtreme.languages import LANGUAGES, language

_OF_SCRIPTS: Final = (
    "confusables", "diacritics", "normalisation", "styled", "transliterate", "wrong_layout", "zero_width"
)  # fmt: skip


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_noise_of_its_script(code: str) -> None:
    """Three kinds at least; a language that is not written in Latin letters can be, and on another keyboard, too."""
    served = {name for name in _OF_SCRIPTS if registry.load("perturbation", name).serves(code)}
    assert len(served) >= 3
    if language(code).script != "Latn":
        assert served >= {"transliterate", "wrong_layout"}
    else:
        assert "transliterate" not in served

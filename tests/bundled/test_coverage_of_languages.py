"""Coverage: each language of XTREME-R has typos of its own way of writing, and noise by packs of its own."""

from __future__ import annotations

import pytest

from robust_xtreme.catalogue import served
from robust_xtreme.languages import LANGUAGES

LEAST = 3


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_has_typos_and_three_perturbations_by_its_own_packs(code: str) -> None:
    """A keyboard or an input method, and at least three perturbations whose packs are attested or derived."""
    rows = {row["name"]: row for row in served(code)}
    typo = rows["keyboard_typo"]
    assert typo["served"]
    assert typo["counted"]
    assert any(pack.startswith(("keyboards/", "input/")) for pack in typo["packs"])
    own = [name for name, row in rows.items() if row["counted"] and row["packs"]]
    assert len(own) >= LEAST, own

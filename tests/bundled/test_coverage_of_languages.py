"""Coverage: each language of XTREME-R has typos of its own way of writing, and noise by packs of its own."""

from __future__ import annotations

import pytest

from robust_xtreme.core.languages import ALL_LANGUAGES, LANGUAGES
from robust_xtreme.tasks.catalogue import served

LEAST = 3
CHOSEN = ("bzd", "cni", "gn", "hch", "ht", "lg", "luo", "mos", "ny", "oto", "pcm", "shp", "tar")
"""Languages that no source at hand names a layout for: their keyboard is the project's choice, and is not counted."""


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_has_typos_and_three_perturbations_by_its_own_packs(code: str) -> None:
    """A keyboard or an input method, and at least three perturbations whose packs are attested or derived."""
    rows = {row["name"]: row for row in served(code)}
    typo = rows["keyboard_typo"]
    assert typo["served"]
    assert any(pack.startswith(("keyboards/", "input/")) for pack in typo["packs"])
    covered = [name for name, row in rows.items() if row["counted"] and row["packs"]]
    assert len(covered) >= LEAST, covered


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_a_keyboard_counts_where_a_source_names_it_for_the_language(code: str) -> None:
    """Keyboards that were chosen here are unreviewed and counted for no language; one of the fifty has such a one."""
    typo = next(row for row in served(code) if row["name"] == "keyboard_typo")
    unreviewed = "chosen, unreviewed" in typo["packs"].values()
    assert (typo["counted"], unreviewed) == (code not in CHOSEN, code in CHOSEN)

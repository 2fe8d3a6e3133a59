"""Which marks that Tesseract reads are put in by `ocr_noise`, and that the packs have no others."""

from __future__ import annotations

import pytest
from tools.packs.ocr import TARGET, is_pointed

from robust_xtreme.core import packs
from robust_xtreme.core.languages import LANGUAGES, language


@pytest.mark.parametrize(
    ("code", "letter", "form", "expected"),
    [("he", "ו", "וּ", True), ("he", "ו", "ז", False), ("hi", "क", "कं", False), ("ml", "ൃ", "്യ", False)],
    ids=["a point of Hebrew", "another letter", "a mark that Hindi needs", "a mark for a mark"],
)
def test_a_mark_that_texts_do_without_is_not_put_in(code: str, letter: str, form: str, expected: bool) -> None:
    """By CLDR's auxiliary marks of the language; one of them may stand for another."""
    assert is_pointed(code, letter, form) is expected


def test_no_pack_has_a_mark_that_no_language_of_its_script_needs() -> None:
    """Each form of each pack is one that `tools/packs/ocr.py` would keep."""
    scripts = {language(code).script for code in LANGUAGES} & {path.stem for path in TARGET.glob("*.tsv")}
    assert len(scripts) > 10
    for script in scripts:
        codes = [code for code in LANGUAGES if language(code).script == script]
        pairs = [(row["letter"], form) for row in packs.table("ocr", script).rows for form in row["forms"].split()]
        assert [pair for pair in pairs if all(is_pointed(code, *pair) for code in codes)] == []

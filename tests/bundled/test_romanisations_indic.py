"""Romanisation of Indic scripts: joiners, nukta, vowels that are left out, and ISO 15919 read back."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final, Literal

import pytest
from tests.romanising import Speller

from robust_xtreme.languages import language
from robust_xtreme.noise.scripts.table import rules

_CODES: Final = ("hi", "mr", "bn", "gu", "pa", "ta", "te", "ml")
_PAIRS: Final = Path(__file__).parent / "romanisations"


@cache
def _speller(pack: str) -> Speller:
    return Speller(rules(pack))


@pytest.mark.parametrize(
    ("pack", "word", "spelling"),
    [
        ("Deva-iast", "क्‍ष", "kṣa"),
        ("Deva-iast", "दर्‍या", "dar̆yā"),
        ("Beng-iast", "র‍্যাল", "ryāla"),
        ("Telu-iast", "ఆన్‌లైన్", "ānlain"),
        ("Mlym-iast", "ന്‍", "n"),
        ("hi", "रक्‍षा", "raksha"),
        ("mr", "दर्‍या", "darya"),
        ("bn", "র‍্যাব", "ryab"),
        ("te", "ఆన్‌లైన్", "aanlain"),
        ("ml", "അവന്‍", "avan"),
    ],
)
def test_joiners_are_not_spelled(pack: str, word: str, spelling: str) -> None:
    """ZWJ and ZWNJ in conjuncts and final letters change nothing in the Latin letters."""
    assert _speller(pack).likely(word) == spelling


@pytest.mark.parametrize(
    ("pack", "word", "spelling"),
    [
        ("Deva-iast", "लड़का", "laṛakā"),
        ("Deva-iast", "फ़िल्म", "filma"),
        ("Deva-iast", "ऱ", "ṟa"),
        ("Beng-iast", "বড়", "baṛa"),
        ("Guru-iast", "ਸ਼ਹਿਰ", "śahira"),
        ("Guru-iast", "ਕ਼ਾਤਿਲ", "qātila"),
        ("hi", "लड़का", "ladka"),
        ("hi", "फ़िल्म", "film"),
        ("bn", "গাড়ি", "gari"),
        ("pa", "ਸ਼ਹਿਰ", "shahir"),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_letter_with_a_nukta_is_one_letter(pack: str, word: str, spelling: str, form: Literal["NFC", "NFD"]) -> None:
    """In either normal form: most letters with a nukta are two code points in both, ऱ is one in NFC."""
    known = _speller(pack)
    assert known.likely(unicodedata.normalize(form, word)) == spelling


@pytest.mark.parametrize("word", ["बढ़ज़ा", "क़ा", "षगे़ळ"])
def test_a_nukta_on_any_letter_keeps_its_vowel(word: str) -> None:
    """A nukta that makes no letter of its own is not between a consonant and its vowel sign."""
    assert "aā" not in _speller("Deva-iast").likely(word)
    assert "aa" not in _speller("Deva-iast").likely(word)


@pytest.mark.parametrize(
    ("word", "spelling"),
    [("करना", "karna"), ("समझना", "samajhna"), ("बदलना", "badalna"), ("लड़कियाँ", "ladkiyan"), ("आजकल", "aajkal"),
     ("सरकार", "sarkar"), ("उन्नति", "unnati"), ("मित्र", "mitra"), ("राम", "ram"), ("न", "na")],
)  # fmt: skip
def test_hindi_leaves_vowels_out(word: str, spelling: str) -> None:
    """The vowel of a consonant without a sign is left out at the end, and between consonants with vowels beside."""
    assert _speller("hi").likely(word) == spelling


@pytest.mark.parametrize(
    ("word", "spelling"),
    [("பழம்", "pazham"), ("தம்பி", "thambi"), ("கடல்", "kadal"), ("பக்கம்", "pakkam"), ("தங்கம்", "thangam"),
     ("நன்றி", "nandri"), ("அகம்", "agam"), ("பாடம்", "paadam")],
)  # fmt: skip
def test_tamil_is_voiced_by_context(word: str, spelling: str) -> None:
    """க ட ப are k, t, p at the start and where they are doubled, g, d, b between vowels and after nasals."""
    assert _speller("ta").likely(word) == spelling


@pytest.mark.parametrize("code", _CODES)
def test_iso_15919_is_read_back(code: str) -> None:
    """The pairs' words come back from their spelling; a colon divides a word, so what it keeps apart does not."""
    lines = (_PAIRS / f"{code}.tsv").read_text("utf-8").splitlines()[1:]
    pairs = [line.split("\t")[:2] for line in lines if line.split("\t")[2] == "iast"]
    back = _speller(f"{language(code).script}-iast-back")
    assert {native: back.likely(iso) for native, iso in pairs if back.likely(iso) != native} == (
        {"कइ": "क:इ"} if code == "hi" else {}
    )

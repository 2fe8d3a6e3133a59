"""The perturbation diacritics: which letters lose which marks, and where that is refused."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from robust_xtreme import perturb
from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts


def _plain(code: str, value: str, options: str = "") -> str:
    return noise_texts([Text("t", code, value)], PerturbationSpec.parse(f"diacritics:1{options}"), 0)[0].text.value


@pytest.mark.parametrize(("code", "value", "expected"), [
    ("vi", "Đường đến Huế", "Duong den Hue"),
    ("tr", "Iğdır'da ÇOK İyi", "Igdir'da COK Iyi"),
    ("az", "Gəncə, Bakı", "Gence, Baki"),
    ("pl", "Łódź, żółw", "Lodz, zolw"),
    ("es", "El pingüino añora", "El pinguino anora"),
    ("pt", "coração", "coracao"),
    ("fr", "Œuvre, cœur, Noël", "Oeuvre, coeur, Noel"),
    ("hu", "őrült ŰR", "orult UR"),
    ("ro", "și ța", "si ta"),
    ("ro", "oraş Bucureşti, Ţara, ŞI", "oras Bucuresti, Tara, SI"),
    ("fi", "Hämeenlinna, Åbo", "Hameenlinna, Abo"),
    ("lt", "ąžuolas ėjo", "azuolas ejo"),
    ("yo", "ọmọdé kẹ́kọ̀ọ́", "omode kekoo"),
    ("ha", "ɓauna ɗaya ƙwai Ƴan", "bauna daya kwai Yan"),
    ("tw", "ɔkɔɔ Ɛda", "okoo Eda"),
    ("el", "Ωραίο, ΐ, ϋ", "Ωραιο, ι, υ"),
    ("ar", "كُلُّ صباحٍ أحمد", "كل صباح أحمد"),
    ("he", "שָׁלוֹם", "שלום"),
    ("ru", "Ёлка и чёрный йод, Украи́на", "Елка и черный йод, Украина"),
    ("kk", "Қазақ тілі", "Казак тили"),
])  # fmt: skip
def test_letters_lose_their_marks(code: str, value: str, expected: str) -> None:
    """At strength 1 every letter with marks is the one that people type for it; a decomposed text is treated alike."""
    assert _plain(code, value) == expected
    if code not in ("az", "ar", "ru"):
        assert _plain(code, unicodedata.normalize("NFD", value)) == expected


def test_parts_of_letters_stay() -> None:
    """A decomposed hamza, and the breve of й, are parts of their letters."""
    for code, value in (("ar", "أحمد"), ("ru", "йод"), ("kk", "йод")):
        decomposed = unicodedata.normalize("NFD", value)
        assert _plain(code, decomposed) == decomposed


def test_its_units_are_letters() -> None:
    """Its kind is that of noise on letters, not on words."""
    member = registry.load("perturbation", "diacritics")
    assert (member.unit, member.kind) == ("grapheme cluster", "letters")


def test_umlauts_are_written_with_e_on_request() -> None:
    """@umlaut=ae is the German spelling without umlauts; other languages are the same with it."""
    assert _plain("de", "Größe über Äpfel") == "Große uber Apfel"
    assert _plain("de", "Größe über Äpfel", "@umlaut=ae") == "Groesse ueber Aepfel"
    assert _plain("fi", "Hämeenlinna", "@umlaut=ae") == "Hameenlinna"


@pytest.mark.parametrize("code", ["hi", "bn", "ta", "te", "ml", "gu", "pa", "mr", "th", "my"])
def test_scripts_whose_marks_are_vowels_are_refused(code: str) -> None:
    """Without its marks such a text has lost vowels or what silences them."""
    assert registry.load("perturbation", "diacritics").lacks(code) == "the marks of its script are vowels"


@pytest.mark.parametrize("code", ["en", "sw", "id", "zh", "ja", "ko", "ka", "uk", "bg"])
def test_languages_without_such_marks_are_not_applicable(code: str) -> None:
    """Their letters have no marks, or those are never left out, as in Japanese が and Ukrainian ї."""
    assert registry.load("perturbation", "diacritics").lacks(code) == "no letters with marks that people leave out"


def test_a_row_that_is_no_letter_is_refused(tmp_path: Path) -> None:
    """A user's row must have a letter and the one or two letters that are written for it; it is named otherwise."""
    (tmp_path / "diacritics").mkdir()
    path = tmp_path / "diacritics" / "sw.tsv"
    head = "# source: us\n# licence: CC0-1.0\n# standing: authored\nletter\tplain\n"
    path.write_text(f"{head}ñ\t1\n", encoding="utf-8")
    with packs.using(tmp_path), pytest.raises(DataError, match="row of 'ñ'"):
        registry.load("perturbation", "diacritics").lacks("sw")


@pytest.mark.parametrize(("code", "spec", "clean", "noisy"), [
    ("fr", "diacritics:1", "œuvre Œuvre ŒUVRE SŒUR", "oeuvre Oeuvre OEUVRE SOEUR"),
    ("de", "diacritics:1@umlaut=ae", "Über ÜBER MENÜ Ü Öl", "Ueber UEBER MENUE Ue Oel"),
])  # fmt: skip
def test_two_letters_are_capitals_in_a_word_in_capitals(code: str, spec: str, clean: str, noisy: str) -> None:
    """A capital that becomes two letters keeps the case of its word: the first one alone, or both."""
    assert perturb([clean], spec, language=code) == [noisy]


def test_a_letter_with_another_accent_stays() -> None:
    """The dots of ä under an accent that stays stay: a and the accent would be one letter."""
    assert perturb(["\u00e4\u0301 \u00e4"], "diacritics:1", language="de") == ["\u00e4\u0301 a"]
    assert perturb(["\u1eb9\u0301"], "diacritics:1", language="yo") == ["e"]

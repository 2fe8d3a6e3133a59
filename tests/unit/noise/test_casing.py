"""casing: capitals lost, added and continued too long, by the rules of each language."""

from __future__ import annotations

import unicodedata

import pytest
from tests.conformance.texts import SENTENCES

from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES, codes
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.case import capital, lower, style, upper
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.members._letters import casing

_CASELESS = codes("ar bn fa gu he hi ja ka ko ml mr my pa ta te th ur zh")
_KINDS = ("initial", "second", "inverted", "lower", "upper")


def _noise(value: str, code: str, kind: str, strength: str = "1") -> Noised:
    rates = "".join(f"@{name}={int(name == kind)}" for name in _KINDS)
    return noise_texts([Text("t", code, value)], PerturbationSpec.parse(f"casing:{strength}{rates}"), 0)[0]


@pytest.mark.parametrize(
    ("code", "kind", "clean", "noisy"),
    [
        ("de", "initial", "Der Hund bellt NIE", "der hund bellt NIE"),
        ("en", "second", "The Cat is", "THe CAt is"),
        ("en", "inverted", "The cat", "tHE cat"),
        ("en", "lower", "NASA and iPhone in Rome", "nasa and iphone in Rome"),
        ("en", "upper", "I am Rome", "I AM ROME"),
        ("de", "upper", "Straße", "STRASSE"),
        ("de", "lower", "STRASSE GROẞ", "strasse groß"),
        ("tr", "upper", "ılık istanbul", "ILIK İSTANBUL"),
        ("tr", "initial", "İzmir Isparta", "izmir ısparta"),
        ("tr", "lower", "IŞIK İYİ", "ışık iyi"),
        ("az", "upper", "bir ıldız", "BİR ILDIZ"),
        ("el", "upper", "Μάιος άυλος καΐκι πρωί ή ώρα", "ΜΑΪΟΣ ΑΫΛΟΣ ΚΑΪΚΙ ΠΡΩΙ Ή ΩΡΑ"),
        ("el", "upper", "ιδέα υγεία", "ΙΔΕΑ ΥΓΕΙΑ"),
        ("el", "lower", "ΟΔΟΣ ΣΟΦΟΣ", "οδος σοφος"),
        ("el", "inverted", "Αθήνας", "αΘΗΝΑΣ"),
        ("el", "second", "Άρης", "ΆΡης"),
        ("nl", "upper", "ijs", "IJS"),
        ("nl", "initial", "IJsland ligt aan het IJ", "ijsland ligt aan het ij"),
        ("nl", "inverted", "IJsland Den", "ijSLAND dEN"),
        ("nl", "second", "IJsland Den", "IJSland DEn"),
        ("nl", "lower", "IJS en Ijs", "ijs en ijs"),
        ("en", "initial", "IJ", "IJ"),
        ("vi", "inverted", "Mỗi", "mỖI"),
        ("uk", "second", "Їжак", "ЇЖак"),
        ("fr", "upper", "l’été", "L’ÉTÉ"),
    ],
)
def test_case_is_that_of_the_language(code: str, kind: str, clean: str, noisy: str) -> None:
    """Dotted and dotless i, sharp s, final sigma, Greek capitals without accents, and each kind by itself."""
    assert _noise(clean, code, kind).text.value == noisy


def test_only_what_changes_case_is_edited() -> None:
    """Nothing goes to lower case and back: an edit contains the letters that change, all others stay as they are."""
    noised = _noise("Der ıſ İI ß", "de", "initial")
    assert noised.traces[0].moves == ((0, 1, 0, 1),)
    assert noised.text.value == "der ıſ İI ß"
    assert noised.graphemes_edited == 1


def test_no_word_gets_letters_that_the_language_does_not_have() -> None:
    """A name in another script has no capitals in the language's alphabet and stays."""
    assert _noise("Москва ŉ", "en", "upper").eligible == 0
    assert _noise("Москва", "ru", "upper").text.value == "МОСКВА"


def test_decomposed_texts_stay_decomposed() -> None:
    """Capitals of a decomposed word are decomposed."""
    value = unicodedata.normalize("NFD", "Mỗi buổi")
    assert _noise(value, "vi", "upper").text.value == unicodedata.normalize("NFD", "MỖI BUỔI")


def test_scripts_without_case_are_not_served() -> None:
    """Those that write no capitals, Georgian among them, say so."""
    without = {code for code in LANGUAGES if casing.lacks(code)}
    assert without == set(_CASELESS)
    assert casing.lacks("ar") == "the script has no case"
    assert casing.lacks("xx") == "unknown language"


@pytest.mark.parametrize("code", [code for code in LANGUAGES if casing.serves(code)])
def test_every_language_with_case_has_every_kind(code: str) -> None:
    """A sentence loses its first capital, and gets capitals all over."""
    assert _noise(SENTENCES[code], code, "upper").eligible > 2
    assert _noise(capital(SENTENCES[code].split()[-1], code), code, "initial").edits["initial"] == 1


@pytest.mark.parametrize(
    ("word", "code", "expected"),
    [
        ("hund", "de", "lower"),
        ("Hund", "de", "capital"),
        ("HUND", "de", "upper"),
        ("iPhone", "en", "mixed"),
        ("I", "en", "capital"),
        ("İzmir", "tr", "capital"),
        ("IJs", "nl", "capital"),
        ("IJ", "nl", "capital"),
        ("IJ", "en", "upper"),
        ("Ijs", "nl", "mixed"),
        ("ǅep", "en", "capital"),
        ("ǄEP", "en", "upper"),
        ("Ǆep", "en", "mixed"),
        ("नदी", "hi", "lower"),
        ("O'Neill", "en", "mixed"),
    ],
)
def test_a_word_has_a_style(word: str, code: str, expected: str) -> None:
    """Small letters (or none with case), a capital and small letters, capitals, or anything else."""
    assert style(word, code) == expected


def test_lower_and_upper_are_composed() -> None:
    """A composed word gives a composed one; İ has no mark left over in any language."""
    assert lower("İstanbul", "en") == "istanbul"
    assert upper("ΐ", "el") == "Ϊ"


@pytest.mark.parametrize(("small", "large"), [("ǆ", "ǅ"), ("ǉ", "ǈ"), ("ǌ", "ǋ"), ("ǳ", "ǲ")])
def test_a_digraph_has_a_capital_of_its_own(small: str, large: str) -> None:
    """At the beginning of a word is the titlecase letter, and its small letter is the same as before."""
    assert capital(f"{small}ep", "en") == f"{large}ep"
    assert lower(large, "en") == small
    assert style(f"{large}ep", "en") == "capital"

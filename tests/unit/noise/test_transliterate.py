"""Words in another script: which languages a scheme serves, what it writes, the way back, and what is refused."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import pytest
import regex
from tests.conformance.texts import sentence
from tests.some import some
from tools.round_trip import lost

from robust_xtreme import perturb
from robust_xtreme.core.errors import SpecError, UserError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import bound, noise_texts
from robust_xtreme.noise.engine.respelling_table import RespellingRule, RuleForm, Rules
from robust_xtreme.noise.members.scripts import scheme, schemes, transliterate
from robust_xtreme.noise.scripts import schemes as members
from robust_xtreme.noise.scripts.schemes import Scheme, inverse
from robust_xtreme.noise.suites import unsupported

SERVED = [code for code in LANGUAGES if transliterate.serves(code)]


def noise(value: str, spec: str, code: str = "ru") -> Noised:
    """A text after a perturbation."""
    return noise_texts([Text("x", code, value)], PerturbationSpec.parse(spec), 0)[0]


@pytest.mark.parametrize("code", some(SERVED, 6))
def test_what_people_type_is_latin(code: str) -> None:
    """The rule that noise belongs to the script is waived: respelt words are in Latin letters; kanji stay."""
    noised = noise(sentence(code), "transliterate:1", code)
    assert noised.edits["respell"] == noised.eligible > 0
    left = regex.findall(r"(?=[\p{L}\p{M}])[^\p{Latin}\p{Inherited}\p{Common}\p{Han}]", noised.text.value)
    assert left == []


def test_a_language_in_latin_letters_is_not_served() -> None:
    """It is not applicable, with the reason, and so is out of averages; so is a language without a table."""
    assert noise("Habari", "transliterate:1", "sw").status == "not_applicable"
    assert transliterate.lacks("sw") == "it is already written in Latin letters"
    assert transliterate.lacks("xx") == "unknown language"
    cell = PerturbationSpec.parse("transliterate:1")
    assert unsupported(cell, "sw") == ("transliterate", "it is already written in Latin letters")


def test_a_scheme_serves_other_languages_than_the_default(tmp_path: Path) -> None:
    """Whether a language is served depends on the scheme that is named."""
    assert noise("Москва", "transliterate:1@scheme=iso9").text.value == "Moskva"
    assert noise("नदी", "transliterate:1@scheme=iso9", "hi").status == "not_applicable"
    cell = PerturbationSpec.parse("transliterate:1@scheme=iso9")
    assert unsupported(cell, "ru") is None
    assert (unsupported(cell, "hi") or ("", ""))[1] == "no table of iso9 for it"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("transliterate:1@scheme=iso8", "iso8"),
        ("transliterate:1@scheme=typd", "typed"),
        ("transliterate:1@scheme=icu", "icu"),
        ("transliterate:1@scheme=icu:", "icu"),
        ("transliterate:1@scheme=typed@direction=back", "read back"),
        ("transliterate:1@direction=away", "away"),
    ],
)
def test_what_is_not_a_scheme_is_refused(spec: str, message: str) -> None:
    """One line names the value, with the near ones."""
    with pytest.raises(SpecError) as caught:
        bound(PerturbationSpec.parse(spec))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in schemes() if ":" not in name])
def test_a_scheme_says_what_it_is(name: str) -> None:
    """Each has a summary and a source, and for every language either serves it or says why not."""
    known = scheme(name)
    assert isinstance(known, Scheme)
    assert known.summary
    assert known.source
    assert all(known.lacks(code) or known.packs(code) or name == "uroman" for code in LANGUAGES)


def test_the_way_back_is_that_of_the_rules() -> None:
    """Forms lead back to letters, the commonest of several letters; conditions about places are kept."""
    rows = (
        RespellingRule("ш", (RuleForm("sh"),)),
        RespellingRule("щ", (RuleForm("sh"),)),
        RespellingRule("ъ", (RuleForm(""),)),
        RespellingRule("х", (RuleForm("x", 1), RuleForm("h", 3))),
    )
    back = inverse(Rules(tuple(rows), {}))
    assert [(rule.letters, rule.forms[0].text) for rule in back.rules] == [("sh", "ш"), ("h", "х")]


def test_text_in_the_other_script_comes_back(tmp_path: Path) -> None:
    """`@direction=back` gives the native letters where the scheme has different letters for each."""
    assert noise("Moskva i ŝuka", "transliterate:1@scheme=iso9@direction=back").text.value == "Москва и щука"


def test_what_the_way_back_loses_is_listed() -> None:
    """A word with a Latin letter in it is read back as another one; a wholly Cyrillic one comes back."""
    assert lost(["Москва", "Tака"], "ru", "iso9") == [("Tака", "Taka", "Така")]


def test_uroman_and_icu_are_asked_for_where_they_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library one line names the extra that installs it."""
    monkeypatch.setitem(sys.modules, "uroman", None)
    monkeypatch.setitem(sys.modules, "icu", None)
    members._uroman_library.cache_clear()
    members._uroman_spelling.cache_clear()
    members._transform.cache_clear()
    for spec in ("transliterate:1@scheme=uroman", "transliterate:1@scheme=icu:Greek-Latin"):
        with pytest.raises(UserError, match=r"robust-xtreme\[scripts\]"):
            noise("Москва", spec)


def test_a_word_that_ends_in_a_sign_for_no_vowel_is_read_back() -> None:
    """Telugu of ISO 15919 comes back where no letter follows that the sign would join."""
    spec = PerturbationSpec.parse("transliterate:1@scheme=iast@direction=back")
    texts = [Text(str(number), "te", value) for number, value in enumerate(("irāk, lōk irāku", "jūm"))]
    assert [noised.text.value for noised in noise_texts(texts, spec, 0)] == ["ఇరాక్, లోక్ ఇరాకు", "జూమ్"]


@pytest.mark.parametrize(
    ("word", "standard"), [("၎င်းသည်", "lagaungthi"), ("သူ၏", "thu-e"), ("အိမ်၌", "ein-hnaik"), ("သွား၍", "thwa-ywe")]
)
def test_signs_that_burmese_reads_are_written(word: str, standard: str) -> None:
    """The signs ၎ ၏ ၌ ၍, punctuation in Unicode, are parts of the words that they are written with."""
    assert noise(word, "transliterate:1@scheme=national", "my").text.value == standard
    assert noise(word, "transliterate:1", "my").text.value.isascii()


def test_a_letter_of_a_sign_without_case_is_a_capital_in_a_word_in_capitals() -> None:
    """ISO 9 writes Ь and ь alike."""
    read = noise("OBʺEKT PISʹMO Obʺekt", "transliterate:1@scheme=iso9@direction=back").text.value
    assert read == "ОБЪЕКТ ПИСЬМО Объект"


def test_a_word_of_another_script_keeps_its_normal_form() -> None:
    """A decomposed Korean syllable in a text that is written in Arabic script stays decomposed."""
    syllable = unicodedata.normalize("NFD", "\uac01")
    assert perturb([syllable], "transliterate:1", language="ar") == [syllable]


@pytest.mark.parametrize("beside", ["क्षत्रिय", "\u1100\u1161", "x"])
def test_a_word_is_written_alike_beside_any_text(beside: str) -> None:
    """A final jamo in a word joins with nothing there, whether a text of the batch has longer clusters or none has."""
    texts = ["дда\u11a8", beside]
    assert perturb(texts, "transliterate:1", language="ru") == ["dda\u11a8", beside]
    assert perturb(texts[::-1], "transliterate:1", language="ru") == [beside, "dda\u11a8"]

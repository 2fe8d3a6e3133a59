"""wrong_layout: words come out as the keys of one layout show them on another, and come back in reverse."""

from __future__ import annotations

import unicodedata
from operator import ne

import pytest
from tests.conformance.texts import SENTENCES
from tests.layouts import offered, on_keys, returning, sample, there_and_back, typist_of
from tests.some import some

from robust_xtreme.core import packs
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.languages import ALL_LANGUAGES, LANGUAGES, belongs, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.input import keyboards, retyping
from robust_xtreme.noise.input.keyboards import DEAD
from robust_xtreme.noise.members.wrong_layout import (
    AUTO,
    changed,
    keyboard_names,
    keyboards_of,
    layout_names,
    pair,
    wrong_layout,
)


def _noise(value: str, code: str, spec: str = "wrong_layout:1", *spans: Span) -> Noised:
    return noise_texts([Text("t", code, value, spans)], PerturbationSpec.parse(spec), 0)[0]


@pytest.mark.parametrize(("code", "clean", "noisy"), [
    ("ru", "привет", "ghbdtn"), ("ru", "Люблю Москву!", "K.,k. Vjcrde!"), ("en", "hello", "руддщ"),
    ("en", "It's OK", "Шеэы ЩЛ"), ("en", "it’s", "шеэы"), ("uk", "Їжак", "};fr"),
    ("he", "שלום", "akuo"), ("ar", "مرحبا", "lvpfh"), ("el", "Ώρα καλή", ";Vra kal;h"), ("fa", "می‌خواهم", "ldBo,hil"),
    ("ka", "გამარჯობა", "gamarjoba"), ("th", "ยกเลิก", "pdg]bd"), ("hi", "नमस्ते", "vcmdls"), ("ta", "நன்றி", "vVdJf"),
    ("te", "అక్కడ్", "Dkdk[d"), ("my", "ကလေး", "uva;"), ("ko", "안녕", "dkssud"), ("ko", "값", "rkqt"),
    ("vi", "Tiếng Việt", "Tieengs Vieetj"), ("zh", "我们今天去", "womenjintianqu"), ("ja", "がっこう", "gakkou"),
    ("ja", "私は学校に行きます", "watasihagakkouniikimasu"), ("de", "größe", "gr;-e"), ("fr", "école", "2cole"),
    ("es", "mañana fácil", "ma;ana f'acil"), ("pl", "Łódź", "Lodx"), ("bn", "গাড়ি", "ie[]f"), ("kk", "қазақ", "0fpf0"),
])  # fmt: skip
def test_words_are_what_their_keys_show(code: str, clean: str, noisy: str) -> None:
    """By default on the layout of another script, or of other letters; case is that of Shift."""
    assert _noise(clean, code).text.value == noisy


@pytest.mark.parametrize(("spec", "code", "clean", "noisy"), [
    ("@layout=ko-2set", "en", "hello dkssud", "ㅗ디ㅣㅐ 안녕"), ("@layout=jp-kana", "en", "hello", "くいりりら"),
    ("@keyboard=jp-kana", "ja", "がっこう", "t[Zb4"), ("@layout=de", "en", "lazy", "layz"),
    ("@layout=fr", "en", "was", "zqs"), ("@keyboard=vi-vni", "vi", "tiếng", "tie6ng1"),
    ("@layout=vi-telex", "en", "test doof", "tét dồ"),
    ("@layout=ja-romaji", "en", "kana hello", "かな hello"), ("@layout=ara", "en", "bat", "لاشف"),
    ("@layout=gr", "ru", "дело", "λτκξ"), ("@layout=th", "en", "by door", "by กนนพ"),
])  # fmt: skip
def test_another_layout_or_method_is_chosen(spec: str, code: str, clean: str, noisy: str) -> None:
    """A word whose keys give no text (letters left over, a mark at the beginning) stays as it is."""
    assert _noise(clean, code, f"wrong_layout:1{spec}").text.value == noisy


def test_every_language_changes_and_leaves_its_script() -> None:
    """What rule 4 is waived for: by default the forms are of another script, or signs of the same keys."""
    for code in LANGUAGES:
        noised = _noise(SENTENCES[code] if code != "ja" else "わたしはがっこうにいきます", code)
        assert noised.status == "ok", code
        foreign = [sign for sign in noised.text.value if not belongs(code, sign)]
        assert foreign or language(code).script == "Latn", code


def test_a_word_changes_as_a_whole_or_not_at_all() -> None:
    """Letters of another script, and those that no key types, leave a word out of the eligible ones."""
    noised = _noise("Дом Windows ДомWindows Їжа дом", "ru")
    assert noised.text.value == "Ljv Windows ДомWindows Їжа ljv"
    assert noised.eligible == 2


@pytest.mark.parametrize(
    ("code", "clean", "many"), [("zh", "孩子们每天早上在河边玩耍", 7), ("ja", "毎朝、川の近くで", 5)]
)
def test_text_without_spaces_is_divided_into_words(code: str, clean: str, many: int) -> None:
    """The strength is a share of the words of a list, so that a half of it leaves some words as they are."""
    noised = _noise(clean, code, "wrong_layout:0.5")
    assert noised.eligible == many
    assert 0 < sum(noised.edits.values()) < many


def test_signs_stay_within_the_spans_of_their_words() -> None:
    """A word that begins and ends with letters on the keys of signs keeps its edges; a frozen one its letters."""
    noised = _noise("Люблю жаб и юбку", "ru", "wrong_layout:1", Span(0, 5), Span(6, 9), Span(12, 16, frozen=True))
    assert noised.text.value == "K.,k. ;f, b юбку"
    assert [noised.text.at(span) for span in noised.text.spans] == ["K.,k.", ";f,", "юбку"]


def test_a_decomposed_text_is_typed_as_a_composed_one() -> None:
    """NFD Korean and Greek give the same keys."""
    for code, value in (("ko", "안녕"), ("el", "καλή"), ("vi", "tiếng")):
        noised = _noise(unicodedata.normalize("NFD", value), code)
        assert noised.text.value == _noise(value, code).text.value


@pytest.mark.parametrize("step", some([1, 3], (3,)))
def test_what_is_bijective_on_both_layouts_comes_back(step: int) -> None:
    """For all pairs of keyboards, every sign that is not an exception, and some are none; kana as hiragana."""
    names = keyboards.names()
    hiragana = {point + 0x60: point for point in range(0x3041, 0x3097)}
    for typed in names:
        signs = {sign for key in keyboards.layout(typed).keys for sign in key.levels if sign}
        for on in names[len(typed) % step :: step]:
            back = signs - {sign for sign, _ in retyping.irreversible(typed, on)}
            for sign in back:
                form = retyping.retyped(sign, typed, on)
                assert form is not None
                expected = sign.translate(hiragana) if typed == "jp-kana" else sign
                assert retyping.retyped(form, on, typed) == expected, (typed, on, sign)
            assert len(back) > 9, (typed, on)


_RETURNING = (
    "ar", "bg", "bn", "de", "el", "fa", "he", "hu", "ka", "kk", "mr", "my", "ru", "ta", "te", "th", "tr", "uk", "ur",
)  # fmt: skip


@pytest.mark.parametrize("code", _RETURNING)
def test_words_come_back_with_their_signs_by_the_layouts_in_reverse(code: str) -> None:
    """By default, all that is between blanks, with commas and quotes, if each of its keys comes back alone."""
    typed, on = pair(code, AUTO, AUTO)
    lost = {sign for sign, reason in retyping.irreversible(typed, on) if reason != "several code points"}
    words = [word for word in sample(code, 300) if (on_keys(typed) - lost) >= set(word)]
    assert len(words) > (100 if code not in ("bn", "el", "th") else 10)
    there, back = there_and_back(words, code, typed, on)
    assert back == words
    assert sum(map(ne, words, there)) > 0.2 * len(words)


def test_words_come_back_on_every_offered_pair_of_layouts() -> None:
    """A sample of all pairs of a language's keyboard and a layout, for which both directions are offered."""
    layouts = [name for name in layout_names() if name not in (AUTO, *retyping.METHODS)]
    pairs = [(code, typed, on) for code in LANGUAGES for typed in keyboards_of(code) for on in layouts]
    tried = 0
    for code, typed, on in pairs[::211]:
        if typed not in retyping.METHODS and offered(code, typed, on) and typist_of(on, typed):
            words = [word for word in sample(code, 40) if returning(word, typed, on)]
            assert there_and_back(words, code, typed, on)[1] == words, (code, typed, on)
            tried += len(words)
    assert tried > 100


def test_greek_and_bengali_come_back_from_dead_keys_and_from_keys_of_several_code_points() -> None:
    """The sign that a dead key gives is a part of the word on the way back."""
    for code, words in (("el", ["Δευτέρα,", "επιστήμονες", "Ώρα"]), ("bn", ["প্রায়", "সময়"]), ("te", ["స్కూల్"])):
        typed, on = pair(code, AUTO, AUTO)
        there, back = there_and_back(words, code, typed, on)
        assert back == words
        assert not set(there) & set(words)


@pytest.mark.parametrize(("code", "value"), [
    ("fr", "1990 (1,5) 10% à"), ("fa", "۱۹۹۰"), ("hi", "१९९०"), ("en", "1990 3.5"), ("ru", "1990, (100)"),
])  # fmt: skip
def test_numbers_are_not_typed(code: str, value: str) -> None:
    """Neither a number nor a word that would become one, on layouts that have digits elsewhere as well."""
    noised = _noise(value, code)
    assert (noised.text.value, noised.eligible) == (value, 0)


def test_a_sign_without_a_key_is_beside_words() -> None:
    """Quotes and dashes that a layout does not have stay, and so do signs that both have in the same place."""
    assert _noise("«Люблю» — жаб, ж.", "ru").text.value == "«K.,k.» — ;f,? ;/"
    assert _noise(";f,? ;/ «K.,k.»", "en").text.value == "жаб, ж. «Люблю»"


def test_exceptions_are_composed_several_double_and_missing() -> None:
    """Each reason is given for a sign that has it, and for no sign that comes back."""
    assert dict(retyping.irreversible("ara", "us"))["لا"] == "several code points"
    assert dict(retyping.irreversible("us", "ara"))["b"] == "several code points"
    assert dict(retyping.irreversible("gr", "us"))[f"{DEAD}\u0301"] == "dead key"
    assert dict(retyping.irreversible("pl", "us"))["ą"] == "no AltGr there"
    assert dict(retyping.irreversible("hu", "us"))["í"] == "no key there"
    assert dict(retyping.irreversible("us", "ru"))["|"] == "also on another key"
    assert not {*dict(retyping.irreversible("ru", "us"))} & {*language("ru").alphabet}


@pytest.mark.parametrize("name", ["ko-2set", "vi-telex", "vi-vni"])
def test_methods_come_back(name: str) -> None:
    """Syllables of Korean, and those of Vietnamese that are written most, come back from their keys."""
    syllables = [chr(point) for point in range(0xAC00, 0xD7A4, 7)]
    if name != "ko-2set":
        syllables = [row["syllable"] for row in packs.table("input", "vi-syllables").rows]
    lost = [s for s in syllables if retyping.retyped(retyping.retyped(s, name, "us") or "", "us", name) != s]
    assert len(lost) <= 0.02 * len(syllables), lost


def test_kana_comes_back() -> None:
    """From romaji and from the kana keyboard, as hiragana."""
    for name in ("ja-romaji", "jp-kana"):
        for kana in ("がっこう", "きょうはいいてんきです", "ぱんだ", "しんじゅく"):
            keys = retyping.retyped(kana, name, "us")
            assert keys
            assert retyping.retyped(keys, "us", name) == kana


@pytest.mark.parametrize(("spec", "code", "named"), [
    ("@layout=us", "en", "@layout=us"), ("@layout=gb", "en", "@layout=gb"), ("@keyboard=ru", "en", "cm-qwerty"),
    ("@layout=ru", "ru", "'@layout=ru'"),
])  # fmt: skip
def test_a_layout_that_changes_nothing_is_refused(spec: str, code: str, named: str) -> None:
    """A language is not silently left clean: one line names the layout."""
    with pytest.raises(SpecError, match=named):
        _noise("a б", code, f"wrong_layout:1{spec}")


def test_all_languages_with_a_keyboard_have_a_layout_that_changes_them() -> None:
    """Of more than one letter of the alphabet."""
    for code in filter(wrong_layout.serves, ALL_LANGUAGES):
        typed, on = pair(code, AUTO, AUTO)
        assert typed in keyboard_names()
        assert on in layout_names()
        assert len(changed(code, typed, on)) >= 2 or code in ("ja", "zh")


def test_parts_of_a_sign_are_typed_in_their_order() -> None:
    """Malayalam ൌ, which has no key, is the keys of its two parts, the first part first."""
    assert there_and_back(["സൌഹൃദം"], "ml", "in-mal-enhanced", "us") == (["mzqu=ox"], ["സൌഹൃദം"])

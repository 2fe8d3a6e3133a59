"""keyboard_typo: what a key comes out as in each script, and what it never comes out as."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import regex
from tests.conformance.clusters import own_letters
from tests.conformance.texts import SENTENCES
from tests.real.test_alphabets import _whole as sentences
from tests.some import some

from robust_xtreme import perturb
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import LANGUAGES, LOW_RESOURCE, belongs, combines, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.input.typing import reached, slot, typing_errors
from robust_xtreme.noise.members.keyboard_typo import METHODS, RATES, keyboard_typo, layouts, layouts_of

TYPED = tuple(code for code in LANGUAGES if layouts_of(code) and layouts_of(code)[0] not in METHODS)
"""The languages typed on a keyboard, without an input method."""


@cache
def _table(code: str, layout: str = "") -> dict[tuple[str, str], dict[str, int]]:
    groups: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for typing_error in typing_errors(keyboards.layout(layout or keyboards.of_language(code)[0]), code):
        groups[typing_error.point, typing_error.kind][typing_error.form] = typing_error.weight
    return groups


def _forms(code: str, point: str, kind: str, layout: str = "") -> set[str]:
    return set(_table(code, layout).get((point, kind), {}))


def _noise(value: str, code: str, more: str = "", strength: str = "1", spans: tuple[Span, ...] = ()) -> Noised:
    return noise_texts([Text("t", code, value, spans)], PerturbationSpec.parse(f"keyboard_typo:{strength}{more}"), 0)[0]


def _long(code: str, more: str, strength: str = "1", times: int = 400) -> Counter[str]:
    """How often each kind happens on a long text."""
    spec = PerturbationSpec.parse(f"keyboard_typo:{strength}{more}")
    noised = noise_texts([Text(f"{n}", code, SENTENCES[code]) for n in range(times)], spec, 0)
    return sum((Counter(dict(text.edits)) for text in noised), Counter())


def _bare(value: str) -> set[str]:
    """The marks that begin a cluster."""
    return {match[0] for match in regex.findall(r"\X", value) if unicodedata.category(match[0])[0] == "M"}


def _stays_whole(noised: Noised) -> None:
    """No mark begins a cluster that began none before, and composed text stays composed."""
    clean, noisy = noised.clean.value, noised.text.value
    assert _bare(noisy) <= _bare(clean), (clean, noisy)
    if unicodedata.is_normalized("NFC", clean):
        assert unicodedata.is_normalized("NFC", noisy), (clean, noisy)


@pytest.mark.parametrize(
    ("code", "point", "near"),
    [
        ("en", "g", "fhtyvb"),
        ("en", "G", "FHTYVB"),
        ("fr", "q", "sazw"),
        ("de", "z", "tugh"),
        ("tr", "ğ", "püşi"),
        ("tr", "ı", "uojk"),
        ("ru", "й", "цф"),
        ("el", "α", "σςζ"),
        ("he", "ש", "דז"),
        ("ar", "ل", "باغفر"),
        ("ka", "ტ", ""),
        ("hi", "क", "रतगदस"),
        ("th", "ก", "หดพป"),
        ("my", "က", "ပင"),
    ],
)
def test_a_neighbouring_key_types_what_is_beside_it(code: str, point: str, near: str) -> None:
    """Keys within 1.25 pitches replace a key, where they type a letter of the same kind."""
    assert _forms(code, point, "neighbour") >= set(near)
    assert len(_forms(code, point, "neighbour")) <= 6


def test_keys_of_the_same_row_are_hit_more_often() -> None:
    """Beside g, f and h weigh more than t and v, and these more than keys further off."""
    weights = _table("en")["g", "neighbour"]
    assert weights == {"f": 3, "h": 3, "t": 2, "v": 2, "y": 1, "b": 2} or weights["f"] == weights["h"] > weights["t"]


def test_a_neighbour_struck_along_comes_before_or_after() -> None:
    """An inserted letter is that of a neighbouring key; a dead key lets it come after only."""
    assert {"as", "sa", "aq", "qa"} <= _forms("en", "a", "insert")
    assert all(form[0] == "é" for form in _forms("es", "é", "insert"))


def test_shift_gives_the_other_case_of_the_same_key() -> None:
    """The layout's own pairs: Turkish i has İ, ı has I; German ß has no capital; InScript and Kedmanee have letters."""
    assert _forms("tr", "i", "shift") == {"İ"}
    assert _forms("tr", "I", "shift") == {"ı"}
    assert _forms("az", "İ", "shift") == {"i"}
    assert _forms("de", "ö", "shift") == {"Ö"}
    assert _forms("de", "ß", "shift") == set()
    assert _forms("el", "ά", "shift") == {"Ά"}
    assert _forms("hi", "क", "shift") == {"ख"}
    assert _forms("th", "ก", "shift") == {"ฏ"}
    assert _forms("ka", "ტ", "shift") == {"თ"}
    assert _forms("hi", "ख", "shift") == set()


def test_shift_that_types_another_letter_is_missed_as_often_as_any_key() -> None:
    """Such letters lose Shift, across slots too (Thai เป็น, เป้น), at the rate of a missed key; other letters do not."""
    assert _forms("th", "็", "unshift") == {"้"}
    assert _forms("th", "โ", "unshift") == {"ด"}
    assert _forms("ka", "თ", "unshift") == {"ტ"}
    assert _forms("th", "ก", "unshift") == _forms("en", "A", "unshift") == set()
    texts = [Text(f"{number}", "th", "ษศณซ" * 50) for number in range(40)]
    noised_texts = noise_texts(texts, PerturbationSpec.parse("keyboard_typo:0.3"), 0)
    counts = sum((Counter(noised.edits) for noised in noised_texts), Counter())
    assert counts["unshift"] / counts["delete"] == pytest.approx(1, abs=0.15)
    assert not counts["shift"]


@pytest.mark.parametrize(
    ("code", "value", "noisy"),
    [
        ("ar", "مدرسة", {"مدرسه"}),
        ("ar", "على", {"علي"}),
        ("ar", "هذا", set()),
        ("ar", "أمل", {"امل"}),
        ("ar", "رئة", {"رية", "رئه"}),
        ("fa", "آب", {"اب"}),
        ("hi", "कि", {"की"}),
        ("hi", "हूँ", {"हुँ", "हूं"}),
        ("en", "the", set()),
    ],
)
def test_letters_are_confused_as_their_language_does(code: str, value: str, noisy: set[str]) -> None:
    """Hamza is left out; final ة and ه, ى and ي, long and short vowels, anusvara and chandrabindu are exchanged."""
    only = "".join(f"@{kind}=0" for kind in RATES if kind != "confusion")
    texts = [Text(f"{number}", code, value) for number in range(60)]
    noised = noise_texts(texts, PerturbationSpec.parse(f"keyboard_typo:0.4{only}"), 0)
    assert {each.text.value for each in noised} - {value} >= noisy
    assert noisy or {each.text.value for each in noised} == {value}


def test_yoruba_has_marks_on_its_own_letters_only() -> None:
    """An accent beside a wrong letter does not come out on it: no j́, s̀, r̀, composed or decomposed."""
    forms = {form for variants in _table("yo").values() for form in variants}
    clusters = {cluster for value in _noise_all("yo", "ń ó ẹ̀ bẹ́ṣẹ̀ ọ̀rẹ́") for cluster in split(value)}
    assert {"ó", "ò"} & forms
    assert not [cluster for cluster in clusters if not combines("yo", cluster)]
    assert not [cluster for cluster in ("j́", "s̀", "r̀", "ẹ̄") if combines("yo", cluster)]
    assert all(combines("yo", cluster) for cluster in ("ẹ̀", "Ọ́", "m̀", "n̄", "a", "ṣ"))


def _noise_all(code: str, value: str) -> list[str]:
    values = (value, unicodedata.normalize("NFD", value))
    texts = [Text(f"{number}/{form}", code, form) for number in range(150) for form in values]
    return [noised.text.value for noised in noise_texts(texts, PerturbationSpec.parse("keyboard_typo:0.5"), 0)]


def test_georgian_gets_no_capitals() -> None:
    """Mtavruli capitals exist in Unicode; no keyboard types them, so they never come out."""
    assert not [form for forms in _table("ka").values() for form in forms if regex.search(r"\p{Lu}", form)]


def test_a_dead_key_is_missed_or_another_one_is_struck() -> None:
    """A letter typed by a dead key loses its accent or gets another one that the alphabet has; none is alone."""
    assert _forms("el", "ά", "accent") >= {"α"}
    assert _forms("es", "é", "accent") == {"e"}
    assert _forms("fr", "ê", "accent") >= {"e", "ë"}
    assert not any(unicodedata.category(form[0]) == "Sk" for forms in _table("fr").values() for form in forms if form)


def test_altgr_is_missed() -> None:
    """Polish letters on AltGr come out plain; German and Spanish ones with keys of their own keep their dots."""
    assert _forms("pl", "ą", "accent") == {"a"}
    assert _forms("pl", "Ł", "accent") == {"L"}
    assert _forms("de", "ö", "accent") == set()
    assert _forms("es", "ñ", "accent") == set()


def test_a_decomposed_accent_is_missed_or_exchanged() -> None:
    """In a decomposed text the accent is a code point of its own."""
    assert "" in _forms("es", "\u0301", "accent")
    assert "\u0308" in _forms("fr", "\u0302", "accent")
    assert _forms("de", "\u0308", "accent") == set()


def test_an_accent_without_a_key_is_missed() -> None:
    """One Yoruba keyboard has no key for tones: however á is typed, it comes out as a; ẹ has a key and stays."""
    assert "a" in _forms("yo", "á", "accent", "ng-yoruba")
    assert "" in _forms("yo", "\u0301", "accent", "ng-yoruba")
    assert _forms("yo", "ẹ", "accent", "ng-yoruba") == set()


def test_a_burmese_letter_is_missed_where_no_sign_is_left_alone() -> None:
    """သည် loses no letter that bears a sign which its neighbour cannot bear; a letter alone is missed as elsewhere."""
    spec = "keyboard_typo:1@neighbour=0@insert=0@double=0@swap=0@shift=0@unshift=0"
    values = [f"ကစ{'က' * number}" for number in range(40)]
    assert {"က", "စ"} & set(perturb(values, spec, language="my"))
    noised = "".join(perturb([f"{'က' * number} ကာ" for number in range(40)], spec, language="my"))
    assert " ာ" not in noised
    assert not noised.startswith("ာ")


def test_burmese_letters_that_are_missed_together_leave_no_sign_alone() -> None:
    """Of တရာ one of the two letters before the sign is missed, not both; စေပါ does not become စါ."""
    spec = "keyboard_typo:1@neighbour=0@insert=0@double=0@swap=0@shift=0@unshift=0"
    noised = [*perturb([f"{'က' * number} တရာ စေပါ" for number in range(40)], spec, language="my")]
    signed = {pair for value in noised for pair in map("".join, pairwise(" " + value)) if pair[1] in "ါာ"}
    assert signed <= language("my").combinations
    assert {"တာ", "ရာ"} <= signed


def test_signs_of_a_syllable_are_missed_or_give_way_to_their_like() -> None:
    """A virama or vowel sign may be missed; a sign replaces a sign of its slot, none is doubled."""
    assert _forms("hi", "्", "delete") == {""}
    assert _forms("hi", "ि", "delete") == {""}
    assert _forms("hi", "ि", "neighbour") <= set("ािीुूृेैोौॉॅ")
    assert _forms("th", "ิ", "neighbour") <= set("ัีึื็")
    assert _forms("my", "ု", "neighbour") <= {"ူ"}
    for code in ("hi", "th", "my", "ta"):
        assert not [point for (point, kind) in _table(code) if kind == "double" and regex.fullmatch(r"\p{M}", point)]


@pytest.mark.parametrize("code", TYPED)
def test_every_letter_can_be_mistyped(code: str) -> None:
    """On the usual layout every letter that has a key is missed, and most have a neighbour."""
    layout = keyboards.layout(keyboards.of_language(code)[0])
    letters = [letter for letter in language(code).alphabet if len(letter) == 1 and layout.strokes(letter)]
    missed = [letter for letter in letters if _forms(code, letter, "delete") == {""}]
    assert missed == letters
    near = [letter for letter in letters if _forms(code, letter, "neighbour")]
    assert len(near) >= 0.6 * len(letters), sorted(set(letters) - set(near))


@pytest.mark.parametrize("code", TYPED)
def test_only_letters_and_marks_of_the_language_come_out(code: str) -> None:
    """Whatever a key comes out as is made of letters of the alphabet, in both cases, and of its marks."""
    for (point, kind), forms in _table(code).items():
        assert kind in RATES
        strange = {
            cluster for form in forms for cluster in split(form) if not (belongs(code, cluster) or cluster == point)
        }
        assert not {cluster for cluster in strange if unicodedata.category(cluster)[0] != "M"}, (point, kind, forms)


@pytest.mark.parametrize("code", [*TYPED, "vi"])
def test_what_replaces_a_letter_has_its_slot(code: str) -> None:
    """A consonant gives way to consonants, a sign to signs of its slot; only Shift changes the slot."""
    layout = keyboards.of_language(code)[0]
    for (point, kind), forms in _table(code, layout).items():
        if kind == "unshift":
            continue
        slots = {slot(letter) for form in forms for letter in form} - {"accent"}
        assert slots <= {slot(point)}, (point, forms)


def test_rates_are_tunable() -> None:
    """A kind whose rate is 0 never happens; one that alone has a rate is all that happens."""
    assert _long("en", "@delete=0")["delete"] == 0
    only = "".join(f"@{kind}=0" for kind in RATES if kind != "neighbour")
    assert {kind for kind, many in _long("en", only).items() if many} == {"neighbour"}


def test_the_mix_follows_the_rates() -> None:
    """On a long text kinds that every letter allows happen in the ratio of their rates."""
    for changed in ({}, {"double": "4"}):
        rates = RATES | changed
        counts = _long("sw", "".join(f"@{kind}={rate}" for kind, rate in changed.items()), "0.05", 4000)
        for kind in ("insert", "delete", "double"):
            ratio = float(rates[kind]) / float(rates["neighbour"])
            assert counts[kind] / counts["neighbour"] == pytest.approx(ratio, rel=0.15), kind


def test_words_in_another_script_are_left_alone() -> None:
    """A Latin name in a Greek, Hindi or Thai text gets no foreign letters and is not touched."""
    for code in ("el", "hi", "th", "ru", "my"):
        assert _noise("NASA www", code).eligible == 0


def test_input_methods_serve_their_language_only() -> None:
    """Telex cannot type German, and the message says what can."""
    with pytest.raises(SpecError, match="vi-telex"):
        _noise("Kinder", "de", "@layout=vi-telex")


def test_a_layout_that_cannot_type_a_language_is_refused() -> None:
    """A Russian keyboard reaches no letter of English: one line, with the layouts that do."""
    russian, usual = keyboards.of_language("ru")[0], keyboards.of_language("en")[0]
    with pytest.raises(SpecError) as caught:
        _noise("The children", "en", f"@layout={russian}")
    assert f"@layout={usual}" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(SpecError, match="ko-2set"):
        _noise("아이들", "ko", "@layout=kr")
    with pytest.raises(SpecError, match="knows no 'colemak'"):
        _noise("The children", "en", "@layout=colemak")


def test_another_layout_can_be_chosen() -> None:
    """German on a US keyboard has z beside x, on its own beside u; Vietnamese on its keyboard has dead keys."""
    assert "x" in _forms("de", "z", "neighbour", "us")
    assert layouts()[0] == "auto"
    assert _noise("Zeit zum Zug", "de", "@layout=us").text != _noise("Zeit zum Zug", "de").text
    assert {"e", "ê"} & _forms("vi", "ế", "accent", "vn")


@pytest.mark.parametrize("code", some(LANGUAGES, 12))
def test_every_language_is_served(code: str) -> None:
    """Each of the fifty languages has a keyboard or an input method, and typos on it."""
    assert keyboard_typo.serves(code)
    assert any(_noise(SENTENCES[code], code).edits.values())


def test_a_language_without_keyboard_is_reported() -> None:
    """Of the low-resource languages those with a keyboard are served; the others say what they do not have."""
    for code in LOW_RESOURCE:
        assert keyboard_typo.lacks(code) == ("" if layouts_of(code) else "no keyboard pack")


def test_the_usual_layout_reaches_the_alphabet() -> None:
    """The default keyboard of each language types at least seven eighths of its plain letters."""
    for code in TYPED:
        letters, size = reached(keyboards.layout(keyboards.of_language(code)[0]), code)
        assert letters >= 0.875 * size, f"{code}: {letters} of {size}"


@pytest.mark.real
@pytest.mark.parametrize("code", some(LANGUAGES, 10))
@pytest.mark.parametrize("count", [20, pytest.param(50, marks=pytest.mark.long)])
def test_real_sentences_keep_their_clusters(data: Path, code: str, count: int) -> None:
    """With every letter mistyped no cluster is broken, and 95 % of those put in are the language's own."""
    lines = [line for line in sentences(data, code).splitlines() if line.strip()][:count]
    spec = PerturbationSpec.parse("keyboard_typo:1")
    noised_lines = noise_texts([Text(f"{n}", code, line[:300]) for n, line in enumerate(lines)], spec, 0)
    for noised in noised_lines:
        _stays_whole(noised)
    counts = Counter(known for noised in noised_lines for known in own_letters(noised))
    assert counts[True] >= 0.95 * counts.total(), f"{code}: {counts[False]} foreign clusters of {counts.total()}"

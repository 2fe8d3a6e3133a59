"""char_noise: what it does to letters, and what it leaves alone."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest

from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.letters import alphabet
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts


def _noise(value: str, code: str = "en", ops: str = "", strength: str = "1", spans: tuple[Span, ...] = ()) -> Noised:
    spec = PerturbationSpec.parse(f"char_noise:{strength}" + (f"@ops={ops}" if ops else ""))
    return noise_texts([Text("t", code, value, spans)], spec, 0)[0]


def _many(value: str, code: str, ops: str) -> set[str]:
    spec = PerturbationSpec.parse(f"char_noise:1@ops={ops}")
    return {noised.text.value for noised in noise_texts([Text(f"{n}", code, value) for n in range(300)], spec, 0)}


def test_digits_punctuation_and_emoji_are_never_touched() -> None:
    """Without letters nothing is eligible, at any strength."""
    noised = _noise("12,5 % (3-4)! 👩‍🚀 €")
    assert (noised.eligible, noised.status, noised.text.value) == (0, "unchanged", noised.clean.value)


def test_replacements_are_other_letters_of_the_alphabet_in_the_same_case() -> None:
    """A small letter gives every other small letter of the alphabet, a capital every other capital, never itself."""
    small = set(language("sw").alphabet)
    assert _many("a", "sw", "replace") == small - {"a"}
    assert _many("A", "sw", "replace") == {letter.upper() for letter in small} - {"A"}


def test_a_turkish_capital_is_dotted_as_turkish_has_it() -> None:
    """The capital of i is İ and that of ı is I in Turkish and Azerbaijani."""
    for code in ("tr", "az"):
        assert {"I", "İ"} <= _many("A", code, "replace")


def test_a_letter_of_a_foreign_script_is_never_replaced() -> None:
    """A Latin name in a Thai or Greek text is edited in other ways, but gets no Thai letter."""
    noised = _noise("NASA", "th", "replace")
    assert noised.eligible == 0
    assert set(_noise("NASA", "th").text.value) <= set("NASA")


def test_a_burmese_letter_stays_before_its_sign() -> None:
    """No operator leaves a word that begins with a sign (ာ), or a sign after a letter that does not combine with it.

    A letter without a sign is deleted like any other.
    """
    assert not any(value.startswith("ာ") for value in _many("မာ", "my", "delete,swap,replace,double"))
    assert _many("မာ", "my", "delete") == {"မာ"}
    assert _many("ပပမာ", "my", "delete") == {"ပမာ"}
    assert _many("ပမာ", "my", "swap") == {"ပမာ"}
    replaced = {value[0] for value in _many("မာ", "my", "replace")} - {"မ"}
    assert replaced
    assert {letter + "ာ" for letter in replaced} <= language("my").combinations


def test_a_letter_is_replaced_within_its_own_script() -> None:
    """Japanese mixes scripts: kana give kana, kanji give kanji."""
    for value in ("ひ", "カ", "水"):
        scripts = {unicodedata.name(letter).split()[0] for letter in _many(value, "ja", "replace")}
        assert scripts == {unicodedata.name(value).split()[0]}


def test_a_letter_goes_with_its_marks() -> None:
    """A Hindi syllable is deleted, doubled or swapped as one, and its replacement takes the place of all of it."""
    assert split(_noise("किताब", "hi", "double").text.value) == ["कि", "कि", "ता", "ता", "ब", "ब"]
    assert all(len(split(form)) == 1 for form in _many("कि", "hi", "replace"))


def test_a_lone_letter_is_never_deleted() -> None:
    """Deletion alone cannot empty a text or a span: one letter of each stays."""
    assert _noise("a", ops="delete").text.value == "a"
    noised = _noise("ab cd ef", ops="delete", spans=(Span(0, 2), Span(3, 5), Span(6, 8), Span(3, 8)))
    assert all(noised.text.at(span) for span in noised.text.spans)
    assert noised.edits["delete"] == 3


def test_swaps_stay_inside_words_and_change_something() -> None:
    """Equal neighbours are not swapped, nor letters across a space, a digit or the edge of a span."""
    assert _noise("aa b c1d", ops="swap").eligible == 0
    assert _noise("ab", ops="swap").text.value == "ba"
    assert _noise("ab", ops="swap", spans=(Span(0, 1),)).eligible == 0


def test_of_overlapping_swaps_one_happens() -> None:
    """At strength 1 all swaps are chosen, and those with the smallest draws win over their neighbours."""
    noised = _noise("abcdefghij" * 20, ops="swap")
    moves = noised.traces[0].moves
    assert all(first[1] <= second[0] for first, second in pairwise(moves))
    assert 50 < len(moves) < 100


def test_every_operator_is_as_likely_as_the_others() -> None:
    """Where a letter allows all four, each happens in about a quarter of the edits."""
    noised = _noise("abcdefghij" * 2_000, strength="0.1")
    assert all(0.21 < many / sum(noised.edits.values()) < 0.29 for many in noised.edits.values())


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("hi", "क्अक क्अक"),
        ("ml", "അവന്റെ ആണ് അക്"),
        ("ko", "가\u11a8 한 \u1100 하"),
        ("hi", "\u0301क ख\n\u093fग"),
        ("en", "\u0600a b🇩c🇪d"),
    ],
)
def test_what_would_join_is_kept_apart(code: str, value: str) -> None:
    """Whatever happens, no two clusters become one: what waits for more keeps its neighbour."""
    spec = PerturbationSpec.parse("char_noise:1")
    allowed = set(split(value)) | set(language(code).alphabet) | {letter.upper() for letter in language(code).alphabet}
    for noised in noise_texts([Text(f"{n}", code, value) for n in range(200)], spec, 0):
        assert set(split(noised.text.value)) <= allowed


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_the_letters_of_every_language_can_replace_one_another(code: str) -> None:
    """Each alphabet gives at least twenty usable letters, none of which joins with a neighbour."""
    letters = alphabet(code)
    assert int(letters.size.max()) >= 20
    assert letters.replaceable.any()
    assert len(letters.keys) == len(set(letters.keys.tolist()))

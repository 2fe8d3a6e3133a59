"""The fifty languages: look-up, errors, and what a pack may write."""

from __future__ import annotations

import pytest

from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.languages import (
    ALL_LANGUAGES,
    LANGUAGES,
    LOW_RESOURCE,
    _letters,
    belongs,
    codes,
    group_of,
    language,
)


def test_there_are_fifty_languages_in_order() -> None:
    """XTREME-R covers fifty languages; the tuple is sorted and contains each once."""
    assert len(LANGUAGES) == len(set(LANGUAGES)) == 50
    assert list(LANGUAGES) == sorted(LANGUAGES)


def test_low_resource_tasks_add_languages_that_are_not_among_the_fifty() -> None:
    """The languages of MasakhaNER 2.0 and AmericasNLI beside XTREME-R's: served, sorted, in a group of their own."""
    assert len(LOW_RESOURCE) == len(set(LOW_RESOURCE)) == 26
    assert not set(LOW_RESOURCE) & set(LANGUAGES)
    assert list(LOW_RESOURCE) == sorted(LOW_RESOURCE)
    assert list(ALL_LANGUAGES) == sorted({*LANGUAGES, *LOW_RESOURCE})
    assert codes("ha sw") == ("ha", "sw")
    assert (group_of("ha"), group_of("sw")) == ("low-resource", "xtreme-r")
    hausa = language("ha")
    assert (hausa.name, hausa.family, hausa.standing) == ("Hausa", "Afro-Asiatic", "attested")
    assert {"ɓ", "ɗ", "ƙ", "ƴ"} <= set(hausa.alphabet)


def test_swahili_is_described() -> None:
    """A language carries its name, script, family, direction, word separation and alphabet."""
    swahili = language("sw")
    assert (swahili.name, swahili.script, swahili.family) == ("Swahili", "Latn", "Niger-Congo")
    assert (swahili.direction, swahili.spaces, swahili.standing) == ("ltr", True, "attested")
    assert {"a", "c", "h"} <= set(swahili.alphabet), "the digraph ch is split into its letters"
    assert "q" not in swahili.alphabet


def test_an_unknown_language_is_named_with_the_nearest() -> None:
    """An unknown code raises one line with the nearest code and the command that lists them."""
    with pytest.raises(UnknownName, match=r"Did you mean 'sw'\?"):
        language("SW")
    with pytest.raises(UnknownName, match="'sw'"):
        language("swa")


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("deu", "de"),
        ("ger", "de"),
        ("fra", "fr"),
        ("fre", "fr"),
        ("est", "et"),
        ("eus", "eu"),
        ("baq", "eu"),
        ("fil", "tl"),
        ("pes", "fa"),
        ("cmn", "zh"),
        ("zsm", "ms"),
        ("swh_Latn", "sw"),
        ("zho-Hans", "zh"),
        ("ENG", "en"),
        ("hin", "hi"),
    ],
)
def test_a_code_of_three_letters_means_its_language(code: str, meant: str) -> None:
    """By ISO 639, in both sets of three letters; a macrolanguage's main language; and in any case, before a script."""
    with pytest.raises(UnknownName, match=f"Did you mean '{meant}'"):
        language(code)


@pytest.mark.parametrize(
    "code", ["swe", "igb", "thi", "mlt", "fo", "lu", "to", "mo", "sww", "ces", "ces_Latn", "sv-SE"]
)
def test_a_code_is_not_taken_for_one_that_it_resembles(code: str) -> None:
    """Faroese (fo) is not Fon, Luba-Katanga (lu) not Luo, Ebira (igb) not Igbo, and Maltese (mlt) not Malayalam."""
    with pytest.raises(UnknownName, match="There are: af, ar"):
        language(code)


def test_codes_are_checked_and_keep_their_order() -> None:
    """A list of codes is validated as a whole and keeps the order in which it was written."""
    assert codes("tr  et\nzh") == ("tr", "et", "zh")
    with pytest.raises(UnknownName, match="'xx'"):
        codes("et xx")


def test_a_pack_may_write_runs_of_code_points() -> None:
    """`a-d` means four letters; a hyphen within a longer token, and a cluster, mean themselves."""
    assert list(_letters("a-d ẹ̀ z")) == ["a", "b", "c", "d", "ẹ̀", "z"]


def test_marks_and_punctuation_are_read_from_the_pack() -> None:
    """A language carries its marks (main set, then auxiliary), its signs and its punctuation; most have no marks."""
    hindi = language("hi")
    assert {"\u093c", "\u094d", "\u093f"} <= set(hindi.marks)
    assert hindi.marks.index("\u094d") < hindi.marks.index("\u200d"), "joiners are in the auxiliary set"
    assert {"।", "?"} <= set(hindi.punctuation)
    assert language("th").signs == ("ๆ",)
    assert (language("en").marks, language("en").signs) == ((), ())


@pytest.mark.parametrize(
    ("code", "clusters"),
    [
        ("en", ["a", "Z", "!", "7", " ", "\n", "\u00a0"]),
        ("hi", ["क", "कि", "क्षि", "क\u093c", "\u0958", "१", "।"]),
        ("yo", ["ẹ\u0301", "Ẹ\u0301", "e\u0323\u0301"]),
        ("vi", ["ế", "e\u0302\u0301", "Ế"]),
        ("tr", ["İ", "I", "ı", "i"]),
        ("de", ["ẞ", "Ü"]),
        ("el", ["ΐ", "Ϊ\u0301"]),
        ("fa", ["ی\u200c", "۴", "؟"]),
        ("my", ["က္က", "ကို", "ာ", "ာ့", "၊"]),
        ("th", ["กำ", "ที่", "ๆ", "๓"]),
        ("ko", ["한", "\u1112\u1161\u11ab"]),
        ("ja", ["が", "カ\u3099", "ー", "。", "２"]),
        ("uk", ["ʼ", "ї"]),
    ],
)
def test_what_a_language_is_written_with_belongs(code: str, clusters: list[str]) -> None:
    """Letters in either case and normal form, with marks, in conjuncts, punctuation, digits and white space belong."""
    assert [cluster for cluster in clusters if not belongs(code, cluster)] == []


@pytest.mark.parametrize(
    ("code", "clusters"),
    [
        ("en", ["é", "e\u0301", "б", "¿", "१", "", "\u0301", "🙂"]),
        ("hi", ["ि", "\u094d", "a", "ক", "কি", "٣"]),
        ("ar", ["پ", "۔", "\u064e"]),
        ("sw", ["q", "x"]),
        ("tr", ["w", "q"]),
        ("ko", ["ᄒ", "日"]),
        ("vi", ["a\u0302\u0303\u0301", "f"]),
    ],
)
def test_what_it_is_not_written_with_does_not(code: str, clusters: list[str]) -> None:
    """Foreign letters, marks and digits, and marks without a letter, do not belong."""
    assert [cluster for cluster in clusters if belongs(code, cluster)] == []

"""Key errors of romaji and of the conversion to kanji."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from robust_xtreme import perturb
from robust_xtreme.core import packs
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.languages import language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.key_error_table import KeyingError, compiled
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.input import kana as _kana

KINDS = ("neighbour", "insert", "delete", "double", "candidate", "syllable")
SMALL = set("ぁぃぅぇぉゃゅょゎァィゥェォャュョヮ")


@pytest.fixture(scope="module")
def rows() -> list[KeyingError]:
    """All key errors."""
    return list(_kana.key_errors())


def _forms(rows: list[KeyingError], point: str) -> dict[str, set[str]]:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.point + row.tail == point:
            groups[row.kind].add(row.form + row.tail)
    return groups


def _noised(text: str, options: str = "") -> set[str]:
    """What comes of a text in 200 draws in which every unit has a key error."""
    texts = [Text(str(number), "ja", text) for number in range(200)]
    spec = PerturbationSpec.parse(f"keyboard_typo:1@neighbour=0@insert=0@delete=0@double=0{options}")
    return {noised.text.value for noised in noise_texts(texts, spec, 0)}


@pytest.mark.parametrize(
    ("keys", "kana"), [("kitte", "きって"), ("kka", "っか"), ("no", "の"), ("n", "ん"), ("nna", "んあ"), ("", "")]
)
def test_keys_give_kana(keys: str, kana: str) -> None:
    """The longest match counts, and a double consonant is a small tsu."""
    assert _kana.romaji().decode(keys) == kana


@pytest.mark.parametrize("keys", ["k", "kt", "qz", "kak", "kk", "x", "la"])
def test_letters_left_over_are_not_kana(keys: str) -> None:
    """What leaves a letter, or types a small kana of its own, is not a key error."""
    assert _kana.romaji().decode(keys) is None


def test_kinds_of_one_kana(rows: list[KeyingError]) -> None:
    """の misses a key, doubles one, and takes a neighbour."""
    forms = _forms(rows, "の")
    assert forms["delete"] == {"お", "ん"}
    assert {"のお"} <= forms["double"]
    assert {"に", "も"} <= forms["neighbour"]
    assert {"のい"} <= forms["insert"]
    assert _forms(rows, "き")["double"] == {"っき", "きい"}


def test_both_spellings_count(rows: list[KeyingError]) -> None:
    """し is typed si and shi: す from the one, っし from both."""
    forms = _forms(rows, "し")
    assert "す" in forms["neighbour"]
    assert "っし" in forms["double"]


def test_katakana_follow_hiragana(rows: list[KeyingError]) -> None:
    """Katakana have the key errors of hiragana in katakana, and neither becomes the other."""
    wanted = {kind: {form.translate(_kana.KATAKANA) for form in forms} for kind, forms in _forms(rows, "しゃ").items()}
    assert _forms(rows, "シャ") == wanted
    assert [
        row for row in rows if "ぁ" <= row.point[0] <= "ゖ" and any("ァ" <= letter <= "ヶ" for letter in row.form)
    ] == []


def test_small_kana_and_long_vowels_are_missed(rows: list[KeyingError]) -> None:
    """A small tsu, n and a long vowel are left out or typed twice; no form of a kana begins with a small one."""
    assert _forms(rows, "っ") == {"delete": {""}, "double": {"っっ"}}
    assert _forms(rows, "ー") == {"delete": {""}, "double": {"ーー"}}
    assert [row for row in rows if row.form and row.form[0] in SMALL] == []


def test_a_small_tsu_is_the_first_of_two_equal_keys(rows: list[KeyingError]) -> None:
    """って is t, t and e: a missed t gives て, and no key makes い or え of te alone after it."""
    assert _forms(rows, "って") == {"delete": {"て"}, "double": {"っって"}}
    assert "っきお" in _forms(rows, "っこ")["insert"]
    assert _forms(rows, "った")["double"] == {"っった", "ったあ"}
    assert "っっち" in _forms(rows, "っち")["double"]
    assert {"ッテ", "切"} <= {row.point for row in rows}
    assert not {"っあ", "っん", "っー", "戻っ"} & {row.point for row in rows}


def test_a_small_tsu_before_a_kana_of_two_letters_keeps_the_first(rows: list[KeyingError]) -> None:
    """A small kana may follow っき (っきょ), so that every form of it ends in き."""
    forms = {form for variants in _forms(rows, "っき").values() for form in variants}
    assert forms
    assert all(form.endswith("き") for form in forms)


def test_no_kana_loses_its_consonant_after_a_small_tsu() -> None:
    """What a text comes out as never has っ before a vowel, where the clean one has none."""
    texts = [Text(str(number), "ja", "待ってください。行ったらきって会って、戻って言った") for number in range(200)]
    noised = noise_texts(texts, PerturbationSpec.parse("keyboard_typo:0.1@candidate=0"), 0)
    assert len({noised_text.text.value for noised_text in noised}) > 50
    assert [
        noised_text.text.value for noised_text in noised if re.search("っ[あいうえお]", noised_text.text.value)
    ] == []


def test_words_that_sound_alike(rows: list[KeyingError]) -> None:
    """Words of two kanji, of a kanji and a kana, and of one kanji are converted to their homophones."""
    assert _forms(rows, "意志")["candidate"] >= {"意思", "医師"}
    assert _forms(rows, "暑い")["candidate"] >= {"熱い", "厚い"}
    assert _forms(rows, "橋")["candidate"] >= {"箸", "端"}
    assert all(len(forms) <= _kana.MOST for row in rows[::500] for forms in _forms(rows, row.point).values())


def test_words_of_a_user_may_have_no_weights(tmp_path: Path) -> None:
    """All of them are as frequent then, where they are typed and where they are read."""
    path = tmp_path / "input" / "ja-words.tsv"
    path.parent.mkdir()
    path.write_text("# source: us\n# licence: CC0-1.0\n# standing: authored\nword\treading\n愛\tあい\n藍\tあい\n")
    with packs.using(tmp_path):
        rows = [row for row in _kana.key_errors() if row.kind == "candidate"]
        assert perturb(["愛"], "wrong_layout:1", language="ja") == ["ai"]
    assert rows == [KeyingError("愛", "candidate", "藍"), KeyingError("藍", "candidate", "愛")]


def test_a_word_is_converted_to_words_of_its_ending_only() -> None:
    """An ending stays as it is, with a kanji that another word has before this ending."""
    assert _noised("表す") >= {"現す", "著す"}
    assert all(text.endswith("す") for text in _noised("表す"))


def test_a_kanji_inside_a_word_is_not_converted() -> None:
    """図書館 and 弁護士 have no homophones; their kanji are not converted alone, nor is one beside another kanji."""
    for text in ("図書館", "弁護士", "図書館と弁護士", "渡嘉敷"):
        assert _noised(text) == {text}


@pytest.mark.parametrize("word", ["氏", "試合", "世紀", "万人"])
def test_a_word_beside_a_digit_is_not_converted(word: str) -> None:
    """A word is converted, but not after a digit, where it may be a counter, nor before one."""
    assert len(_noised(f"その{word}は")) > 1
    assert _noised(f"2010{word}は") == {f"2010{word}は"}
    assert _noised(f"その{word}1は") == {f"その{word}1は"}


def test_a_word_becomes_a_rare_one_only_where_no_other_sounds_like_it(rows: list[KeyingError]) -> None:
    """人 (ひと) does not become 費途; 必要, which only 必用 sounds like, becomes that."""
    assert "費途" not in {form for forms in _forms(rows, "人").values() for form in forms}
    assert "九族" not in {form for forms in _forms(rows, "急速").values() for form in forms}
    assert _forms(rows, "必要") == {"candidate": {"必用"}}


def test_readings_that_a_word_does_not_have_are_not_used(rows: list[KeyingError]) -> None:
    """一部 is read いちぶ, not ひとべ: no 人部 and no 日部; 一 is not a homophone of 人."""
    assert "人部" not in _noised("一部")
    assert not {"人", "日"} & {form for forms in _forms(rows, "一").values() for form in forms}


def test_a_word_in_a_sentence_becomes_a_word_as_a_whole() -> None:
    """意志 among other words is converted to words that sound like it, whatever the words beside it."""
    assert {text[3:5] for text in _noised("彼らは意志が強い")} >= {"医師", "意地"}


def test_a_span_that_cuts_a_word_leaves_it() -> None:
    """A word of which a span contains a part is not converted; with the span around it, it is."""
    cut, whole = (Text("1", "ja", "意志", (Span(0, stop),)) for stop in (1, 2))
    spec = PerturbationSpec.parse("keyboard_typo:1")
    assert noise_texts([cut], spec, 0)[0].text.value == "意志"
    assert noise_texts([whole], spec, 0)[0].text.value != "意志"


@pytest.mark.parametrize(
    ("reading", "alike"),
    [
        ("りょこう", {"りょうこう", "りょこ", "りょごう", "りょっこう"}),
        ("せかい", {"せいかい", "せっかい", "せがい", "ぜかい"}),
        ("がっこう", {"がこう", "がっこ", "かっこう", "がっごう"}),
    ],
)
def test_readings_that_sound_alike(reading: str, alike: set[str]) -> None:
    """A vowel is long or short, a small っ is there or not, a consonant is voiced or not."""
    assert set(_kana.sounds_alike(reading)) >= alike
    assert reading not in _kana.sounds_alike(reading)


def test_a_word_is_taken_for_one_that_sounds_alike(rows: list[KeyingError]) -> None:
    """旅行 (りょこう) becomes 良好 (りょうこう)."""
    assert "良好" in _forms(rows, "旅行")["syllable"]


def test_every_row_changes_something(rows: list[KeyingError]) -> None:
    """No form is the point itself, weights are positive, kinds are known, and letters those of the alphabet."""
    alphabet = frozenset(language("ja").alphabet)
    assert [row for row in rows if row.form == row.point or row.weight < 1] == []
    assert {row.kind for row in rows} == set(KINDS)
    assert [row for row in rows if not alphabet.issuperset(row.form)] == []
    assert len({(*row[:3], row.tail) for row in rows}) == len(rows)


def test_the_rows_make_a_table_with_words(rows: list[KeyingError]) -> None:
    """The engine takes the rows, pairs of kana and words as units of their own."""
    table = compiled(KINDS, [*rows, *_kana.words()], "ja")
    assert len(table.pairs) > 50
    assert table.segments is not None
    assert (table.sizes > 1).sum() > 10_000

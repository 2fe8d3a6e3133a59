"""Chinese, Japanese, Korean, Thai and Burmese in another script: what the tables of these languages alone have."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from tests.unit.noise.test_transliterate import noise

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.engine.respelling_table import RespellingRule, RuleCondition, RuleForm, Rules
from robust_xtreme.noise.scripts.table import with_readings

KANA = Rules(
    (
        RespellingRule("と", (RuleForm("to"),)),
        RespellingRule("う", (RuleForm("u", 2), RuleForm("w"))),
        RespellingRule("ん", (RuleForm("n"),)),
    ),
    {},
)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("code", "spec", "text", "spelt"),
    [
        ("ko", "transliterate:1@scheme=revised", "종로 ㅋㅋ 좋고", "jongno kk joko"),
        ("ko", "transliterate:1@scheme=revised", "각하ㅋ \u1112", "gakak h"),
        ("ja", "transliterate:1@scheme=hepburn", "人々 いすゞ ここゝ", "hitobito isuzu kokoko"),
        ("ja", "transliterate:1@scheme=hepburn", "時々、東京", "tokidoki、tōkyō"),
        ("ja", "transliterate:1@scheme=hepburn", "科学者たちは言っていた", "kagakusha tachiwa itteita"),
        ("ja", "transliterate:1@scheme=hepburn", "行こうとは思う", "ikōtowa omou"),
        ("ja", "transliterate:1@scheme=hepburn", "アメリカ人が低所得国へ", "amerikajin ga teishotokukoku e"),
        ("ja", "transliterate:1@scheme=hepburn", "来ない場合があります", "konai baai gaarimasu"),
        ("ja", "transliterate:1@scheme=hepburn", "新しい車は大きい", "atarashii kuruma wa ōkii"),
        ("ja", "transliterate:1@scheme=hepburn", "問題が解決した。男が来た", "mondai ga kaiketsu shita。otoko ga kita"),
        ("ja", "transliterate:1@scheme=hepburn", "勝っちゃった", "katchatta"),
        ("ja", "wrong_layout:1", "東京、行って、科学者", "toukyou、itte、kagakusha"),
        ("th", "transliterate:1@scheme=rtgs", "น้ำ ต่างๆ", "nam tangtang"),
        ("ko", "transliterate:1@scheme=revised", "꽃이 꽃잎이 물약 밟는", "kkochi kkonnipi mullyak bamneun"),
        ("zh", "transliterate:1@scheme=typed", "银行行长", "yinhang hangzhang"),
    ],
)
def test_signs_of_one_language(code: str, spec: str, text: str, spelt: str, form: Literal["NFC", "NFD"]) -> None:
    """Jamo outside syllables, signs of repetition and tone marks are written, in either normal form."""
    spelling = noise(unicodedata.normalize(form, text), spec, code).text.value
    assert unicodedata.normalize("NFC", spelling) == spelt


def test_traditional_characters_have_no_spaces_and_can_be_read_back() -> None:
    """Words are not separated where both scripts are written without spaces; 发 is two characters in traditional."""
    traditional = noise("他的头发白了，出发吧", "transliterate:1@scheme=hant", "zh").text.value
    assert traditional == "他的頭髮白了，出發吧"
    back = noise(traditional, "transliterate:1@scheme=hant@direction=back", "zh").text.value
    assert back == "他的头发白了，出发吧"


@pytest.mark.parametrize(
    ("text", "traditional"),
    [
        ("干净的心脏，防御系鞋带", "乾淨的心臟，防禦繫鞋帶"),
        ("他们发明了车", "他們發明了車"),
        ("我吃面，他口吃", "我喫麪，他口吃"),
    ],
)
def test_phrases_match_across_words_as_in_opencc(text: str, traditional: str) -> None:
    """The longest phrase from left to right decides, be it a listed word or not, as by OpenCC's s2t."""
    assert noise(text, "transliterate:1@scheme=hant", "zh").text.value == traditional


def test_a_word_has_its_part_of_a_phrase() -> None:
    """At a low strength each chosen word is written as in the whole text, and the others stay; spans are kept."""
    value = "系鞋带和干净的心脏都很干燥" * 20
    whole = noise(value, "transliterate:1@scheme=hant", "zh").text.value
    some = noise(value, "transliterate:0.5@scheme=hant", "zh").text.value
    assert value != some != whole
    assert all(letter in (clean, full) for letter, clean, full in zip(some, value, whole, strict=True))
    spanned = Text("x", "zh", "穿鞋带的人", (Span(0, 2, "", frozen=True), Span(2, 5)))
    noised = noise_texts([spanned], PerturbationSpec.parse("transliterate:1@scheme=hant"), 0)[0].text
    assert noised.value == "穿鞋帶的人"
    assert [(span.start, span.stop) for span in noised.spans] == [(0, 2), (2, 5)]


def test_text_is_divided_into_the_words_of_the_table_too() -> None:
    """Words with letters that are not in the alphabet have rows, so that they are words, with their readings."""
    spelt = noise("厦门著名，曾国藩和尉迟恭曾经来过", "transliterate:1", "zh").text.value
    assert spelt == "xiamen zhuming，zengguofan he yuchigong cengjing lai guo"


def _listed(folder: Path, rows: str) -> Path:
    (folder / "input").mkdir()
    head = "# language: ja\n# source: here\n# licence: CC0-1.0\n# standing: authored\nword\treading\tweight\twhere\n"
    (folder / "input" / "ja-readings.tsv").write_text(head + rows, encoding="utf-8")
    return folder


def test_a_word_has_the_forms_of_its_readings(tmp_path: Path) -> None:
    """A reading has its likeliest and its shortest form; rare readings have none."""
    with packs.using(_listed(tmp_path, "党\tとう\t8\t\n当\tとう\t9\t\n当\tうん\t1\t\n")):
        known = with_readings(KANA, ("ja-readings",)).rules
    assert [rule.letters for rule in known] == ["と", "う", "ん", "当", "党"]
    assert known[3] == RespellingRule("当", (RuleForm("tou", 45 + 27),), (RuleCondition("word"),))


@pytest.mark.parametrize("row", ["\tとう\t1\t", "党\tとう\tx\t", "党\tとう\t1\tinside"])
def test_a_wrong_row_of_readings_is_named(tmp_path: Path, row: str) -> None:
    """A row without a word, with another weight or another place is refused with its word."""
    with packs.using(_listed(tmp_path, row + "\n")), pytest.raises(DataError, match="its reading"):
        with_readings(KANA, ("ja-readings",))

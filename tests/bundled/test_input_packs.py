"""The packs of input methods: headers, rows, and published examples that they give."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest

from robust_xtreme.core import packs, registry
from robust_xtreme.core.languages import LANGUAGES, language
from robust_xtreme.core.resources import folder
from robust_xtreme.noise.input import kana as _kana
from robust_xtreme.noise.input import keyboards, pinyin, vietnamese
from robust_xtreme.noise.members.keyboard_typo import METHODS

EXAMPLES = Path(__file__).parent / "input_methods"
FEWEST = 20
TONES = ("ACUTE ACCENT", "GRAVE ACCENT", "HOOK ABOVE", "TILDE", "DOT BELOW")
PACKS = {
    "zh-words": ("zh", "derived", ("jieba 0.42.1", "pypinyin 0.55.0", "Unihan 15.0")),
    "ja-romaji": ("ja", "attested", ("mozc",)),
    "ja-words": ("ja", "derived", ("IPADIC 2.7.0", "UniDic 2.1.2")),
    "ja-readings": ("ja", "derived", ("IPADIC 2.7.0", "Unihan 15.0")),
    "th-words": ("th", "derived", ("PyThaiNLP 5.4.0",)),
    "zh-fuzzy": ("zh", "attested", ("ibus-libpinyin",)),
    "ko-2set": ("ko", "attested", ("libhangul", "KS X 5002")),
    "vi-telex": ("vi", "attested", ("Keyman", "vietnamese_telex 1.6")),
    "vi-vni": ("vi", "attested", ("Keyman", "vietnamese_vni 1.0")),
    "ar-confusions": ("ar", "attested", ("PyArabic 0.6.15", "Lucene, ArabicNormalizer")),
    "fa-confusions": ("fa", "attested", ("PyArabic 0.6.15", "Lucene, ArabicNormalizer")),
    "hi-confusions": ("hi", "attested", ("Lucene, HindiNormalizer",)),
    "vi-syllables": ("vi", "derived", ("MLQA 1.0", "Vietnamese Wikipedia")),
}
LICENCES = {
    "UNICODE": "UNICODE LICENSE V3", "JIEBA": "Sun Junyi", "PYPINYIN": "mozillazg", "MOZC": "Google Inc.",
    "UNIDIC": "The UniDic Consortium", "IPADIC": "Nara Institute of Science",
}  # fmt: skip


def _examples(name: str) -> list[dict[str, str]]:
    lines = (EXAMPLES / f"{name}.tsv").read_text("utf-8").splitlines()
    return list(csv.DictReader([line for line in lines if not line.startswith("#")], delimiter="\t"))


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_says_where_it_comes_from(name: str) -> None:
    """Language, sources, licence and standing are in the header; what is computed has a maker, which exists."""
    code, standing, sources = PACKS[name]
    header = packs.table("input", name).header
    assert (header["language"], header["standing"]) == (code, standing)
    assert all(source in header["source"] for source in sources)
    assert "maker" in header or standing == "attested"
    assert (Path(__file__).parents[2] / header.get("maker", "tools")).exists()


def test_licences_are_beside_the_packs() -> None:
    """Each licence that a header names is there, and they are small together."""
    base = folder("perturbations") / "input"
    for name, holder in LICENCES.items():
        assert holder in (base / f"LICENSE-{name}.txt").read_text("utf-8"), name
    named = {word.strip(",;") for name in PACKS for word in packs.table("input", name).header["licence"].split()}
    assert {word for word in named if word.startswith("LICENSE-")} == {f"LICENSE-{name}.txt" for name in LICENCES}
    assert sum((base / f"{name}.tsv").stat().st_size for name in PACKS) < 4_000_000


def test_rows_of_chinese_words_are_words() -> None:
    """A word is up to four letters of the alphabet, read in as many syllables of ASCII letters, or in none."""
    alphabet, rows = frozenset(language("zh").alphabet), packs.table("input", "zh-words").rows
    assert [row for row in rows if not (alphabet.issuperset(row["word"]) and 1 <= len(row["word"]) <= 4)] == []
    read = [row for row in rows if row["reading"]]
    assert [row for row in read if len(row["reading"].split(" ")) != len(row["word"])] == []
    assert [row for row in read if not (row["frequency"].isdecimal() and int(row["frequency"]) > 0)] == []
    assert [syllable for syllable in pinyin.syllables() if not _syllable(syllable)] == []
    assert 380 <= len(pinyin.syllables()) <= 420
    assert len({(row["word"], row["reading"]) for row in rows}) == len(rows)


def _syllable(text: str) -> bool:
    return text.isascii() and text.isalpha() and text == text.lower() and bool(set(text) & set("aeiouv"))


def _read_as_words() -> set[str]:
    """The packs that tables of romanisation name, and the words into which text without spaces is divided."""
    tables = [packs.table("romanisations", name).header for name in packs.bundled("romanisations")]
    read = {word for header in tables for word in header.get("readings", "").split()}
    return {f"input/{name}" for name in (*read, *packs.bundled("input")) if name in read or name.endswith("-words")}


def test_every_pack_of_an_input_method_is_one_that_a_typo_or_a_table_names() -> None:
    """Each bundled pack is named for the language that it is read for, so that users find what they can replace."""
    typo = registry.load("perturbation", "keyboard_typo")
    named = {pack for method in METHODS.values() for pack in method.packs if pack.startswith("input/")}
    named |= {pack for code in LANGUAGES for pack in typo.packs(code) if pack.startswith("input/")}
    named |= _read_as_words()
    assert named == {f"input/{name}" for name in PACKS} == {f"input/{name}" for name in packs.bundled("input")}
    assert "input/ko-2set" in typo.packs("ko")


@pytest.mark.parametrize("code", ["ar", "fa", "hi"])
def test_rows_of_confusions_are_letters_or_marks_of_the_language(code: str) -> None:
    """A row is a letter or mark and others of the language, of the same kind."""
    known = language(code)
    for error in keyboards.key_errors(code):
        assert {error.point, error.form} <= {*known.alphabet, *known.marks}
        assert (error.point in known.marks) == (error.form in known.marks)


def test_rows_of_fuzzy_pinyin_are_sounds_of_syllables() -> None:
    """Both sounds of a pair begin, or end, a syllable that characters have."""
    syllables = tuple(pinyin.syllables())
    for row in packs.table("input", "zh-fuzzy").rows:
        for sound in (row["one"], row["other"]):
            inside = [
                syllable.startswith(sound) if row["place"] == "initial" else syllable.endswith(sound)
                for syllable in syllables
            ]
            assert any(inside), row


def test_rows_of_korean_keys_are_jamo() -> None:
    """Each of the 51 compatibility jamo has its key or two, no key has two jamo, and Shift is for seven of them."""
    rows = packs.table("input", "ko-2set").rows
    assert sorted(row["jamo"] for row in rows) == [chr(point) for point in range(0x3131, 0x3164)]
    assert len({row["keys"] for row in rows}) == len(rows)
    assert {row["jamo"] for row in rows if row["keys"].isupper()} == set("ㄲㄸㅃㅆㅉㅒㅖ")


@pytest.mark.parametrize("name", ["vi-telex", "vi-vni"])
def test_rows_of_vietnamese_keys_are_marks(name: str) -> None:
    """Five tones have a key each, and taking them away; hats have keys on the letters that bear them."""
    rows = packs.table("input", name).rows
    tones = [unicodedata.name(row["mark"][1:] or " ") for row in rows if not row["letters"]]
    assert sorted(tones) == sorted(["SPACE", *(f"COMBINING {mark}" for mark in TONES)])
    hats = {(row["mark"][-1], letter) for row in rows for letter in row["letters"].split()}
    letters = {unicodedata.normalize("NFC", letter + mark) if mark != "đ" else mark for mark, letter in hats}
    assert letters == set("âêôăơưđ")


def test_rows_of_syllables_are_syllables() -> None:
    """A syllable is of letters of the alphabet, Telex and VNI type it, and it is written more than once."""
    alphabet = frozenset(language("vi").alphabet)
    rows = packs.table("input", "vi-syllables").rows
    assert len({row["syllable"] for row in rows}) == len(rows)
    for row in rows:
        word = row["syllable"]
        assert alphabet.issuperset(word), row
        assert int(row["frequency"]) > 1, row
        assert all(vietnamese.typed(vietnamese.keys(word, method), method) == word for method in ("telex", "vni")), row


def test_rows_of_romaji_are_keys_and_kana() -> None:
    """Keys are letters or the hyphen and give hiragana; keys that stay are a doubled consonant's."""
    for row in packs.table("input", "ja-romaji").rows:
        assert row["keys"] == "-" or (row["keys"].isascii() and row["keys"].islower()), row
        assert all("ぁ" <= character <= "ゖ" or character == "ー" for character in row["kana"]), row
        assert not row["rest"] or (row["keys"] == row["rest"] * 2 and row["kana"] == "っ"), row
        assert row["typed"] in ("", "yes"), row


def test_every_kana_can_be_typed() -> None:
    """Each hiragana that is not a small one has a spelling, and a spelling gives back its kana."""
    table = _kana.romaji()
    plain = {kana for kana in language("ja").alphabet if "ぁ" <= kana <= "ん"} - set("ぁぃぅぇぉっゃゅょゎ")
    assert plain - set(table.spellings) == set()
    assert {kana: keys for kana, known in table.spellings.items() for keys in known if table.decode(keys) != kana} == {}


def test_rows_of_japanese_words_are_words() -> None:
    """A word has a kanji and letters of the alphabet; where it is read, it is in hiragana, and weighs something."""
    alphabet, rows = frozenset(language("ja").alphabet), packs.table("input", "ja-words").rows
    assert [row for row in rows if not alphabet.issuperset(row["word"])] == []
    assert [row for row in rows if not any("\u4e00" <= letter <= "\u9fff" for letter in row["word"])] == []
    hiragana = {*map(chr, range(0x3041, 0x3097)), "ー"}
    assert [row for row in rows if not hiragana.issuperset(row["reading"])] == []
    assert [row for row in rows if row["reading"] and int(row["weight"]) < 1] == []
    assert len({(row["word"], row["reading"]) for row in rows}) == len(rows)


@pytest.mark.parametrize("name", ["zh_pinyin", "ja_romaji", "ja_homophones"])
def test_there_are_enough_examples(name: str) -> None:
    """Each input method has twenty published examples that its tables give, each with who published it."""
    rows = _examples(name)
    assert sum(not row.get("missing") for row in rows) >= FEWEST
    assert [row for row in rows if not row["source"]] == []
    assert len({tuple(row.values()) for row in rows}) == len(rows)


def test_published_key_errors_of_pinyin_are_key_errors() -> None:
    """Every example is a key error of its kind, but for those that say why they are not."""
    known = {(key_error.point, key_error.kind, key_error.form) for key_error in pinyin.key_errors()}
    near = {(point, "syllable", other) for point in pinyin.syllables() for other in pinyin.fuzzy(point)}
    rows = _examples("zh_pinyin")
    wrong = [row for row in rows if ((row["right"], row["kind"], row["wrong"]) in known | near) == bool(row["missing"])]
    assert wrong == []


def test_published_keys_give_their_kana() -> None:
    """Every sequence of keys gives the kana that the table it is from says."""
    table = _kana.romaji()
    assert [row for row in _examples("ja_romaji") if table.decode(row["keys"]) != row["kana"]] == []


def test_published_homophones_are_candidates() -> None:
    """Every wrong conversion is a candidate, but for those that say why they are not."""
    candidates = [key_error for key_error in _kana.key_errors() if key_error.kind == "candidate"]
    known = {(row.point + row.tail, row.form + row.tail) for row in candidates}
    rows = _examples("ja_homophones")
    assert [row for row in rows if ((row["right"], row["wrong"]) in known) == bool(row["missing"])] == []

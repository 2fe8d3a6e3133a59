"""Respelling by arrays: it draws what the rules allow, as the same rules do letter by letter, and nothing else."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.romanising import Speller
from tests.unit.noise.test_romanisations import HEAD, HINDI, RUSSIAN, pack, read

from robust_xtreme.core import packs
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine import _segments as trie_module
from robust_xtreme.noise.engine._segments import trie
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.engine.respelling_table import Rules

ROWS = (
    "а|a|||V\nе|e|||V\nе|ye e|2 1|start|V\nи|i y|3 1||V\nй|y j|2 1\nй|∅||end\nк|k c|5 1||K\nс|s|||K\n"
    "х|h kh x|2 2 1||K\n"
    "сх|sch sh||inside\nщ|shch sh|1 3\nь|∅ '|9 1\nъ|∅\nв|w||after:V before:V\nв|f||not-before:V end\nв|v\n"
    "ж|zh g|2 1|with:V without:K\nж|j||with:K\nж|z\nка|qa||word\nё|yo\n{K1}ю{K2}|{K1}u{K2}||not-after:K\n"
)
LETTERS = "аеийксхщьъвюёжabАЕК'"


def noise(
    value: str, spec: str = "transliterate:1", code: str = "ru", *spans: tuple[int, int], name: str = "x"
) -> Noised:
    """A text after a perturbation."""
    text = Text(name, code, value, tuple(Span(start, stop) for start, stop in spans))
    return noise_texts([text], PerturbationSpec.parse(spec), 0)[0]


def words(letters: str, many: int) -> list[str]:
    """Random words that begin with a letter and end with no apostrophe, the same in each run."""
    drawn = random.Random(7)
    made = (unicodedata.normalize("NFC", "".join(drawn.choices(letters, k=drawn.randint(1, 8)))) for _ in range(many))
    return [word for word in made if word[0].isalpha() and word[-1] != "'" and "्अ" not in word]


def agrees(known: Rules, folder: Path, code: str, listed: list[str]) -> int:
    """Assert that each word becomes a spelling that the rules allow, or stays where none differs; how many change."""
    speller, changed = Speller(known), 0
    with packs.using(folder):
        for number in range(0, len(listed), 50):
            some = [Text(f"{number}/{n}", code, word) for n, word in enumerate(listed[number : number + 50])]
            for text, noised in zip(some, noise_texts(some, PerturbationSpec.parse("transliterate:1"), 0), strict=True):
                allowed = speller.draws(text.value, noised.text.value)
                vanishes = noised.text == text and speller.draws(text.value, "")
                assert allowed or vanishes, (text.value, noised.text.value)
                changed += noised.text != text
    return changed


def test_words_become_spellings_that_the_rules_allow(tmp_path: Path) -> None:
    """Conditions, classes, capitals and letters without a rule give what plain Python gives for the same rules."""
    known = read(tmp_path, ROWS)
    assert agrees(known, tmp_path, "ru", words(LETTERS, 3000)) > 2500


def test_long_rules_with_conditions_agree_too(tmp_path: Path) -> None:
    """The expanded rules of an abugida give what plain Python gives for them."""
    rows = (
        "क|k c|3 1|part|C\nख|kh||part|C\nष|s||part|C\nज|j||part|C\nक्ष|ksh x|2 1|part|C\n"
        "ह|h||part|C\nि|i ee|2 1|part|M\nा|a aa|2 1|part|M\n"
        "{C}{M}|{C}{M}\n{C}्|{C}\n{C}|{C}a\n{C}|{C}||end not-after:C\nअ|a\nह{C}|h{C}a||start before:M\nकह|keh||word\n"
    )
    head = HINDI.replace("script: Deva", "language: hi").replace("iast", "typed")
    known = read(tmp_path, rows, "hi", head)
    assert agrees(known, tmp_path, "hi", words("कखषहिाअक्क\u093cज", 3000)) > 1900


def test_a_rule_with_several_forms_draws_each_by_its_weight(tmp_path: Path) -> None:
    """A word has several spellings over a text, and a letter that occurs twice in it is drawn twice."""
    pack(tmp_path, "х|h kh|3 1\n")
    with packs.using(tmp_path):
        drawn = Counter(noise(" ".join(["хх"] * 4000)).text.value.split())
    assert {word: round(many / 250) for word, many in drawn.items()} == {"hh": 9, "hkh": 3, "khh": 3, "khkh": 1}


def test_capitals_follow_from_what_is_replaced(tmp_path: Path) -> None:
    """A capital gives a form with one, a word of two or more capitals one in capitals."""
    pack(tmp_path, "щ|shch\nу|u\nк|k\nа|a\nя|ya\n")
    with packs.using(tmp_path):
        assert noise("Щука ЩУКА щУка Я ЯЩ").text.value == "Shchuka SHCHUKA shchUka Ya YASHCH"


def test_a_word_that_no_rule_changes_is_not_eligible(tmp_path: Path) -> None:
    """Latin words, words whose only form is the word, and words that would vanish are left, and are not counted."""
    pack(tmp_path, "а|a\nь|∅\nж|ж||word\n")
    with packs.using(tmp_path):
        noised = noise("abc ь жж а 5а")
    assert (noised.text.value, noised.eligible, noised.edits) == ("abc ь жж a 5а", 1, {"respell": 1})


def test_spans_are_kept_and_a_mixed_word_changes_in_part(tmp_path: Path) -> None:
    """A word is cut at a span's edge; letters of another script in it stay as they are."""
    pack(tmp_path, "щ|shch\nа|a\nк|k||end\nк|q\n")
    with packs.using(tmp_path):
        noised = noise("щаxка какка", "transliterate:1", "ru", (0, 3), (6, 8), (8, 11))
    assert noised.text.value == "shchaxqa qaqqa"
    assert [noised.text.at(span) for span in noised.text.spans] == ["shchax", "qa", "qqa"]


def test_decomposed_text_stays_decomposed_and_is_matched_the_same(tmp_path: Path) -> None:
    """Text in NFD has the same forms, in NFD; a stress mark without a rule goes with its letter."""
    pack(tmp_path, "й|ý\nа|a\nх|h\n")
    with packs.using(tmp_path):
        assert noise(unicodedata.normalize("NFD", "хай ха")).text.value == unicodedata.normalize("NFD", "haý ha")
        assert noise("ха\u0301й").text.value == "haý"


def test_letters_taken_apart_by_the_table_are_composed_again(tmp_path: Path) -> None:
    """Rules for jamo respell syllables; what has no rule is a whole syllable again."""
    head = RUSSIAN.replace("ru", "ko").replace(HEAD, HEAD + "# form: NFD\n")
    rows = "\u1112|h\n\u1161|a\n\u11ab|n\n\u1100|g\n\u1173|eu\n\u11af|l\n"
    pack(tmp_path, rows, "ko", head)
    with packs.using(tmp_path):
        assert noise("한글 각 촊", "transliterate:1", "ko").text.value == "hangeul gaᆨ 촊"


def test_letters_taken_apart_are_composed_again_after_a_longer_form(tmp_path: Path) -> None:
    """Of 하고 the jamo of 하 have rules, one with a form of two letters, and those of 고 have none."""
    head = RUSSIAN.replace("ru", "ko").replace(HEAD, HEAD + "# form: NFD\n")
    pack(tmp_path, "\u1112|h\n\u1161|aa\n", "ko", head)
    with packs.using(tmp_path):
        assert noise("하고 하고", "transliterate:1", "ko").text.value == "haa고 haa고"


def test_conjuncts_keep_what_has_no_rule(tmp_path: Path) -> None:
    """Joiners and nuktas after a letter with a rule go with it, also where the letter is one code point."""
    head = HINDI.replace("script: Deva", "language: hi").replace("iast", "typed")
    rows = "क|k||part|C\nष|sh||part|C\nड़|r||part|C\nा|aa||part|M\n{C}{M}|{C}{M}\n{C}्|{C}\n{C}|{C}a\n"
    pack(tmp_path, rows, "hi", head)
    with packs.using(tmp_path):
        spelt = noise("क्ष क्\u200dष क\u093c ड़ा \u095cा", "transliterate:1", "hi").text.value
    assert spelt == "ksha ksha ka raa raa"


@pytest.mark.parametrize("dense", [0, 1 << 22])
def test_a_trie_of_any_size_gives_the_strings_that_begin(monkeypatch: pytest.MonkeyPatch, dense: int) -> None:
    """With all its steps in a table, or with a hash of those that exist, it gives what `startswith` gives."""
    monkeypatch.setattr(trie_module, "_DENSE", dense)
    strings, text = sorted({*words("abcdeé", 1500)}), "".join(words("abcdeéfй", 500)) + "\0"
    known = trie(strings)
    symbols = known.symbols_of(np.array([ord(letter) for letter in text], np.uint32))
    given = {
        (position, strings[number])
        for reached in known.search(symbols)
        for position, number in zip(reached.positions.tolist(), reached.strings.tolist(), strict=True)
    }
    starts = [(start, string) for start in range(len(text)) for string in strings]
    assert given == {(start, string) for start, string in starts if text.startswith(string, start)}


def test_text_without_spaces_gets_blanks(tmp_path: Path) -> None:
    """A blank is put before a word where a letter was, but not at a span's edge; a digit beside a word keeps it."""
    head = RUSSIAN.replace("ru", "zh")
    pack(tmp_path, "我|wo\n爱|ai\n北京|beijing\n年|nian\n", "zh", head)
    with packs.using(tmp_path):
        assert noise("我爱北京,我2008年。", "transliterate:1", "zh").text.value == "wo ai beijing,我2008年。"
        noised = noise("我爱北京", "transliterate:1", "zh", (0, 1), (1, 4))
    assert noised.text.value == "woai beijing"
    assert [noised.text.at(span) for span in noised.text.spans] == ["wo", "ai beijing"]


def test_rules_of_two_letters_match_across_words(tmp_path: Path) -> None:
    """Where each rule has as many letters as its form: of what is matched each word has the letters in it."""
    pack(tmp_path, "我|吾\n爱北|愛鄙\n", "zh-hant", RUSSIAN.replace("ru", "zh").replace("typed", "hant"))
    with packs.using(tmp_path):
        assert noise("我爱北京", "transliterate:1@scheme=hant", "zh").text.value == "吾愛鄙京"


@pytest.mark.parametrize("value", ["", " ", "а", "\u0301а", "а\u0301", "'а'", "а'а", "а\u200dа", "а1а 1а а1"])
def test_odd_texts_are_respelt_or_left(tmp_path: Path, value: str) -> None:
    """Empty texts, marks without a letter, joiners and digits raise no error."""
    pack(tmp_path, "а|a\n")
    with packs.using(tmp_path):
        assert noise(value).clean.value == value

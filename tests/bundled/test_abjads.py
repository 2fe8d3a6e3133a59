"""Tables of the Arabic script: words without vowels, joiners and strokes in words, marks of vowels, digits beside."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import pytest
import regex
from tests.romanising import Speller
from tools.packs import abjads

from robust_xtreme.core.languages import language
from robust_xtreme.noise.scripts.table import rules

_TABLES: Final = ("ar", "fa", "ur", "ur-deva", "hi-arab", "pa-arab")


@cache
def speller(name: str) -> Speller:
    """A table, read once."""
    return Speller(rules(name))


@pytest.mark.parametrize("name", _TABLES)
def test_each_letter_has_a_spelling_in_each_position(name: str) -> None:
    """No letter of the language's alphabet stays in its script, alone or at the start, inside or end of a word."""
    code = name.partition("-")[0]
    native = regex.compile(rf"\p{{Script={language(code).script}}}")
    letters = [letter for letter in language(code).alphabet if native.search(letter)]
    assert len(letters) > 30
    words = [word for letter in letters for word in (letter, letter * 3, f"{letters[5]}{letter}{letters[7]}")]
    assert {word: text for word in words if native.search(text := speller(name).likely(word))} == {}


@pytest.mark.parametrize("code", ["ar", "fa", "ur"])
def test_numbers_beside_words_stay(code: str) -> None:
    """Digits of both kinds, and what is around words, keep their order and form beside words from right to left."""
    text = "سلام 2024 (٢٠٢٤)، سلام۱۴۰۳!"
    assert regex.sub("[a-z]+", "W", speller(code).likely(text)) == "W 2024 (٢٠٢٤)، W۱۴۰۳!"


@pytest.mark.parametrize(
    ("word", "spelling"),
    [
        ("می‌روم", "miravam"),
        ("نمی‌دانم", "nemidanam"),
        ("کتاب‌ها", "ketabha"),
        ("کتاب‌های", "ketabhaye"),
        ("خانه‌ام", "khaneam"),
        ("بزرگ‌ترین", "bozorgtarin"),
    ],
)
def test_parts_of_persian_words_are_written_together(word: str, spelling: str) -> None:
    """The joiner between the parts of a Persian word is left out."""
    assert speller("fa").draws(word, spelling)
    assert "\u200c" not in speller("fa").likely(word)


def test_a_written_ezafe_keeps_the_reading_of_its_word() -> None:
    """A kasra at the end of a listed word of Persian adds e to the spelling of the word."""
    likely = speller("fa").likely
    words = ("کشور", "توسط", "مردم")
    assert [likely(f"{word}\u0650") for word in words] == [f"{likely(word)}e" for word in words]


@pytest.mark.parametrize("word", ["کالج", "فیس", "پولیس", "لائن", "فائل", "ملین", "سکول"])
def test_english_words_of_urdu_have_one_spelling(word: str) -> None:
    """A silent e, on, oo and ee of English words are not spelled as endings and vowels of Urdu."""
    assert [len(rule.forms) for rule in speller("ur").by_letters[word]] == [1]


@pytest.mark.parametrize("code", ["ar", "fa", "ur"])
def test_lengthened_words_have_no_sign_of_it(code: str) -> None:
    """The stroke that lengthens a word is left out."""
    assert regex.fullmatch("[a-z]+", speller(code).likely("سـلـــام"))


@pytest.mark.parametrize(
    ("code", "words"), [("ar", "ﻓﻲ اﻟﻣﮐﺎﻟﻣﺔ ﻻزم واﻟﺑواﺑﺔ"), ("fa", "ﺳﻼم ﮐﺘﺎب"), ("ur", "ﮐﺘﺎب ﺑﮍے")]
)
def test_shaped_letters_are_spelled(code: str, words: str) -> None:
    """Code points for the shapes of letters, which some texts have, are spelled as their letters."""
    assert regex.fullmatch("[a-z0-9 ]+", speller(code).likely(words))
    assert speller("ar").draws("ﻓﻲ", "fi")


@pytest.mark.parametrize(
    ("code", "word", "spelling"),
    [("ar", "كَتَبَ", "kataba"), ("ar", "قُمْتُ", "qumtu"), ("ar", "مُدُنٌ", "mudunun"), ("fa", "گِل", "gel"),
     ("fa", "گُل", "gol"), ("ur", "اُس", "us"), ("ur", "اِدھر", "idhar"), ("ur", "کِیا", "kiya")],
)  # fmt: skip
def test_vowels_that_the_text_has_are_used(code: str, word: str, spelling: str) -> None:
    """Marks for vowels give these vowels."""
    assert speller(code).draws(word, spelling)


@pytest.mark.parametrize(
    ("word", "spellings"),
    [
        ("الكتاب", ("alkitab", "elketab", "ilkitab")),
        ("والكتاب", ("walkitab", "welketab")),
        ("بالبيت", ("bilbayt", "belbet")),
        ("للمدرسة", ("lilmadrasa", "lelmadrasah")),
        ("الشمس", ("alshams", "elshams", "ashshams")),
        ("النار", ("alnar", "elnar", "annar", "ennar")),
        ("وهو", ("wahowa", "wahuwa")),
        ("انا", ("ana",)),
    ],
)
def test_words_of_arabic_have_their_clitics(word: str, spellings: tuple[str, ...]) -> None:
    """The article, `and`, `with` and `to` are written with frequent words, and the article takes up a sun letter."""
    assert [text for text in spellings if not speller("ar").draws(word, text)] == []


def test_digits_are_letters_only_in_arabic() -> None:
    """Arabic is typed with digits for letters, and Persian and Urdu are not."""
    digits = {
        code: any(regex.search("[0-9]", form.text) for rule in rules(code).rules for form in rule.forms)
        for code in ("ar", "fa", "ur")
    }
    assert digits == {"ar": True, "fa": False, "ur": False}


@pytest.mark.parametrize("code", list(abjads.PACKS))
def test_the_words_are_those_of_the_table_of_readings(code: str) -> None:
    """The program that writes the words of a pack gives the pack, byte for byte."""
    text = (abjads.TARGET / f"{code}.tsv").read_text("utf-8")
    assert abjads.pack(text, list(abjads.PACKS[code]())) == text


@pytest.mark.parametrize(
    ("spell", "reading", "way", "spelling"),
    [
        (abjads.arabic, "madrasH", abjads.ARABIC[0], "madrasa"),
        (abjads.arabic, "madrasH", abjads.ARABIC[4], "madrasah"),
        (abjads.arabic, "bayt", abjads.ARABIC[3], "bet"),
        (abjads.arabic, "ma3lUmAt", abjads.ARABIC[-1], "m3lumat"),
        (abjads.arabic, "min", abjads.ARABIC[-1], ""),
        (abjads.persian, "xAne", abjads.PERSIAN[0], "khane"),
        (abjads.persian, "xAne", abjads.PERSIAN[2], "khaaneh"),
        (abjads.persian, "ba'd", abjads.PERSIAN[3], "baad"),
    ],
)
def test_a_reading_is_spelled_in_ways_of_typing(
    spell: Callable[[str, abjads.Way], str], reading: str, way: abjads.Way, spelling: str
) -> None:
    """Long vowels, a final ة, the vowels of Egypt, words without vowels, and a final e of Persian."""
    assert spell(reading, way) == spelling

"""Every alphabet that ships: whole letters of the right script, in normal form, with source and licence."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
import regex

from robust_xtreme.core import registry
from robust_xtreme.core.languages import ALL_LANGUAGES, LANGUAGES, language
from robust_xtreme.core.resources import folder

FEWEST = 20
SCRIPTS = {"Jpan": ("Han", "Hiragana", "Katakana"), "Kore": ("Hangul",), "Hans": ("Han",)}
ABUGIDAS = ("bn", "gu", "hi", "ml", "mr", "my", "pa", "ta", "te", "th")
FEWEST_VOWEL_SIGNS = 8
VIRAMA = 9
_VOWEL = regex.compile(r"VOWEL SIGN|SARA|MAI HAN-AKAT")
TABLES = Path(__file__).parents[2] / "tools" / "languages"


def test_there_is_one_pack_per_language() -> None:
    """The folder of packs contains the fifty languages and those of low-resource tasks, and no other."""
    assert sorted(path.stem for path in (folder("perturbations") / "alphabets").glob("*.toml")) == list(ALL_LANGUAGES)


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_letters_are_whole_and_in_normal_form(code: str) -> None:
    """Each letter is one grapheme cluster in NFC, lower case, listed once, and stays apart from its neighbours."""
    alphabet = language(code).alphabet
    assert len(set(alphabet)) == len(alphabet) >= FEWEST
    assert all(unicodedata.is_normalized("NFC", letter) and letter == letter.lower() for letter in alphabet)
    assert all(len(regex.findall(r"\X", letter)) == 1 for letter in alphabet)
    assert len(regex.findall(r"\X", "".join(alphabet))) == len(alphabet), "some letters join in one cluster"


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_letters_are_of_the_language_s_script(code: str) -> None:
    """Each letter begins with a letter of the language's script, never with a bare mark."""
    known = language(code)
    names = SCRIPTS.get(known.script, (known.script,))
    pattern = regex.compile("|".join(rf"(?=\p{{L}})\p{{Script_Extensions={name}}}" for name in names))
    assert [letter for letter in known.alphabet if not pattern.match(letter)] == []


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_a_pack_says_where_it_comes_from(code: str) -> None:
    """Each pack names its language, source, licence and standing, and its facts are those of the table."""
    known = language(code)
    assert known.standing in ("attested", "authored")
    fact = _fact(code)
    ours = ("Apache-2.0", "authored", "Written for this project: ")
    start = "CLDR 48" if fact["locale"] else ours[2]
    assert known.code == code
    assert known.source.startswith(start)
    assert known.licence == "Unicode-3.0" if fact["locale"] else (known.licence, known.standing) == ours[:2]
    assert (known.name, known.script, known.family) == (fact["name"], fact["script"], fact["family"])
    assert (known.direction, known.spaces) == (fact["direction"], fact["spaces"] == "yes")


def _fact(code: str) -> dict[str, str]:
    """The row of a language in the tables that packs are made from."""
    name = "languages.tsv" if code in LANGUAGES else "low_resource.tsv"
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return next(row for row in csv.DictReader(file, delimiter="\t") if row["code"] == code)


@pytest.mark.parametrize("name", registry.names("task"))
def test_every_language_of_a_task_has_letters(name: str) -> None:
    """Noise exists for each language of a task, and for both languages of a pair: each has a pack with an alphabet."""
    for code in registry.load("task", name).languages:
        assert all(len(language(code).alphabet) >= FEWEST for code in code.split("@")), code


@pytest.mark.parametrize("code", ABUGIDAS)
def test_an_abugida_has_its_virama_and_vowel_signs(code: str) -> None:
    """Each abugida has one virama at least (combining class 9; Thai's is phinthu), and the signs of its vowels."""
    marks = language(code).marks
    assert [mark for mark in marks if unicodedata.combining(mark) == VIRAMA]
    assert sum(bool(_VOWEL.search(unicodedata.name(mark))) for mark in marks) >= FEWEST_VOWEL_SIGNS


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_marks_signs_and_punctuation_are_single_and_apart(code: str) -> None:
    """They are single code points, each listed once, and none is a letter; marks join or are of category M."""
    known = language(code)
    for points in (known.marks, known.signs, known.punctuation):
        assert all(len(point) == 1 for point in points)
        assert len(set(points)) == len(points)
        assert not set(points) & set(known.alphabet)
    joined = [mark for mark in known.marks if len(regex.findall(r"\X", "a" + mark)) == 1]
    assert {unicodedata.category(mark)[0] for mark in set(known.marks) - set(joined)} <= {"M"}
    assert not {point for point in (*known.signs, *known.punctuation) if point.isalnum()} - set(known.signs)


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_every_language_has_punctuation(code: str) -> None:
    """Each has a colon or a full stop of its own and brackets; the scripts with marks of their own have those."""
    known = language(code)
    assert {"(", ")"} <= set(known.punctuation)
    assert {".", "။", "。"} & set(known.punctuation)


@pytest.mark.parametrize(
    ("codes", "points"),
    [("ar fa ur", "،؟"), ("hi bn", "।॥"), ("ja zh", "。、"), ("my", "၊။"), ("es", "¿¡"), ("fa", "«»"), ("he", "׳״")],
)
def test_punctuation_is_the_language_s_own(codes: str, points: str) -> None:
    """The pack of a language contains its known punctuation marks."""
    for code in codes.split():
        assert set(points) <= set(language(code).punctuation), code


@pytest.mark.parametrize(
    ("code", "marks"),
    [("ar", "\u064e\u0651"), ("fa", "\u064b\u200c"), ("he", "\u05b8\u05bc"), ("ur", "\u0658"), ("pa", "\u0a3c")],
)
def test_marks_of_abjads_and_nuktas_are_there(code: str, marks: str) -> None:
    """Tashkeel, niqqud, joiners and nukta are marks of the languages that write them."""
    assert set(marks) <= set(language(code).marks)

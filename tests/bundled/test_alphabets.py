"""Every alphabet that ships: whole letters of the right script, in normal form, with source and licence."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
import regex

from robust_xtreme import registry
from robust_xtreme.languages import ALL_LANGUAGES, LANGUAGES, language
from robust_xtreme.resources import folder

FEWEST = 20
SCRIPTS = {"Jpan": ("Han", "Hiragana", "Katakana"), "Kore": ("Hangul",), "Hans": ("Han",)}
TABLES = Path(__file__).parents[2] / "tools" / "languages"


def test_there_is_one_pack_per_language() -> None:
    """The folder of packs holds the fifty languages and those of low-resource tasks, and no other."""
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
    """What a task can be evaluated in can be noised: its languages, of pairs both, have packs with an alphabet."""
    for code in registry.load("task", name).languages:
        assert all(len(language(one).alphabet) >= FEWEST for one in code.split("@")), code


def test_the_unicode_licence_lies_beside_the_packs() -> None:
    """CLDR's permission notice travels with the data, as it asks."""
    notice = (folder("perturbations") / "alphabets" / "LICENSE-UNICODE.txt").read_text("utf-8")
    assert "UNICODE LICENSE V3" in notice
    assert "SPDX-License-Identifier: Unicode-3.0" in notice

"""Every alphabet that ships: whole letters of the right script, in normal form, with source and licence."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
import regex

from robust_xtreme.languages import LANGUAGES, language
from robust_xtreme.resources import folder

FEWEST = 20
SCRIPTS = {"Jpan": ("Han", "Hiragana", "Katakana"), "Kore": ("Hangul",), "Hans": ("Han",)}
FACTS = Path(__file__).parents[2] / "tools" / "languages" / "languages.tsv"


def test_there_is_one_pack_per_language() -> None:
    """The folder of packs holds the fifty languages and no other."""
    assert sorted(path.stem for path in (folder("perturbations") / "alphabets").glob("*.toml")) == list(LANGUAGES)


@pytest.mark.parametrize("code", LANGUAGES)
def test_letters_are_whole_and_in_normal_form(code: str) -> None:
    """Each letter is one grapheme cluster in NFC, lower case, listed once, and stays apart from its neighbours."""
    alphabet = language(code).alphabet
    assert len(set(alphabet)) == len(alphabet) >= FEWEST
    assert all(unicodedata.is_normalized("NFC", letter) and letter == letter.lower() for letter in alphabet)
    assert all(len(regex.findall(r"\X", letter)) == 1 for letter in alphabet)
    assert len(regex.findall(r"\X", "".join(alphabet))) == len(alphabet), "some letters join in one cluster"


@pytest.mark.parametrize("code", LANGUAGES)
def test_letters_are_of_the_language_s_script(code: str) -> None:
    """Each letter begins with a letter of the language's script, never with a bare mark."""
    known = language(code)
    names = SCRIPTS.get(known.script, (known.script,))
    pattern = regex.compile("|".join(rf"(?=\p{{L}})\p{{Script_Extensions={name}}}" for name in names))
    assert [letter for letter in known.alphabet if not pattern.match(letter)] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_pack_says_where_it_comes_from(code: str) -> None:
    """Each pack names its language, source, licence and standing, and its facts are those of the table."""
    known = language(code)
    assert (known.code, known.licence) == (code, "Unicode-3.0")
    assert known.source.startswith("CLDR 48")
    assert known.standing in ("attested", "authored")
    with FACTS.open(encoding="utf-8", newline="") as file:
        fact = next(row for row in csv.DictReader(file, delimiter="\t") if row["code"] == code)
    assert (known.name, known.script, known.family) == (fact["name"], fact["script"], fact["family"])
    assert (known.direction, known.spaces) == (fact["direction"], fact["spaces"] == "yes")


def test_the_unicode_licence_lies_beside_the_packs() -> None:
    """CLDR's permission notice travels with the data, as it asks."""
    notice = (folder("perturbations") / "alphabets" / "LICENSE-UNICODE.txt").read_text("utf-8")
    assert "UNICODE LICENSE V3" in notice
    assert "SPDX-License-Identifier: Unicode-3.0" in notice

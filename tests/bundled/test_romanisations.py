"""The bundled tables of romanisation against pairs of words that were fixed before the tables were written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import regex
from tests.romanising import Speller

from robust_xtreme import perturb
from robust_xtreme.core import packs
from robust_xtreme.core.languages import language
from robust_xtreme.noise.engine import realised
from robust_xtreme.noise.scripts.table import KIND, TYPED, rules

_PAIRS: Final = sorted((Path(__file__).parent / "romanisations").glob("*.tsv"))
_LIKELY: Final = 0.8
"""The share of the words whose likeliest spelling readers of the language accept."""


def _rows(path: Path, scheme: str) -> list[tuple[str, list[str]]]:
    """The pairs of a scheme: a word, and the spellings that are right."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    cells = [line.split("\t") for line in lines[1:]]
    return [(row[0], row[1].split(" | ")) for row in cells if row[2] == scheme]


def _pack(path: Path, scheme: str) -> str:
    """The pack that the pairs of a scheme are for: that of the language or of its script; "" where there is none."""
    code = path.stem.partition("-")[0]
    names = (code,) if scheme == TYPED else (f"{code}-{scheme}", f"{language(code).script}-{scheme}")
    return next((name for name in names if packs.has(KIND, name)), "")


def _schemes(path: Path) -> list[str]:
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    return sorted({line.split("\t")[2] for line in lines[1:]})


_CASES: Final = [
    pytest.param(path, scheme, pack, id=f"{path.stem}-{scheme}")
    for path in _PAIRS
    for scheme in _schemes(path)
    if (pack := _pack(path, scheme))
]
_TYPED: Final = [case for case in _CASES if case.values[1] == TYPED]
_STANDARD: Final = [case for case in _CASES if case.values[1] != TYPED]


@pytest.mark.parametrize("path", _PAIRS, ids=lambda path: path.stem)
def test_pairs_are_whole(path: Path) -> None:
    """At least ten words, each with a spelling, a scheme and a source, none of them twice in a scheme."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    assert lines[0] == "native\tromanised\tscheme\tsource"
    rows = [line.split("\t") for line in lines[1:]]
    assert len(rows) >= 10
    assert all(len(row) == 4 and all(map(str.strip, row)) for row in rows)
    assert len({(row[0], row[2]) for row in rows}) == len(rows)


@pytest.mark.parametrize("name", packs.bundled(KIND))
def test_a_pack_is_read(name: str) -> None:
    """Every bundled table has rules that the reader accepts."""
    assert rules(name).rules


@pytest.mark.parametrize(("path", "scheme", "pack"), _STANDARD)
def test_a_standard_gives_the_pairs(path: Path, scheme: str, pack: str) -> None:
    """A standard has one spelling of each word, and it is that of the pair."""
    known = Speller(rules(pack))
    wrong = {
        word: (known.likely(word), right) for word, right in _rows(path, scheme) if known.likely(word) not in right
    }
    assert wrong == {}


@pytest.mark.parametrize(("path", "scheme", "pack"), _TYPED)
def test_what_people_type_can_be_drawn(path: Path, scheme: str, pack: str) -> None:
    """A listed spelling of each word can be drawn, and the likeliest spelling of most words is a listed one."""
    known, rows = Speller(rules(pack)), _rows(path, scheme)
    never = {word: spellings for word, spellings in rows if not any(known.draws(word, text) for text in spellings)}
    assert never == {}
    wrong = {word: known.likely(word) for word, spellings in rows if known.likely(word) not in spellings}
    print(f"{path.stem}: {1 - len(wrong) / len(rows):.0%} of {len(rows)} words, all but {wrong}")  # noqa: T201 - the share is read in the log
    assert len(wrong) <= (1 - _LIKELY) * len(rows), wrong


@pytest.mark.parametrize(("code", "scheme"), [("my", "typed"), ("my", "national"), ("th", "typed"), ("th", "rtgs")])
def test_no_letter_of_the_script_stays_within_a_romanised_word(code: str, scheme: str) -> None:
    """Signs without a sound are left out, wherever a word is divided: ယောက်ျား, ซิกข์, สหรัฐฯ."""
    rare = {"my": "ယောက်ျား ပြဿနာ ကမ္ဘ့ာ", "th": "ศาสนาซิกข์ สหรัฐฯแถลง เธอร์ ต่างๆนานา"}[code]
    written = perturb([*realised.texts(code), rare], f"transliterate:1@scheme={scheme}", language=code)
    letters = {"my": "[\u1000-\u103f]", "th": "[\u0e01-\u0e4e]"}[code]
    mixed = regex.compile(rf"\p{{Latin}}+{letters}|{letters}\p{{Latin}}+")
    assert [match[0] for text in written for match in mixed.finditer(text)] == []

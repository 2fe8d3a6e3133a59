"""Input methods against real text: how much of it has key errors."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.one_key import reachable, single_key_errors

from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.input import kana, pinyin
from robust_xtreme.noise.input.telex import Method

pytestmark = pytest.mark.real


def _share(text: str, key_errors: Iterator[KeyingError], wanted: Callable[[str], bool]) -> float:
    """The share of the wanted letters of a text that have key errors, alone or in a pair with the next one."""
    points = {key_error.point for key_error in key_errors}
    counts: Counter[bool] = Counter()
    for index, letter in enumerate(text):
        if wanted(letter):
            pairs = (text[index : index + 2], text[max(index - 1, 0) : index + 1])
            counts[letter in points or any(len(pair) == 2 and pair in points for pair in pairs)] += 1
    return counts[True] / counts.total()


def _text(data: Path, name: str) -> str:
    return (data / "flores_first100" / f"{name}.dev").read_text("utf-8")


def test_chinese_characters_have_key_errors(data: Path) -> None:
    """At least 95 % of the Han characters of Chinese sentences have key errors of pinyin."""
    assert (
        _share(_text(data, "zho_Hans"), pinyin.key_errors(), lambda character: "\u4e00" <= character <= "\u9fff")
        >= 0.95
    )


def test_kana_have_key_errors(data: Path) -> None:
    """At least 98 % of the kana of Japanese sentences have key errors of romaji."""
    assert (
        _share(
            _text(data, "jpn_Jpan"), kana.key_errors(), lambda character: "ぁ" <= character <= "ヶ" or character == "ー"
        )
        >= 0.98
    )


def test_kanji_have_key_errors(data: Path) -> None:
    """At least two thirds of the kanji of Japanese sentences are in a word that has a homophone."""
    assert (
        _share(_text(data, "jpn_Jpan"), kana.key_errors(), lambda character: "\u4e00" <= character <= "\u9fff") >= 0.66
    )


@pytest.mark.parametrize(("method", "step"), [
    ("telex", 4), ("vni", 4), *(pytest.param(method, 1, marks=pytest.mark.long) for method in ("telex", "vni")),
])  # fmt: skip
def test_key_errors_of_vietnamese_come_of_one_wrong_key(data: Path, method: Method, step: int) -> None:
    """At least 99 % of the key errors of the frequent words of Vietnamese sentences can come from one wrong key."""
    text = unicodedata.normalize("NFC", (data / "tatoeba" / "v1" / "tatoeba.vie-eng.vie").read_text("utf-8"))
    counts = Counter(word for word in re.findall(r"[^\W\d_]+", text) if len(word) > 1)
    words = [word for word, _ in counts.most_common(400)[::step]]
    key_errors = single_key_errors(words, method, 12)
    forms = {word: reachable(word, method) for word in words}
    assert len(key_errors) > 2 * len(words)
    assert sum(form in forms[word] for word, form in key_errors) >= 0.99 * len(key_errors)

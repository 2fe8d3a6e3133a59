"""The maker of alphabets: how CLDR's notation is read and what counts as a letter."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

MAKER = Path(__file__).parents[3] / "tools" / "languages" / "make_alphabets.py"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The tool as a module; it is a script beside the package, not part of it."""
    spec = importlib.util.spec_from_file_location("make_alphabets", MAKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("pattern", "strings"),
    [
        ("[a b {ch} d]", ["a", "b", "ch", "d"]),
        ("[aáà]", ["a", "á", "à"]),
        (r"[\u200C\u0259 \-]", ["\u200c", "ə", "-"]),
        ("[a-d x]", ["a", "b", "c", "d", "x"]),
        ("[]", []),
    ],
)
def test_a_unicode_set_is_read(maker: ModuleType, pattern: str, strings: list[str]) -> None:
    """Characters, strings in braces, escapes and ranges of a UnicodeSet come out in order."""
    assert list(maker.unicode_set(pattern)) == strings


@pytest.mark.parametrize(
    ("strings", "script", "letters"),
    [
        (["ch", "a"], "Latn", ["a", "c", "h"]),
        (["ẹ́", "b"], "Latn", ["b", "ẹ́"]),
        (["क", "ा", "्", "ॐ"], "Deva", ["क", "ॐ"]),
        (["ਸ਼"], "Guru", ["ਸ਼"]),
        (["ก", "ำ", "ๆ", "เ"], "Thai", ["ก", "เ"]),
        (["kʼ", "a", "б"], "Latn", ["a", "k"]),
        (["ー", "あ", "一"], "Jpan", ["ー", "あ", "一"]),
        (["ক্ষ", "ক"], "Beng", ["ক"]),
    ],
)
def test_letters_are_alone(maker: ModuleType, strings: list[str], script: str, letters: list[str]) -> None:
    """Digraphs are split; marks, apostrophes, conjuncts and letters of other scripts are dropped."""
    assert sorted(maker.letters(iter(strings), script)) == sorted(letters)


def test_runs_are_written_compactly(maker: ModuleType) -> None:
    """Four and more consecutive code points are written as first-last, shorter runs letter by letter."""
    assert maker.compact(["a", "b", "c", "d", "x", "y", "z"]) == ["a-d", "x", "y", "z"]


@pytest.mark.parametrize(
    ("strings", "marks"),
    [
        (["क", "ा", "्", "\u093c"], ["\u093c", "ा", "्"]),
        (["ẹ\u0301", "é"], ["\u0301"]),
        (["ก", "ำ", "ๆ"], ["ำ"]),
        (["\u200c", "\u200e", "ـ"], ["\u200c"]),
        (["a", "ch"], []),
    ],
)
def test_marks_are_what_joins_to_a_letter(maker: ModuleType, strings: list[str], marks: list[str]) -> None:
    """Combining marks by themselves or left in an NFC string, joiners and sara am; no direction marks, no tatweel."""
    assert maker.marks(strings) == marks


def test_signs_are_alone_and_are_not_letters(maker: ModuleType) -> None:
    """Apostrophe letters and spacing vowels are signs; letters, capitals, digits and joining marks are not."""
    assert maker.signs(["ʼ", "a", "İ", "੦", "\u0301", "ch", "ာ"], ["a"]) == ["ʼ", "ာ"]


def test_lists_of_code_points_are_toml_that_reads_back(maker: ModuleType) -> None:
    """Quotes, backslashes and invisible joiners survive, and an empty list is left out."""
    points = ['"', "\\", "\u200c", "्"]
    text = maker.blocks(marks=[], punctuation=points)
    assert "\u200c" not in text
    assert {name: value.split() for name, value in tomllib.loads(text).items()} == {"punctuation": points}

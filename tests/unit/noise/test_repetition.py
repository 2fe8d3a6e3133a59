"""Letters and signs held down."""

from __future__ import annotations

import re

import pytest

from robust_xtreme import perturb


def test_letters_come_three_to_five_times_and_marks_two_or_three_times() -> None:
    """Every letter of a word is held down at full strength, each for itself, and so is the mark after it."""
    noised = perturb(["so!"], "repetition:1", language="en")[0]
    assert re.fullmatch("s{3,5}o{3,5}!{2,3}", noised)
    assert re.fullmatch("好{3,5}！{2,3}", perturb(["好！"], "repetition:1", language="zh")[0])


@pytest.mark.parametrize(("code", "value", "expected"), [
    ("el", "Τι;", "Τι(;;|;;;)"), ("el", "Τι\u037e", "Τι(;;|;;;)"), ("el", "Τι, ναι·", "Τι, ναι·"), ("en", "a;", "a;"),
    ("my", "က။", "က(။။|။။။)"), ("ur", "ہے؟", "ہے(؟؟|؟؟؟)"), ("hi", "है।", "है(।।|।।।)"),
])  # fmt: skip
def test_marks_are_the_stops_of_the_language(code: str, value: str, expected: str) -> None:
    """A Greek question is held down as ;;;, an English semicolon is not."""
    assert re.fullmatch(expected, perturb([value], "repetition:1@letter=0", language=code)[0])


def test_letters_with_marks_and_digits_stay() -> None:
    """A consonant with a vowel sign cannot be held down, and a number is not changed."""
    assert perturb(["कि 12"], "repetition:1", language="hi") == ["कि 12"]

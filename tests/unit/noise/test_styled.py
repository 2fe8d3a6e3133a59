"""The perturbation styled: whole words in letters of social media."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest

from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts


def _styled(code: str, value: str, style: str = "bold", strength: str = "1") -> Noised:
    spec = PerturbationSpec.parse(f"styled:{strength}@style={style}")
    return noise_texts([Text("t", code, value)], spec, 0)[0]


@pytest.mark.parametrize(("code", "style", "expected"), [
    ("en", "bold", "𝐁𝐡 3"), ("en", "italic", "𝐵ℎ 3"), ("en", "sans", "𝗕𝗵 3"), ("en", "script", "𝓑𝓱 3"),
    ("en", "fraktur", "𝕭𝖍 3"), ("en", "double", "𝔹𝕙 3"), ("en", "monospace", "𝙱𝚑 3"), ("en", "circled", "Ⓑⓗ 3"),
    ("en", "fullwidth", "Ｂｈ 3"), ("en", "small_caps", "Bʜ 3"),
])  # fmt: skip
def test_a_word_is_written_in_a_style(code: str, style: str, expected: str) -> None:
    """All letters of the word change; digits stay, and so do the capitals before small capitals."""
    noised = _styled(code, "Bh 3", style)
    assert noised.text.value == expected
    assert (noised.eligible, noised.edits) == (1, {"style": 1})
    if style != "small_caps":
        assert unicodedata.normalize("NFKC", noised.text.value) == "Bh 3"


def test_greek_has_mathematical_letters() -> None:
    """Greek letters are bold, also the final sigma; those with an accent stay."""
    assert _styled("el", "λόγος").text.value == "𝛌ό𝛄𝛐𝛓"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_with_marks_stay(form: Literal["NFC", "NFD"]) -> None:
    """An accented letter has no styled form, composed or not, so that clusters stay whole."""
    value = unicodedata.normalize(form, "né")
    assert _styled("fr", value, "circled").text.value == "ⓝ" + value[1:]


@pytest.mark.parametrize(("code", "style"), [("ru", "bold"), ("hi", "bold"), ("zh", "bold"), ("el", "circled")])
def test_other_scripts_are_not_applicable(code: str, style: str) -> None:
    """Only Latin and Greek have styled letters, and Greek not all styles."""
    assert _styled(code, "λόγος слово", style).status == "not_applicable"


def test_strength_is_a_share_of_words() -> None:
    """A word is styled as a whole or not at all."""
    noised = _styled("en", "word " * 2000, strength="0.3")
    words = noised.text.value.split()
    assert {*words} == {"word", "𝐰𝐨𝐫𝐝"}
    assert 0.25 < words.count("𝐰𝐨𝐫𝐝") / 2000 < 0.35
    assert noised.graphemes_edited == 4 * words.count("𝐰𝐨𝐫𝐝")

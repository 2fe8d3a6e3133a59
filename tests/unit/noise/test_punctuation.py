"""Punctuation left out, doubled, confused, typed plain."""

from __future__ import annotations

import re

import pytest

from robust_xtreme import perturb
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts


def test_each_kind_alone() -> None:
    """Marks are dropped, doubled and typed as on a typewriter; commas come before spaces where they are asked for."""
    off = "@drop=0@double=0@wrong=0@plain=0"
    assert perturb(["a, b; c?"], "punctuation:1@double=0@wrong=0@plain=0", language="en")[0].count(",") <= 1
    assert perturb(["Yes, no!"], f"punctuation:1{off.replace('@double=0', '')}", language="en") == ["Yes,, no!!"]
    assert perturb(["“it’s”"], f"punctuation:1{off.replace('@plain=0', '')}", language="en") == ['"it\'s"']
    assert perturb(["ab cd"], f"punctuation:1{off}@add=1", language="en") == ["ab, cd"]


def test_a_stop_is_confused_with_a_stop() -> None:
    """Another mark of the same class and width comes in its place, one that the language has."""
    spec = "punctuation:1@drop=0@double=0@plain=0"
    assert set(perturb([f"{'a. ' * 50}"], spec, language="en")[0]) <= set("a !?")
    assert set(perturb(["好！" * 50], spec, language="zh")[0]) <= set("好。？")


@pytest.mark.parametrize(("code", "mark", "wrong", "double"), [
    ("el", ";", ".!", ";;"), ("el", "\u037e", ".!…", ";;"), ("el", "·", ",:", "··"), ("el", "\u0387", ",:", "··"),
    ("el", ",", ":", ",,"), ("en", ";", ",:", ";;"), ("ar", "؟", ".!", "؟؟"), ("ar", "؛", "،:", "؛؛"),
    ("fa", "،", "؛:", "،،"), ("ur", "۔", ".؟", "۔۔"), ("hi", "।", ".!?", "।।"), ("my", "။", "", "။။"),
    ("my", "၊", "", "၊၊"), ("zh", "；", "，：、", "；；"), ("ja", "｡", "", "｡｡"), ("ja", "、", "", "、、"),
    ("he", "״", '"', None), ("he", "־", "-–—", None), ("th", "!", ".", "!!"),
])  # fmt: skip
def test_a_mark_does_what_it_does_in_its_language(code: str, mark: str, wrong: str, double: str | None) -> None:
    """A Greek question ends with ;, whatever its code point, and pauses with a raised dot; others have marks of own."""
    off = "punctuation:1@drop=0@plain=0"
    values = [f"α{mark} " + "α" * number for number in range(1, 41)]
    marks = {text.split()[0][1:] for text in perturb(values, f"{off}@double=0", language=code)}
    assert marks == set(wrong or mark)
    marks = {text.split()[0][1:] for text in perturb(values[:1], f"{off}@wrong=0", language=code)}
    assert marks == {mark if double is None else double}


def test_greek_questions_are_not_made_of_commas() -> None:
    """A question ends with another stop, and no comma comes out as the Greek question mark."""
    noised = perturb(["Τι κάνεις; Καλά, εσύ;"], "punctuation:1@drop=0@double=0@plain=0", language="el")[0]
    assert re.fullmatch("Τι κάνεις[.!] Καλά: εσύ[.!]", noised)


def test_the_only_mark_of_a_sentence_is_left_out_as_others_are() -> None:
    """Letters remain, so that nothing is empty; of a text, or a span, without letters one mark stays."""
    off = "punctuation:1@double=0@wrong=0@plain=0"
    assert perturb(["He left.", "No?!", "?"], off, language="en") == ["He left", "No", "?"]
    assert len(perturb(["?!"], off, language="en")[0]) == 1
    text = Text("0", "en", "Stop !", (Span(0, 4), Span(5, 6)))
    assert noise_texts([text], PerturbationSpec.parse(off), 0)[0].text.value == "Stop !"


@pytest.mark.parametrize("code", ["en", "hi", "he", "sw"])
def test_marks_that_nobody_types_are_not_put(code: str) -> None:
    """The mark that ends a verse, and hyphens that no keyboard has."""
    noised = perturb(["a - b ? c . d ! e -" * 40], "punctuation:1@drop=0@double=0@plain=0", language=code)[0]
    assert not set(noised) & set("॥‐‑")


def test_decimals_stay() -> None:
    """A mark in a number is part of the number."""
    assert perturb(["3.14 is 1,000"], "punctuation:1", language="en") == ["3.14 is 1,000"]


def test_wrong_rates_are_refused() -> None:
    """All kinds off is one line."""
    with pytest.raises(UserError, match="every rate"):
        perturb(["a."], "punctuation:1@drop=0@double=0@wrong=0@plain=0", language="en")

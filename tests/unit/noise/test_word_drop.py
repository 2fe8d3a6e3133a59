"""word_drop: words are left out, never all of them."""

from __future__ import annotations

import pytest
from tests.conformance.texts import SENTENCES

from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.members._words import word_drop


def _noise(value: str, code: str, strength: str = "1", spans: tuple[Span, ...] = (), many: int = 1) -> list[Noised]:
    texts = [Text(f"{number}", code, value, spans) for number in range(many)]
    return list(noise_texts(texts, PerturbationSpec.parse(f"word_drop:{strength}"), 0))


def test_what_is_left_is_in_order() -> None:
    """In every language with spaces the words that stay are those of the sentence, in its order, at least one."""
    for code, value in SENTENCES.items():
        for noised in _noise(value, code, "0.6", many=5) if word_drop.serves(code) else ():
            left = iter(value.split())
            assert all(
                any(word.startswith(piece) or piece in word for piece in left) for word in noised.text.value.split()
            )
            assert noised.text.value.split()


@pytest.mark.parametrize(("strength", "low", "high"), [("0.05", 0.04, 0.06), ("0.3", 0.27, 0.33)])
def test_strength_is_the_share_left_out(strength: str, low: float, high: float) -> None:
    """In short texts, too: the word that is kept counts."""
    noised = _noise("habari ya asubuhi leo", "sw", strength, many=2000)
    assert (
        low
        < sum(noised_text.edits["drop"] for noised_text in noised) / sum(noised_text.eligible for noised_text in noised)
        < high
    )


def test_no_doubled_white_space_and_none_at_the_ends() -> None:
    """The white space beside a word goes with it, so that the text looks as if it had been written so."""
    for noised in _noise("Watoto hucheza karibu na mto kila siku.", "sw", "0.5", many=50):
        assert "  " not in noised.text.value
        assert " ." not in noised.text.value
        assert noised.text.value == noised.text.value.strip()


def test_an_answer_keeps_a_word() -> None:
    """A span of several words loses some of them, never all, and contains what is left."""
    spans = (Span(8, 30),)
    for noised in _noise("Watoto hucheza karibu na mto kila siku.", "sw", "1", spans, 20):
        assert noised.text.at(noised.text.spans[0]).split()


def test_languages_without_spaces_are_not_served() -> None:
    """White space does not separate their words, and the error says so."""
    assert {code for code in LANGUAGES if word_drop.lacks(code)} == {"ja", "my", "th", "zh"}
    assert word_drop.lacks("zh") == "no spaces between words"


def test_tagging_is_refused() -> None:
    """A word that is gone has no tag."""
    assert word_drop.refuses == ("tagging",)

"""word_order: neighbouring words change places, where there are words and no tags."""

from __future__ import annotations

from collections import Counter

from tests.conformance.texts import SENTENCES

from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.members._words import word_order


def _noise(value: str, code: str, strength: str = "1", many: int = 1) -> list[Noised]:
    texts = [Text(f"{number}", code, value) for number in range(many)]
    return list(noise_texts(texts, PerturbationSpec.parse(f"word_order:{strength}"), 0))


def test_words_stay_and_their_order_does_not() -> None:
    """In every language with spaces the words are the same, in another order, each at most one place from its own."""
    for code, value in SENTENCES.items():
        for noised in _noise(value, code, many=5) if word_order.serves(code) else ():
            assert Counter(noised.text.value.replace(".", " ")) == Counter(value.replace(".", " "))
            assert noised.text.value != value
            assert noised.edits["swap"] >= 1


def test_capitals_and_signs_stay_where_they_are() -> None:
    """A word is moved as it is written, and what is not a letter is not moved."""
    assert _noise("Hujambo rafiki!", "sw")[0].text.value == "rafiki Hujambo!"
    assert _noise("Hujambo, rafiki!", "sw")[0].status == "unchanged"


def test_languages_without_spaces_are_not_served() -> None:
    """White space does not separate their words, and the error says so."""
    without = {code for code in LANGUAGES if word_order.lacks(code)}
    assert without == {"ja", "my", "th", "zh"}
    assert word_order.lacks("th") == "no spaces between words"
    assert word_order.lacks("xx") == "unknown language"
    assert _noise("เด็กๆ เล่น", "th")[0].status == "not_applicable"


def test_tagging_is_refused() -> None:
    """A tag belongs to a place."""
    assert word_order.refuses == ("tagging",)

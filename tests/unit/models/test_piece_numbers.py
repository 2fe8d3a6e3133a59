"""The pieces of noised words are those that are read from the noised texts, whatever edited them."""

from __future__ import annotations

import numpy as np
import pytest

from robust_xtreme.core.edits import span_table
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.run.prepare import PieceNumbers

_SENTENCES = ["Anna lives in New York City .", "x", "don't say no , please", "a b c d e f g h", "", "the the the"]


def _text(number: int, value: str) -> Text:
    """A text whose spans are its words."""
    starts = [at for at, sign in enumerate(value) if sign != " " and (at == 0 or value[at - 1] == " ")]
    return Text(str(number), "en", value, tuple(Span(at, at + len(value[at:].split(" ")[0])) for at in starts))


@pytest.mark.parametrize(
    "spec", ["char_noise:0", "char_noise:0.1", "char_noise:1", "keyboard_typo:0.3", "char_noise:0.2+keyboard_typo:0.2"]
)
def test_words_that_no_edit_reached_are_those_of_the_clean_texts(spec: str) -> None:
    """The numbers and the distinct pieces are as if every word was read."""
    clean = [_text(number, value) for number, value in enumerate(_SENTENCES * 20)]
    noised = noise_texts(clean, PerturbationSpec.parse(spec), 0)
    before, spans = [text.value for text in clean], span_table([text.spans for text in clean])
    some, every = PieceNumbers(words=True), PieceNumbers(words=True)
    pieces = some.noised(some.of(before, spans), noised)
    every.of(before, spans)
    expected = every.of(noised.values, noised.spans)
    assert some.known == every.known
    assert list(some.known) == list(every.known)
    assert np.array_equal(pieces.numbers, expected.numbers)
    assert np.array_equal(pieces.bounds, expected.bounds)

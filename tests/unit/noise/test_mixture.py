"""Mixtures: what several parts do to one word."""

from __future__ import annotations

from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts


def test_parts_that_shorten_a_short_word_leave_something_of_it() -> None:
    """Each part keeps a letter of a span; together they could leave none of it."""
    value = "זה הילד ליד בו"
    spans = (Span(0, 2), Span(3, 7), Span(8, 11), Span(12, 14))
    texts = [Text(f"{number}", "he", value, spans) for number in range(3000)]
    for noised in noise_texts(texts, PerturbationSpec.parse("natural:1"), 0):
        assert all(span.start < span.stop for span in noised.text.spans), noised.text

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


def test_a_text_without_units_has_nothing_eligible() -> None:
    """Neither letters nor marks of punctuation."""
    texts = [Text("digits", "en", "27"), Text("letter", "en", "a")]
    assert [each.eligible for each in noise_texts(texts, PerturbationSpec.parse("natural:0.1"), 0)] == [0, 1]


def test_of_parts_that_may_not_touch_spans_no_edit_does() -> None:
    """At the highest strength spaces between two spans stay, and those of a text without spans do not."""
    value, spec = "one two six ten", PerturbationSpec.parse("natural_typing:1")
    words = (Span(0, 3), Span(4, 7), Span(8, 11), Span(12, 15))
    spaces = []
    for spans in (words, ()):
        texts = [Text(f"{number}", "en", value, spans) for number in range(200)]
        noised = noise_texts(texts, spec, 0)
        spaces.append({sum(" " in value[a:b] for a, b, *_ in each.traces[0].moves) for each in noised})
    assert (spaces[0], max(spaces[1]) > 0) == ({0}, True)

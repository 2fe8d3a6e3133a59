"""The spelling normaliser: which words it changes, to what, and where everything is after it."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest

from robust_xtreme.core.edits import NO_SPANS, span_table
from robust_xtreme.core.examples import Span
from robust_xtreme.noise.normalising.corrector import Spelling, lacks, normalised, spelling_of

WORDS = Counter({"government": 100, "people": 90, "there": 500, "where": 100, "cannot": 9, "don't": 5})


@pytest.fixture(scope="module")
def english() -> Spelling:
    """The normaliser of English texts."""
    return spelling_of("en", WORDS)


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("goverment", "government"),
        ("Govrenment", "Government"),
        ("GOVERNMENTT", "GOVERNMENT"),
        ("peolpe", "people"),
        ("recieve", "receive"),
        ("teh", "the"),
        ("don’t", "don’t"),
        ("people", "people"),
        ("xyzzy", "xyzzy"),
        ("govprnment", "govprnment"),
        ("iPeople", "iPeople"),
        ("pe", "pe"),
    ],
)
def test_an_unknown_word_becomes_the_one_that_one_error_leads_from(english: Spelling, word: str, right: str) -> None:
    """A listed misspelling, a key missed, doubled, swapped or beside: in the case of the word; others stay."""
    assert english.corrected(word) == right


def test_the_likelier_of_two_words_is_taken() -> None:
    """Of two words that an error leads from, the one that is far more frequent."""
    assert Spelling("en", {"card": 99, "care": 1}, frozenset()).corrected("carr") == "card"
    assert Spelling("en", {"card": 1, "care": 99}, frozenset()).corrected("carr") == "care"


@pytest.mark.parametrize(
    ("code", "word", "right"),
    [("ru", "чкловек", "человек"), ("de", "Wüürde", "Würde"), ("tr", "insna", "insan"), ("hi", "अधिकर", "अधिकार")],
)
def test_each_language_has_words_and_keys_of_its_own(code: str, word: str, right: str) -> None:
    """Words of its packs, errors of its keyboard; English words are known there, and no word becomes one."""
    spelling = spelling_of(code, WORDS)
    assert spelling.corrected(word) == right
    assert spelling_of(code, Counter({word.lower(): 1})).corrected(word) == word
    assert spelling.corrected("peolpe") == "peolpe"


def test_languages_without_spaces_are_not_served() -> None:
    """They say so; those that have spaces and keys are served."""
    assert {code: bool(lacks(code)) for code in ("th", "zh", "ja", "my", "en", "sw", "ko", "vi")} == {
        **dict.fromkeys(("th", "zh", "ja", "my"), True),
        **dict.fromkeys(("en", "sw", "ko", "vi"), False),
    }


def test_spans_stay_on_their_words(english: Spelling) -> None:
    """Words of a text that is tagged keep their spans; a word that a span's end cuts stays."""
    text = "the goverment of peolpe, peolpe"
    spans = [(0, 3), (4, 13), (14, 16), (17, 23), (25, 28), (28, 31)]
    table = span_table([[Span(*ends) for ends in spans]])
    moved = normalised([text], table, english)
    assert moved.values == ["the government of people, peolpe"]
    ends = zip(moved.spans.start.tolist(), moved.spans.stop.tolist(), strict=True)
    assert [moved.values[0][low:high] for low, high in ends] == ["the", "government", "of", "people", "peo", "lpe"]


def test_texts_do_not_depend_on_each_other(english: Spelling) -> None:
    """One by one, together, in another order or in another process: the same."""
    texts = ["the goverment", "", "teh Peolpe", "xyzzy goverment goverment", "a"]
    together = normalised(texts, NO_SPANS, english).values
    other = pickle.loads(pickle.dumps(english))  # noqa: S301 - made here, as worker processes get it
    assert [normalised([text], NO_SPANS, other).values[0] for text in reversed(texts)] == together[::-1]
    assert np.array_equal(normalised(texts, NO_SPANS, other).moves, normalised(texts, NO_SPANS, english).moves)

"""Words joined with the next one, and words split."""

from __future__ import annotations

from collections import Counter

from robust_xtreme import perturb
from robust_xtreme.api import noised_strings
from robust_xtreme.core.specs import PerturbationSpec


def test_words_are_joined_and_split() -> None:
    """At full strength no space is left, or each word has one more, anywhere within it; joins are two in three."""
    assert perturb(["ab cd ef"], "spacing:1@split=0", language="en") == ["abcdef"]
    assert perturb(["ab cd, it's a"], "spacing:1@join=0", language="en") == ["a b c d, i t's a"]
    assert perturb(["学校"], "spacing:1@join=0", language="zh") == ["学 校"]
    assert perturb(["हिन्दी भाषा"], "spacing:1@join=0", language="hi") == ["हि न्दी भा षा"]
    counts = Counter(perturb(["abcd." * 3000], "spacing:1", language="en")[0].split("."))
    assert counts.keys() == {"a bcd", "ab cd", "abc d", ""}
    assert all(900 < many < 1100 for form, many in counts.items() if form)
    counts = Counter(perturb(["ab cd." * 3000], "spacing:0.1", language="en")[0].split("."))
    assert 1.6 < counts["abcd"] / counts["a b cd"] < 2.4


def test_very_long_words_are_split_at_forty_places() -> None:
    """Evenly spread, so that a long run of letters without spaces costs no more than its length."""
    positions = {
        text.find(" ") for text in perturb([f"{'ก' * 401}." * 800], "spacing:1", language="th")[0].split(".")[:-1]
    }
    assert positions == set(range(1, 401, 10))


def test_a_thai_vowel_stays_with_its_consonant() -> None:
    """Nobody puts a space after a vowel that is written before its consonant, nor before one written after it."""
    forms = {
        perturb([word + "." * number], "spacing:1@join=0", language="th")[0].rstrip(".")
        for word in ("แม่น้ำ", "ประเทศ", "มา")
        for number in range(1, 60)
    }
    assert forms == {"แม่ น้ำ", "ป ระเทศ", "ประ เทศ", "ประเท ศ", "มา"}


def test_numbers_keep_their_spaces() -> None:
    """A space beside a digit stays: 5 km and 10 000 are read as they were."""
    assert perturb(["5 km 10 000 x"], "spacing:1@split=0", language="en") == ["5 km 10 000 x"]


def test_letters_that_are_not_the_languages_own_stay_together() -> None:
    """A Latin name in a Greek text is not split."""
    assert perturb(["το NATO με"], "spacing:1@join=0", language="el") == ["τ ο NATO μ ε"]


def test_both_words_of_a_join_are_edited() -> None:
    """A deleted blank edits the words on both sides, each once; a split edits one word."""
    cases = {
        "spacing:1@split=0": ("ab cd ef", 3, "abcdef"),
        "spacing:1@join=0": ("ab. cd", 2, "a b. c d"),
        "spacing:0.5@split=0": ("The children believe it", 2, "The childrenbelieve it"),
    }
    for spec, (value, edited, noisy) in cases.items():
        (noised,) = noised_strings([value], PerturbationSpec.parse(spec), "en", 0)
        assert (noised.text.value, noised.words_edited) == (noisy, edited)

"""Constraints of attacks: which edits and which candidates are left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.conformance.texts import drawn

from robust_xtreme.attack import constraints
from robust_xtreme.attack.constraints import allowed
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.attack import Settings, settings_of
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.noise.engine.options import EditOptions, applied, options_of
from robust_xtreme.noise.label_risk import edited, endangering, risky

MOVES = tuple(
    link for name in ("char_noise", "spacing", "punctuation") for link in bound(PerturbationSpec.parse(f"{name}:1"))
)


def settings(params: str = "") -> Settings:
    """Those of a spec with these parameters."""
    return settings_of(bound(PerturbationSpec.parse(f"attack_letters:0.1{params}"))[0])


def singles(texts: list[Text], options: EditOptions) -> NoisedTexts:
    """The texts with each edit by itself."""
    return applied(texts, options, options.text, [[number] for number in range(len(options))])


@given(texts=drawn())
def test_edits_that_risk_the_label_are_those_that_change_numbers_or_negators(texts: list[Text]) -> None:
    """Made by itself, an edit that is left out edits a number or a negator, and no other one does."""
    several = [
        Text(f"{text.id}/{word}", text.language, f"{text.value} {word}1,5 ", text.spans)
        for text in texts
        for word in ("not ", "नहीं", "x.")
    ]
    options = options_of(several, MOVES, 0)
    numbers, negators = edited(noised := singles(several, options), risky(noised.clean))
    np.testing.assert_array_equal(endangering(several, options, risky(several)), numbers + negators > 0)


def test_numbers_and_negators_stay_unless_they_are_allowed_to_change() -> None:
    """With @risk=allow all edits are possible; without it those of 1917 and of not are left out."""
    texts = [Text("t", "en", "It was not 1917 when they came")]
    options = options_of(texts, MOVES, 0)
    left = constraints.risk.options(texts, options, settings())
    start, stop = texts[0].value.index("not"), texts[0].value.index("when")
    assert not left[(options.start >= start) & (options.stop < stop)].any()
    assert left[options.stop < start - 1].all()
    assert constraints.risk.options(texts, options, settings("@risk=allow")).all()


def test_edits_that_risk_the_label_together_are_rejected() -> None:
    """A point and a space after a number are lost: each edit alone leaves the number alone, both together do not."""
    texts = [Text("t", "en", "in 5. a")]
    options = _options((4, 5), (5, 6))
    assert not endangering(texts, options, risky(texts)).any()
    noised = applied(texts, options, np.array([0, 0, 0]), [[0], [1], [0, 1]])
    assert constraints.risk.noised(noised, settings()).tolist() == [True, True, False]
    assert constraints.risk.noised(noised, settings("@risk=allow")).all()


def _options(*ranges: tuple[int, int]) -> EditOptions:
    """Deletions in the first text, one a unit."""
    count = len(ranges)
    number, single = np.arange(count), np.ones(count, np.int64)
    start, stop = np.array(ranges).T
    columns = (number * 0, number, single, start, stop, number * 0, single)
    return EditOptions(*columns, [""] * count, ("delete",), np.array([count]), np.array([9]))


def test_an_edit_of_a_protected_span_is_left_out() -> None:
    """Edits that overlap a protected span or are put within it are left out; those that touch its ends are not."""
    texts = [Text("t", "en", "one two three", (Span(4, 7, frozen=True), Span(8, 13), Span(5, 5, frozen=True)))]
    ranges = ((0, 4), (3, 5), (4, 4), (4, 5), (5, 5), (6, 8), (7, 7), (7, 8), (9, 12))
    left = constraints.protected.options(texts, _options(*ranges), settings())
    assert left.tolist() == [True, False, True, False, False, False, True, True, True]


def test_noise_proposes_no_edit_that_only_a_constraint_prevents() -> None:
    """The edits of perturbations leave protected spans alone by themselves."""
    texts = [Text("t", "en", "one two three", (Span(4, 7, frozen=True),))]
    options = options_of(texts, MOVES, 0)
    assert constraints.protected.options(texts, options, settings()).all()
    assert len(allowed(texts, options, settings())) == len(options) > 0


def test_no_text_and_no_span_is_left_blank() -> None:
    """Deletions that leave nothing but white space of a word or of the text are rejected; blank ones may stay so."""
    texts = [Text("t", "en", "ab c", (Span(0, 2), Span(2, 3), Span(3, 4)))]
    options = _options((0, 1), (1, 2), (2, 3), (3, 4))
    picked = [[], [0], [1], [0, 1], [2], [3], [0, 2], [0, 1, 2, 3]]
    noised = applied(texts, options, np.zeros(len(picked), np.int64), picked)
    assert constraints.blank.noised(noised, settings()).tolist() == [True, True, True, False, True, False, True, False]


@pytest.mark.parametrize(("clean", "value", "expected"), [
    ("The cat sat on the mat.", "The cat sat on the mat.", 100.0),
    ("The cat sat on the mat.", "Teh cta sat on the mat", 60.608097),
    ("वह कल दिल्ली से लौटा", "वह कल दल्ली से लौट", 66.407094),
    ("他们昨天离开了港口", "他们昨夭离开港口", 24.256052),
    ("ab", "ba", 50.0), ("a", "b", 0.0), ("abc", "x y", 0.0), ("aaaa bbbb", "aaaa", 41.859831),
])  # fmt: skip
def test_chrf_is_that_of_sacrebleu(clean: str, value: str, expected: float) -> None:
    """The values are those of sacrebleu 2.5.1, sentence_chrf with its defaults."""
    assert constraints.score(*map(constraints.grams_of, (value, clean))) == pytest.approx(expected, abs=1e-6)


def test_a_floor_of_chrf_rejects_what_is_below_it() -> None:
    """Without a floor every text is accepted; with one those that are at least as like their clean text."""
    texts = [Text("t", "en", "The cat sat on the mat.")]
    noised = applied(texts, _options((4, 5), (8, 11), (19, 22)), np.zeros(4, np.int64), [[], [0], [0, 1], [0, 1, 2]])
    scores = [constraints.score(*map(constraints.grams_of, (value, texts[0].value))) for value in noised.values]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 100
    assert constraints.chrf.noised(noised, settings()).all()
    assert constraints.chrf.noised(noised, settings(f"@chrf={scores[2] - 0.01:.2f}")).tolist() == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("value", ["101", "-1", "x", "1e1", "60.1234", "nan"])
def test_a_floor_of_chrf_is_a_percentage(value: str) -> None:
    """Anything but a number from 0 to 100 is refused with one line."""
    with pytest.raises(SpecError, match="@chrf"):
        settings(f"@chrf={value}")

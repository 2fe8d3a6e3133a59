"""Texts, targets and fingerprints."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import replace

import pytest

from robust_xtreme.core.examples import (
    Answers,
    Choice,
    Document,
    Example,
    Span,
    Tags,
    Target,
    Text,
    digest,
    target_json,
)


def _example(value: str = "Habari", target: Target = Choice(1)) -> Example:  # noqa: B008 - frozen
    return Example("a", {"premise": Text("t", "sw", value)}, target, "c")


def test_a_span_is_half_open() -> None:
    """`Text.at` gives the covered code points."""
    assert Text("t", "sw", "Habari ya asubuhi").at(Span(7, 9)) == "ya"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Choice(2), "2"),
        (Tags(("O", "B-PER")), '["O", "B-PER"]'),
        (Answers((Span(1, 3),)), "[[1, 3]]"),
        (Answers(()), "[]"),
        (Document(("é", 'a"')), '["é", "a\\""]'),
    ],
)
def test_targets_have_one_json_form(target: Target, text: str) -> None:
    """Predictions and golds are stored as these strings."""
    assert target_json(target) == text


def test_a_fingerprint_that_is_read_late_is_that_of_the_data() -> None:
    """A target that replaces the one of the data does not change it, nor does a copy."""
    known = _example().fingerprint
    replaced = replace(_example(), target=Choice(0))
    assert (replaced.fingerprint, replaced.target) == (known, Choice(0))
    assert replace(_example(), target=Choice(0), fingerprint="").fingerprint != known
    assert copy.deepcopy(_example()).fingerprint == known
    assert not hasattr(_example(), "fingerprints")


def test_the_fingerprint_follows_every_field_and_the_target() -> None:
    """Any change of text or gold shows; equal content is equal."""
    assert _example().fingerprint == _example().fingerprint
    assert len({_example().fingerprint, _example("Habarl").fingerprint, _example(target=Choice(0)).fingerprint}) == 3


def test_a_digest_keeps_its_parts_apart() -> None:
    """Moving a letter from one part to the next gives another hash."""
    assert digest("ab", "c") != digest("a", "bc")


def test_nouns_are_frozen() -> None:
    """Examples cannot be changed."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        _example().cluster = "x"  # type: ignore[misc]  # the point of the test

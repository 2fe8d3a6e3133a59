"""Grapheme clusters: the same as `regex` finds, on text of every script and on the hard cases."""

from __future__ import annotations

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance.texts import HARD, sentence

from robust_xtreme.core import graphemes
from robust_xtreme.core.languages import ALL_LANGUAGES, language


def _some_of_each_class() -> list[str]:
    """Thirty code points of each class of UAX #29, spread over Unicode."""
    kinds = graphemes.table() & 31
    of_class = [np.flatnonzero(kinds == number) for number in range(19)]
    return [chr(members[index]) for members in of_class for index in np.linspace(0, len(members) - 1, 30).astype(int)]


_POINTS = st.sampled_from(_some_of_each_class())


def _batch(texts: list[str]) -> graphemes.Clusters:
    joined = "".join(text + graphemes.SEPARATOR for text in texts)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    return graphemes.clusters(graphemes.properties(points))


@given(st.text(_POINTS, max_size=12))
def test_clusters_of_any_mix_of_classes_are_those_of_regex(text: str) -> None:
    """Whatever classes of UAX #29 meet, in whatever order, the breaks are those of the reference."""
    assert graphemes.split(text) == regex.findall(r"\X", text)


@pytest.mark.parametrize("text", HARD)
def test_hard_clusters_are_those_of_regex(text: str) -> None:
    """Conjuncts, joined emoji, flags, jamo, lone marks and line ends break where the reference breaks them."""
    assert graphemes.split(text) == regex.findall(r"\X", text)


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_sentences_and_alphabets_of_each_language_split_like_regex(code: str) -> None:
    """A sentence and the alphabet of each language break where the reference breaks them."""
    for text in (sentence(code), "".join(language(code).alphabet)):
        assert graphemes.split(text) == regex.findall(r"\X", text)


@given(st.lists(st.text(_POINTS, max_size=6), max_size=6))
def test_no_rule_looks_from_one_text_into_the_next(texts: list[str]) -> None:
    """The clusters of a batch are those of its texts, each alone, and one separator per text."""
    alone = [graphemes.split(text) for text in texts]
    assert len(_batch(texts).starts) == sum(map(len, alone)) + len(texts)


def test_flags_pair_from_the_start_of_their_run() -> None:
    """Five regional indicators are two flags and a half."""
    assert [len(word) for word in graphemes.split("🇩🇪🇫🇷🇩")] == [2, 2, 1]


def test_text_without_joining_characters_is_simple() -> None:
    """Where no character can join, clusters are code points and nothing is open."""
    batch = _batch(["Привет, мир", "你好"])
    assert batch.simple
    assert not len(batch.open_after)
    assert batch.starts.tolist() == list(range(15))


@pytest.mark.parametrize(
    ("left", "right"), [("क्", "ष"), ("🇩", "🇪"), ("\u1100", "\uac00"), ("\u0600", "a"), ("👩\u200d", "👩"), ("\r", "\n")]
)
def test_what_waits_for_more_is_open_after(left: str, right: str) -> None:
    """A cluster that the next one could join is marked as open after."""
    assert len(graphemes.split(left + right)) == 1
    batch = _batch([left])
    assert 0 in batch.open_after


@pytest.mark.parametrize("mark", ["\u0301", "\u093e", "\u1161", "\u11a8", "\ufe0f", "\u200d"])
def test_what_joins_to_the_left_is_open_before(mark: str) -> None:
    """A mark or jamo without a base is marked as open in front."""
    batch = _batch([mark])
    assert 0 in batch.open_before


@given(st.text(_POINTS, min_size=1, max_size=5), st.text(_POINTS, min_size=1, max_size=5))
def test_clusters_that_are_closed_never_join(left: str, right: str) -> None:
    """Two strings, the first not open after and the second not open in front, keep their clusters when joined."""
    first, second = _batch([left]), _batch([right])
    if len(first.starts) - 2 not in first.open_after and 0 not in second.open_before:
        assert graphemes.split(left + right) == graphemes.split(left) + graphemes.split(right)


def test_properties_are_those_of_unicode() -> None:
    """Letters, capitals and white space are what `regex` says they are, over all code points."""
    every = "".join(map(chr, range(0x110000)))
    for pattern, bit in ((r"\p{L}", 32), (r"[\p{Lu}\p{Lt}]", 64), (r"\p{White_Space}", 128)):
        expected = {match.start() for match in regex.finditer(pattern, every)}
        assert set(np.flatnonzero(graphemes.table() & bit).tolist()) == expected

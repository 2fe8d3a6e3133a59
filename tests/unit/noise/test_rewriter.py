"""Rewriters: another package's function from string to string, whose output becomes edits by a diff."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance.texts import HARD

from robust_xtreme.core import graphemes
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.noise.engine.diff import Hunk, distance, hunks
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_with
from robust_xtreme.noise.engine.perturbation import Bound, Perturbation
from robust_xtreme.noise.engine.rewriter import Change, _Model, changed, lent, rewriter

_WORDS = st.lists(st.sampled_from(["a", "b", "cd", "ce", "क्ष", "न्य", "e\u0301", " ", "  ", "\n", "👩‍👧"]), max_size=30)


def _member(author: Callable[[str], str], calls: list[str] | None = None) -> Perturbation:
    """A rewriter that applies a function to every text and notes which it was given."""

    def given_texts(language: str, strength: float) -> Callable[[str], str]:
        """Rewrite."""

        def rewrite(value: str) -> str:
            (calls if calls is not None else []).append(value)
            return author(value)

        return rewrite

    return rewriter(strength="share of words")(given_texts)


def _noised(member: Perturbation, *values: str, strength: str = "0.5", seed: int = 0) -> list[Noised]:
    texts = [Text(f"t/{value}", "en", value) for value in values]
    return list(noise_with([Bound(member, strength, {})], texts, seed))


def _shuffled(value: str) -> str:
    """The text with its letters drawn again by all three global generators."""
    letters = "abcdefghij"
    drawn = (random.randrange(10), int(np.random.randint(10)), int(torch.randint(10, ())))  # noqa: NPY002 - as a library does
    return value + "".join(letters[index] for index in drawn)


def test_the_output_becomes_one_edit_per_changed_word() -> None:
    """An edit reaches from the first changed cluster of a word to the last, and costs the clusters that differ."""
    noised = _noised(_member(lambda _: "Thx childs play very near t rivers"), "The children play near the river")[0]
    assert noised.text.value == "Thx childs play very near t rivers"
    assert [noised.clean.value[a:b] for a, b, _, _ in noised.traces[0].moves] == ["e", "ren", "n", "he", "r"]
    assert noised.edits == {"replace": 2, "insert": 2, "delete": 1}
    assert noised.graphemes_edited == 1 + 3 + len("very ") + 2 + 1
    assert (noised.words, noised.words_edited, noised.eligible) == (6, 5, 6)
    assert [noised.text.value[c:d] for _, _, c, d in noised.traces[0].moves] == ["x", "s", "very n", "", "rs"]


def test_clusters_are_replaced_whole() -> None:
    """A changed mark is an edit of the letter with all its marks, never of the mark alone."""
    (change,) = changed("हिन्दी में", "हिन्दी मों")
    assert change == Change(3, 4, "मों", 1, 0)


@given(old=_WORDS.map("".join), new=_WORDS.map("".join))
def test_the_changes_make_the_new_text(old: str, new: str) -> None:
    """Put into the old text they give the new one; they are sorted, disjoint, and cost what they must."""
    clusters, parts, end = graphemes.split(old), [], 0
    for start, stop, form, cost, _ in changed(old, new):
        assert end <= start < stop
        assert "".join(clusters[start:stop]) != form
        assert cost == distance(clusters[start:stop], graphemes.split(form))
        parts += [*clusters[end:start], form]
        end = stop
    assert "".join([*parts, *clusters[end:]]) == (new if old else "")


def test_a_word_put_in_counts_before_the_word_after_it() -> None:
    """Of the two blanks around it the one after is new, however much else changed; a deleted letter is the last."""
    assert hunks(["x", " ", "b", " ", "c"], ["x", " ", "n", " ", "b", " ", "d"]) == [(2, 2, 2, 4), (4, 5, 6, 7)]
    assert hunks("hello", "helo") == [(3, 4, 3, 3)]


def _cost(differences: list[Hunk]) -> int:
    """How many elements are replaced, put in and deleted in these ranges."""
    return sum(max(b - a, d - c) for a, b, c, d in differences)


@given(old=st.text("ab ", max_size=60), new=st.text("ab ", max_size=60))
def test_the_fewest_elements_change_in_short_sequences(old: str, new: str) -> None:
    """The changed parts are a cheapest alignment: no other has a smaller Levenshtein distance."""
    assert _cost(hunks(old, new)) == distance(old, new)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=400), st.randoms(use_true_random=False))
def test_long_sequences_are_rebuilt_too(old: list[str], drawn: random.Random) -> None:
    """Beyond the exact table anchors and a sliding window do it: all else is equal, and little is found changed."""
    new = [drawn.choice("xyz") if drawn.random() < 0.05 else value for value in old if drawn.random() > 0.02]
    differences, parts, end, other = hunks(old, new), [], 0, 0
    for a, b, c, d in differences:
        assert old[end:a] == new[other:c]
        parts += [*old[end:a], *new[c:d]]
        end, other = b, d
    assert [*parts, *old[end:]] == new
    assert _cost(differences) <= 2 * sum(a != b for a, b in zip(old, new, strict=False)) + abs(len(old) - len(new)) + 8


@pytest.mark.parametrize("word", ["same", "w{n}"])
def test_the_diff_is_linear_in_repetitive_and_in_varied_text(word: str) -> None:
    """Ten times the words take about ten times the steps, where words repeat and where they do not."""

    def steps(size: int) -> int:
        old = [word.format(n=n) for n in range(size)]
        new = [f"new{n}" if n % 7 == 0 else value for n, value in enumerate(old) if n % 11]
        count = 0

        def counting(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(counting)
        try:
            hunks(old, new)
        finally:
            sys.setprofile(None)
        return count

    assert steps(10_000) < 14 * steps(1_000)


def test_strength_nought_never_calls_the_library() -> None:
    """Nothing is imported, loaded or called for a strength of 0, and every byte stays."""
    calls: list[str] = []
    noised = _noised(_member(str.upper, calls), *HARD, strength="0")
    assert calls == []
    assert all(noised_text.text == noised_text.clean and noised_text.status == "unchanged" for noised_text in noised)


def test_what_is_put_in_at_the_edges_of_neighbouring_texts_stays_in_its_own() -> None:
    """Before the first letter and after the last one, also where both fall on the only one; an empty text stays."""
    noised = _noised(_member(lambda value: f"x {value} y"), "a", "", "b c", "d")
    assert [noised_text.text.value for noised_text in noised] == ["x a y", "", "x b c y", "x d y"]
    assert [list(noised_text.traces[0].moves) for noised_text in noised] == [
        [(0, 1, 0, 5)],
        [],
        [(0, 1, 0, 3), (2, 3, 4, 7)],
        [(0, 1, 0, 5)],
    ]
    assert [noised_text.graphemes_edited for noised_text in noised] == [4, 0, 4, 4]
    assert noised[0].to_clean(2, 3) == (0, 1)


def test_the_global_generators_are_as_they_were() -> None:
    """Python's, numpy's and torch's generators continue after a rewriter as if it had not been there, errors or not."""
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]  # noqa: NPY002 - the state under test
    _noised(_member(_shuffled), "one", "two")
    with pytest.raises(ZeroDivisionError):
        _noised(_member(lambda value: str(random.random() / len(value[:0]))), "three")
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]  # noqa: NPY002 - the state under test
    assert after == before


def test_draws_follow_the_text_and_the_seed_alone() -> None:
    """Order, batch and what was drawn before change nothing; seeds do."""
    member = _member(_shuffled)
    values = ("one", "two", "three")
    whole = [noised_text.text.value for noised_text in _noised(member, *values)]
    random.random()
    assert [noised_text.text.value for noised_text in _noised(member, *values[::-1])][::-1] == whole
    assert [_noised(member, value)[0].text.value for value in values] == whole
    assert [noised_text.text.value for noised_text in _noised(member, *values, seed=1)] != whole


def test_each_of_the_generators_follows_the_key() -> None:
    """Also keys of 64 bits, as they are drawn: the same key gives the same numbers, another one others."""
    drawn = []
    with lent() as seeded:
        for key in (5, 2**64 - 5, 5):
            seeded(key)
            drawn.append((random.random(), np.random.random(), torch.rand(()).item()))  # noqa: NPY002 - as a library does
    assert drawn[0] == drawn[2]
    assert all(one != other for one, other in zip(*drawn[:2], strict=True))


def test_a_masked_model_reads_the_first_piece_of_its_vocabulary() -> None:
    """Piece 0 begins a text in models of RoBERTa's kind; the end of a shorter text is filled, and is not read."""
    read = []

    class Network:
        config = SimpleNamespace()

        def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
            read.append((input_ids.tolist(), attention_mask.tolist()))
            return SimpleNamespace(logits=torch.zeros(*input_ids.shape, 5))

    class Tokenizer:
        mask_token, mask_token_id, cls_token_id, sep_token_id, pad_token_id = "*", 4, 0, 2, 1

        def __call__(self, text: str, **_: bool) -> dict[str, list[int]]:
            return {"input_ids": [4 if letter == "*" else 3 for letter in text]}

    _Model(Network(), Tokenizer()).logits([("ab", 0, 1), ("a", 0, 1)])
    assert read == [([[0, 4, 3, 2], [0, 4, 2, 1]], [[1, 1, 1, 1], [1, 1, 1, 0]])]


@pytest.mark.parametrize("strength", ["0", "0.3"])
def test_texts_with_spans_are_refused_in_one_line(strength: str) -> None:
    """A string that comes back does not say where its spans went, so none is guessed."""
    text = Text("t", "en", "The river", (Span(4, 9),))
    with pytest.raises(UserError, match="given_texts") as caught:
        noise_with([Bound(_member(str.upper), strength, {})], [text], 0)
    assert "\n" not in str(caught.value)


def test_the_kind_says_what_it_waives_and_where_it_is_refused() -> None:
    """Waivers belong to the kind, and so do the families whose texts have spans."""
    member = _member(str.upper)
    assert (member.kind, member.unit, member.refuses) == ("rewriter", "word", ("span_qa", "tagging"))
    assert "strengths_nest" in member.waives
    assert "rule_6_edit_counts_are_true" not in member.waives

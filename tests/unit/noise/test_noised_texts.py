"""Noised texts as columns: what is read of many at once is what each of them says by itself."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.core.edits import Trace
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised, joined, parts_read, pieces
from robust_xtreme.noise.engine.noising import noise_texts, seed_of_pass
from robust_xtreme.noise.engine.traces import traces_from

_SIZE = 9
_TEXTS = [
    Text("a", "en", "The heron waits", (Span(4, 9), Span(10, 15))),
    Text("b", "th", "นกกระสารอ"),
    Text("c", "en", " a b ", (Span(1, 2, "B-PER"), Span(3, 4, frozen=True))),
    Text("d", "my", "မြန်မာ", (Span(0, 2),)),
    Text("a", "en", "The heron waits", (Span(4, 9), Span(10, 15))),
    Text("e", "en", ""),
    Text("f", "en", "o two three r", (Span(2, 5), Span(0, 13))),
]
_CHAIN = "char_noise:0.6+word_drop:0.2"


@st.composite
def _trace(draw: st.DrawFn) -> Trace:
    """The edits of one text and some of its spans with where they are now, which no rule connects."""
    clean, new, moves = 0, 0, []
    for kept, cut, put in draw(st.lists(st.tuples(*[st.integers(0, 2)] * 3), max_size=4)):
        clean, new = clean + kept, new + kept
        if cut or put:
            moves.append((clean, clean + cut, new, new + put))
        clean, new = clean + cut, new + put
    end = st.integers(0, _SIZE)
    spans = draw(st.lists(st.tuples(st.tuples(end, end), st.tuples(end, end)), max_size=3))
    return Trace(tuple(moves), tuple(spans))


@given(st.lists(_trace(), min_size=1, max_size=3), st.data())
def test_ranges_of_many_texts_are_mapped_as_those_of_each(several: list[Trace], data: st.DataObject) -> None:
    """Widened to whole edits, exact where a range is a span, empty where it is empty: the same for all at once."""
    end = st.integers(0, _SIZE)
    asked = data.draw(st.lists(st.tuples(st.integers(0, len(several) - 1), end, end), max_size=8))
    texts, starts, stops = np.array(asked, np.int64).reshape(-1, 3).T
    columns = traces_from([[trace] for trace in several])
    back = zip(*(ends.tolist() for ends in columns.to_clean(texts, (starts, stops))), strict=True)
    assert list(back) == [several[text].to_clean(start, stop) for text, start, stop in asked]
    there = zip(*(ends.tolist() for ends in columns.to_noisy(texts, (starts, stops))), strict=True)
    assert list(there) == [several[text].to_noisy(start, stop) for text, start, stop in asked]
    assert [columns.of(number) for number in range(len(several))] == several


def test_the_first_span_is_not_widened() -> None:
    """Letters deleted before and after it are none of it; after a range that is no span one is."""
    columns = traces_from([[Trace(((0, 1, 0, 0), (3, 4, 2, 2)), (((1, 3), (0, 2)),))]])
    starts, stops = columns.to_clean(np.array([0, 0]), (np.array([0, 1]), np.array([2, 2])))
    assert [*zip(starts.tolist(), stops.tolist(), strict=True)] == [(1, 3), (2, 4)]


def test_a_chain_maps_many_ranges_as_its_views_do() -> None:
    """Several links, a text that is cut at its ends, spans, and a language that is not served."""
    noised = noise_texts(_TEXTS, PerturbationSpec.parse(_CHAIN), 3)
    asked = [(text, a, b) for text in range(len(noised)) for a in range(12) for b in range(a, 13)]
    texts, starts, stops = np.array(asked).T
    views = list(noised)
    assert any(len(view.traces) > 2 for view in views)
    for of_many, of_each in ((noised.to_clean, Noised.to_clean), (noised.to_noisy, Noised.to_noisy)):
        mapped = zip(*(ends.tolist() for ends in of_many(texts, (starts, stops))), strict=True)
        assert list(mapped) == [of_each(views[text], start, stop) for text, start, stop in asked]


def test_texts_that_are_taken_or_joined_stay_what_they_were() -> None:
    """Order, repetition and division change nothing about any text; indices and slices give the same views."""
    noised = noise_texts(_TEXTS, PerturbationSpec.parse(_CHAIN), 3)
    views = list(noised)
    assert [noised[number] for number in range(-len(noised), 0)] == views == list(noised[:])
    assert list(noised.take(np.array([3, 0, 0, 2]))) == [views[number] for number in (3, 0, 0, 2)]
    assert list(joined([noised[4:], noised[1:1], noised[:4]])) == [*views[4:], *views[:4]]
    alone = [noise_texts([text], PerturbationSpec.parse(_CHAIN), 3)[0] for text in _TEXTS]
    assert alone == views


def test_pieces_are_kept_and_changed_in_turn() -> None:
    """Of one link and of a chain: those that are kept are the same, and all of them make both texts."""
    for spec in ("char_noise:0.6", _CHAIN):
        for noised in noise_texts(_TEXTS, PerturbationSpec.parse(spec), 3):
            old, new = zip(*pieces(noised), strict=True)
            assert ("".join(old), "".join(new)) == (noised.clean.value, noised.text.value)
            assert old[::2] == new[::2]


def test_seeds_of_passes_are_apart_and_of_31_bits() -> None:
    """Other passes and other training seeds have other seeds, none of them small, which a torch generator takes."""
    seeds = {seed_of_pass(seed, turn) for seed in range(5) for turn in range(20)}
    assert len(seeds) == 100
    assert 1_000 < min(seeds) <= max(seeds) < 2**31


def test_the_seed_of_a_pass_stays_the_same_in_every_version() -> None:
    """The last 31 bits of a hash of its words, each with its length before it."""
    parts = (b"noise of a pass", b"3", b"12")
    hashed = blake2b(b"".join(len(part).to_bytes(8, "little") + part for part in parts), digest_size=8).digest()
    assert seed_of_pass(3, 12) == int.from_bytes(hashed, "big") & (2**31 - 1)


def test_a_text_without_edits_has_no_trace_beside_one_that_has_some() -> None:
    """Traces are made of texts that have one each, or none."""
    columns = traces_from([[], [Trace(((0, 1, 0, 2),), ())], []])
    assert [columns.has(number) for number in range(3)] == [False, True, False]


def test_a_span_is_reached_by_an_edit_in_it_or_beside_it() -> None:
    """Of two spans of a text between texts without edits, for each edit of up to three characters."""
    spans = (((2, 4), (2, 4)), ((6, 8), (6, 8)))
    for start in range(_SIZE):
        for stop in range(start, min(start + 3, _SIZE)):
            one, none = Trace(((start, stop, start, stop),), spans), Trace((), spans[:1])
            expected = [start <= high and stop >= low for (low, high), _ in spans]
            assert traces_from([[none], [one], [none]]).reached().tolist() == [False, *expected, False]


def test_space_that_noise_left_at_an_end_is_not_read() -> None:
    """But where the clean text has some there; and of a text of spaces nothing is cut."""
    assert parts_read(["ab", " ab", "ab"], [" b ", "  b ", "a"]) == {0: (1, 2), 1: (0, 3)}
    assert parts_read([" a", "a"], ["  ", " "]) == {}


def test_a_text_that_is_cut_at_both_ends_is_mapped_whole() -> None:
    """It comes from the whole clean text, with the words that were lost at its ends, and that becomes it."""
    noised = noise_texts([Text("t", "en", "a two b")], PerturbationSpec.parse("char_noise:0.4@ops=delete"), 3)[0]
    assert (noised.text.value, len(noised.traces)) == ("two", 2)
    assert (noised.to_clean(0, 3), noised.to_noisy(0, 7)) == ((0, 7), (0, 3))

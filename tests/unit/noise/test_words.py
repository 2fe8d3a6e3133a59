"""The engine for noise on words: what a word is, what is done to it, and what never happens."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from tests.conformance.rules import Trial, rule_5_spans_survive
from tests.conformance.texts import SENTENCES, drawn, text
from tests.conformance.texts import words as word_spans

from robust_xtreme.core.edits import NO_SPANS, batch, span_table
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.graphemes import split
from robust_xtreme.noise.engine import _lexicon
from robust_xtreme.noise.engine.diff import distance
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_with
from robust_xtreme.noise.engine.perturbation import Bound, Perturbation, defaults
from robust_xtreme.noise.engine.runs import find, units_of
from robust_xtreme.noise.engine.words import Form, begins, listed, words

_SW = SENTENCES["sw"]
Forms = Callable[[str], Iterable[str]]


def _noise(
    noise: Perturbation, *texts: Text | str, strength: str = "1", code: str = "en", seed: int = 0, **rates: str
) -> list[Noised]:
    params = defaults(noise) | {name: (rate,) for name, rate in rates.items()}
    source_texts = [Text(f"{n}", code, text) if isinstance(text, str) else text for n, text in enumerate(texts)]
    return list(noise_with([Bound(noise, strength, params)], source_texts, seed))


def _by(forms: Forms) -> Perturbation:
    @words(strength="share of words changed", rates={"change": "1"})
    def changed(word: str, language: str) -> Iterator[Form]:
        """Change words."""
        return (Form(form, "change") for form in forms(word))

    return changed


@words(strength="share of words changed", rates={"drop": "1", "swap": "1", "shout": "1"})
def mixed(word: str, language: str) -> Iterator[Form]:
    """Drop, swap and shout."""
    if word.upper() != word and len(word.upper()) == len(word):
        yield Form(word.upper(), "shout")


@words(strength="share of words left out", rates={"drop": "1"})
def dropped(word: str, language: str) -> tuple[Form, ...]:
    """Leave words out."""
    return ()


@words(strength="share of words exchanged", rates={"swap": "1"})
def swapped(word: str, language: str) -> tuple[Form, ...]:
    """Exchange words."""
    return ()


@words(strength="share of words joined with the next one", rates={"join": "1"})
def joined(word: str, language: str) -> tuple[Form, ...]:
    """Join words."""
    return ()


@words(strength="share of words gone wrong", rates={"drop": "1", "swap": "1", "join": "1", "shout": "1"})
def all_ways(word: str, language: str) -> Iterator[Form]:
    """Drop, swap, join and shout."""
    if word.upper() != word and len(word.upper()) == len(word):
        yield Form(word.upper(), "shout")


def _seen(value: str, *spans: Span, code: str = "en") -> list[str]:
    """The words of a text that may be edited: those that come out in brackets of a letter."""
    noised = _noise(_by(lambda word: [f"Q{word}Q"]), Text("t", code, value, spans))[0]
    bounds = [(low, high) for _, _, low, high in noised.traces[0].moves]
    assert noised.eligible == len(bounds)
    return [noised.text.value[low:high].strip("Q") for low, high in bounds]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("It's the well-known o’clock.", ["It's", "the", "well", "known", "o’clock"]),
        ("'quoted' dogs' rock''n", ["quoted", "dogs", "rock", "n"]),
        ("A2 2B 3-star x² (c)", ["star", "c"]),
        ("na\u00efve nai\u0308ve", ["na\u00efve", "nai\u0308ve"]),
        ("किताब अर्थात् नदी", ["किताब", "नदी"]),
        ("", []),
        (" \u0301a 12 ", ["a"]),
    ],
)
def test_a_word_is_a_run_of_letters(value: str, expected: list[str]) -> None:
    """Inner apostrophes belong to it; what touches a digit, or ends in a cluster that waits for more, is left alone."""
    assert _seen(value, code="hi" if "क" in value else "en") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('צה״ל, צה"ל (ארה"ב)', ["צה״ל", 'צה"ל', 'ארה"ב']),
        ("ג׳ורג׳ ג'ורג' קולג’ ת׳", ["ג׳ורג׳", "ג'ורג'", "קולג’", "ת׳"]),
        ('\'שלום\' "בית" ״חבר״ x"y ׳', ["שלום", "בית", "חבר", "x", "y"]),
    ],
)
def test_words_of_hebrew_have_geresh_and_gershayim(value: str, expected: list[str]) -> None:
    """Gershayim, or a quotation mark, only between its letters; an apostrophe at the end only after ג ז צ."""
    assert _seen(value, code="he") == expected


def test_a_word_is_cut_where_a_span_begins_or_ends() -> None:
    """The pieces are words of their own, an apostrophe at the cut belongs to none, frozen ones are not offered."""
    assert _seen("Johnson's car", Span(0, 4), Span(7, 9)) == ["John", "son", "s", "car"]
    assert _seen("one two three", Span(4, 7, None, True)) == ["one", "three"]
    assert _seen("cafe\u0301 bar", Span(0, 4)) == ["caf", "bar"]


def test_edits_are_not_larger_than_what_differs() -> None:
    """Common ends stay outside; an insertion takes in the letter beside it, so that it stays in its word's span."""
    cases = {"abcd": "axcd", "only": "konly", "abc": "abcd", "let": "lett", "friend": "freind", "gone": "on"}
    noise = _by(lambda word: [cases[word]])
    for clean, noisy in cases.items():
        noised = _noise(noise, Text("t", "en", clean, (Span(0, len(clean)),)))[0]
        (low, high, new_low, new_high) = noised.traces[0].moves[0]
        assert noised.text.at(noised.text.spans[0]) == noisy
        assert 0 <= low < high <= len(clean)
        assert (clean[low:high], noisy[new_low:new_high]) == {
            "abcd": ("b", "x"),
            "only": ("o", "ko"),
            "abc": ("c", "cd"),
            "let": ("t", "tt"),
            "friend": ("ie", "ei"),
            "gone": ("gone", "on"),
        }[clean]
        assert noised.graphemes_edited == distance(clean, noisy)


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [("", "ab", 2), ("abc", "abc", 0), ("kitten", "sitting", 3), ("ab", "ba", 2), ("a", "ba", 1), ("abcd", "cd", 2)],
)
def test_distance_is_levenshtein(first: str, other: str, expected: int) -> None:
    """Changed, inserted and left out clusters are counted, from either side."""
    assert distance(first, other) == distance(other, first) == expected


@pytest.mark.parametrize(
    ("word", "form"),
    [("abc", "abc"), ("abc", ""), ("abc", "\u0301bc"), ("abc", "abक्"), ("abc", "ab\0"), ("abc", "abﬁ"), ("abc", "ab ")],
)
def test_a_form_that_breaks_something_is_left_out(word: str, form: str) -> None:
    """The word itself, nothing, orphan marks, open ends, separators, other normal forms and white space at an end."""
    noised = _noise(_by(lambda _: [form]), word)[0]
    assert (noised.status, noised.eligible, noised.text.value) == ("unchanged", 0, word)


def test_forms_follow_the_normal_form_of_the_text() -> None:
    """The author sees composed words; in a decomposed text the form is decomposed, whatever the word is."""
    noise = _by(lambda word: {"été": ["èté"], "ou": ["où"]}.get(word, []))
    for form in ("NFC", "NFD"):
        value = unicodedata.normalize(form, "été ou")
        assert _noise(noise, value, code="fr")[0].text.value == unicodedata.normalize(form, "èté où")


def test_kinds_come_by_rate_and_forms_by_weight() -> None:
    """Of a word's kinds each comes as often as its rate says, of a kind's forms as their weights; 0 turns one off."""

    @words(strength="share", rates={"one": "3", "two": "1", "never": "0"})
    def many(word: str, language: str) -> Iterator[Form]:
        """Change words."""
        yield from (Form("xa", "one", 1), Form("xb", "two"), Form("xc", "one", 4), Form("xd", "never"))

    noised = _noise(many, *["word"] * 4000)
    share = {form: count / 4000 for form, count in Counter(text.text.value for text in noised).items()}
    assert share == pytest.approx({"xa": 0.15, "xc": 0.6, "xb": 0.25}, abs=0.03)
    off = _noise(many, "word", one="0", two="0", never="1")[0]
    assert (off.text.value, off.edits) == ("xd", {"one": 0, "two": 0, "never": 1})


def test_the_author_is_asked_once_per_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are kept over batches, with the choices that were made, until there are too many of them."""
    asked: list[tuple[str, str, str]] = []

    @words(strength="share", rates={"change": "1"}, choices={"style": lambda: ("plain", "odd")})
    def noted(word: str, language: str, style: str) -> Iterator[Form]:
        """Change words."""
        asked.append((word, language, style))
        yield Form("x" + word, "change")

    for _ in range(2):
        _noise(noted, "one two one", "two three")
    assert sorted(asked) == [(word, "en", "plain") for word in ("one", "three", "two")]
    odd = noise_with([Bound(noted, "1", {"style": ("odd",), "change": ("1",)})], [Text("t", "sw", "one")], 0)[0]
    assert (odd.text.value, asked[-1]) == ("xone", ("one", "sw", "odd"))
    monkeypatch.setattr(_lexicon, "_MOST", 2)
    assert _noise(noted, "one two one", "four")[0].text.value == "xone xtwo xone"
    assert asked.count(("one", "en", "plain")) == 2


def test_words_that_change_places_are_neighbours() -> None:
    """With white space alone between them, whole between white space, unlike, and with no edge of a span on the way."""
    for value in ("one, two", "the the", "well-known", "one-two", "U.S.", "one\u0301 \u0301two", "one 2 two"):
        assert _noise(swapped, value)[0].eligible == 0, value
    assert _noise(swapped, "One  two")[0].text.value == "two  One"
    assert _noise(swapped, "one two.")[0].text.value == "two one."
    for spans in ((Span(0, 3),), (Span(4, 7),), (Span(3, 4),), (Span(4, 4),), (Span(0, 7, None, True),)):
        assert _noise(swapped, Text("t", "en", "one two", spans))[0].eligible == 0
    inside = _noise(swapped, Text("t", "en", "a one two b", (Span(2, 9),)), strength="1")[0]
    assert inside.text.value == "a two one b"
    assert (inside.graphemes_edited, inside.words_edited, inside.eligible) == (8, 2, 1)


def test_a_quotation_mark_joins_hebrew_letters_alone() -> None:
    """It is gershayim between two of them, and ends a word beside another letter."""
    assert find(batch(['א"ב', 'א"b', 'a"ב'], NO_SPANS)).text.tolist() == [0, 1, 1, 2, 2]


def test_a_list_with_affixes_of_one_side_has_kinds() -> None:
    """Suffixes or prefixes; a list without both has none."""
    kinds = [len(listed(["中的"], *affixes).kinds) for affixes in ((), (("的",),), ((), ("小",)))]
    assert [many > 0 for many in kinds] == [False, True, True]


@pytest.mark.parametrize(("value", "expected"), [("似たて", [True, False, False]), ("又たて", [True, True, True])])
def test_an_ending_in_kana_belongs_to_a_word_of_several_letters(value: str, expected: list[bool]) -> None:
    """て is of the listed word 似た before it, but not of a listed た alone."""
    assert begins(batch([value], NO_SPANS), listed(["似た", "た"], ["屋"])).tolist()[:3] == expected


def test_a_span_of_the_first_letter_is_a_range_of_one_unit() -> None:
    """Beside the range of its text."""
    first, stop = units_of(batch(["ab"], span_table([(Span(0, 1),)])))
    assert (first.tolist(), stop.tolist()) == ([0, 0], [2, 1])


def test_of_overlapping_edits_the_smallest_draw_wins() -> None:
    """At strength 1 no two overlap, and none could be added beside one with a larger draw: swaps stay dense."""
    noised = _noise(swapped, "one two six ten " * 200)[0]
    moves = noised.traces[0].moves
    assert all(first[1] <= second[0] for first, second in pairwise(moves))
    assert 200 < len(moves) < 400


def test_a_dropped_word_takes_white_space_along() -> None:
    """That after it, else that before it; a word glued to signs on both sides, or to another word, stays."""
    results = {noised.text.value for noised in _noise(dropped, *["one two."] * 40, strength="0.5")}
    assert results == {"one two.", "two.", "one."}
    for value in ("(one)", "one-two", "one", "U.S.", "12 34", "'one'\u00a0", "one, 2"):
        assert _noise(dropped, value)[0].text.value == value
    assert {noised.text.value for noised in _noise(dropped, *["one two"] * 40)} == {"one", "two"}


def test_texts_and_spans_keep_a_word() -> None:
    """The word with the largest draw of each is never dropped; what crosses an edge of a span is not either."""
    value = "one two three four five six"
    spans = (Span(0, 7), Span(8, 13), Span(8, 18), Span(19, 27))
    for noised in _noise(dropped, *(Text(f"{n}", "en", value, spans) for n in range(60))):
        assert all(noised.text.at(span).split() for span in noised.text.spans)
        assert not any(low < edge < high for low, high, *_ in noised.traces[0].moves for edge in (7, 8, 13, 18, 19))
        assert 2 <= noised.edits["drop"] <= 3
    tagged = text("sw", _SW, *word_spans(_SW))
    assert _noise(dropped, tagged)[0].text == tagged


def test_the_edit_counts_of_a_drop_include_all_that_goes() -> None:
    """Clusters of the word and of its white space; the word that is kept is eligible where another may go."""
    noised = _noise(dropped, "one two")[0]
    assert (noised.eligible, noised.graphemes_edited, noised.words, noised.words_edited) == (2, 4, 2, 1)


def test_a_word_that_can_never_go_is_not_eligible() -> None:
    """Of those that can, the one that is kept is: here two of three, whichever draw is the largest."""
    for number in range(20):
        assert _noise(dropped, Text(f"{number}", "en", "(one) two three"))[0].eligible == 2


def test_a_whole_form_that_waits_for_letters_has_none_after_it() -> None:
    """A span cuts the letters: the first form would join with the letter after it, and is left out."""

    @words(strength="share", rates={"change": "1"}, whole=True)
    def waiting(word: str, language: str) -> Iterator[Form]:
        """End words with a cluster that waits for more."""
        yield Form(f"{word}न्", "change")

    assert _noise(waiting, Text("t", "hi", "कमल", (Span(0, 2),)))[0].text.value == "कमलन्"


def test_a_join_takes_the_white_space_before_the_next_word() -> None:
    """All of it, and nothing else; signs beside it, digits, ends of lines and ends that wait for more keep theirs."""
    noised = _noise(joined, "one two \u00a0three, four")[0]
    assert noised.text.value == "onetwothree, four"
    assert noised.traces[0].moves == ((3, 4, 3, 3), (7, 9, 6, 6))
    assert (noised.eligible, noised.edits, noised.graphemes_edited) == (2, {"join": 2}, 3)
    assert _noise(joined, "the U.S. is well-known news")[0].text.value == "theU.S. iswell-knownnews"
    for value in ("one\ntwo", "one \u2028 two", "one \r\n two", "5 km 10", "a2 two", "one 2b", "one", "dogs' tails"):
        assert _noise(joined, value)[0].eligible == 0, value
    assert _noise(joined, "अर्थात् नदी", code="hi")[0].eligible == 0
    assert [noised.text.value for noised in _noise(joined, "one", "two")] == ["one", "two"]


def test_a_join_empties_no_span_and_crosses_no_edge() -> None:
    """Edges at the ends of the white space, or none: not within it, not all of a span, and nothing frozen."""
    for span in (Span(3, 5), Span(4, 8), Span(0, 4), Span(4, 4), Span(3, 5, None, True), Span(0, 8, None, True)):
        assert _noise(joined, Text("t", "en", "one  two", (span,)))[0].eligible == 0, span
    for span in (Span(0, 3, None, True), Span(2, 6, None, True), Span(5, 8, None, True)):
        assert _noise(joined, Text("t", "en", "one  two", (span,)))[0].eligible == 0, span
    noised = _noise(joined, Text("t", "en", "one  two ten", (Span(0, 3), Span(0, 5), Span(5, 8), Span(9, 12))))[0]
    assert noised.text.value == "onetwoten"
    assert [noised.text.at(span) for span in noised.text.spans] == ["one", "one", "two", "ten"]


def test_a_join_gives_way_to_a_drop_of_the_same_white_space() -> None:
    """Of the two the smaller draw wins, so that no white space goes twice."""
    noised = _noise(all_ways, *["one two."] * 400, swap="0", shout="0")
    assert {noised_text.text.value for noised_text in noised} == {"onetwo.", "one.", "two."}
    assert all(sum(noised_text.edits.values()) == 1 for noised_text in noised)


@pytest.mark.parametrize("noise", [mixed, joined, all_ways])
def test_edits_nest_and_are_keyed(noise: Perturbation) -> None:
    """Those at a low strength are among those at a higher one; order and batch change nothing, seeds do."""
    texts = [Text(f"{n}", "sw", _SW * 3) for n in range(20)]
    noised = [_noise(noise, *texts, strength=strength) for strength in ("0.05", "0.1", "0.3", "1")]
    for low, high in pairwise(noised):
        assert all(_changes(first) <= _changes(other) for first, other in zip(low, high, strict=True))
    assert _noise(noise, *texts[::-1], strength="0.1")[::-1] == noised[1]
    assert [_noise(noise, text, strength="0.1")[0] for text in texts] == noised[1]
    assert _noise(noise, *texts, strength="0.1", seed=1) != noised[1]
    assert all(noised.text == noised.clean for noised in _noise(mixed, *texts, strength="0"))
    assert (
        0.08
        < sum(sum(noised_text.edits.values()) for noised_text in noised[1])
        / sum(noised_text.eligible for noised_text in noised[1])
        < 0.12
    )


def _changes(noised: Noised) -> set[tuple[int, int, str]]:
    return {(start, stop, noised.text.value[low:high]) for start, stop, low, high in noised.traces[0].moves}


@settings(max_examples=40)
@given(texts=drawn())
def test_whatever_the_text_spans_survive(texts: Sequence[Text]) -> None:
    """With forms, drops, swaps, joins: no edit crosses an edge, no span and no text is emptied, clusters stay."""
    rule_5_spans_survive(Trial(all_ways, texts))
    for noised in _noise(all_ways, *texts):
        both = {cluster for value in (noised.clean.value, noised.clean.value.upper()) for cluster in split(value)}
        assert set(split(noised.text.value)) <= both
        assert sum(noised.edits.values()) == len(noised.traces[0].moves) <= noised.eligible

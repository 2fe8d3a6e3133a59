"""Possible edits of texts: those that noise makes, one by one, and texts with some of them."""

from __future__ import annotations

import numpy as np
import pytest

from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_texts
from robust_xtreme.noise.engine.options import EditOptions, applied, options_of, probes_of
from robust_xtreme.noise.engine.perturbation import Bound

SENTENCES = {
    "en": "Eleven ships left the harbour at dawn",
    "hi": "वह कल सुबह दिल्ली से लौट आया था",
    "ar": "وصلت السفينة إلى الميناء صباح اليوم",
    "zh": "他们昨天早上离开了港口",
    "th": "เรือออกจากท่าเมื่อเช้านี้",
    "sw": "Meli ziliondoka bandarini alfajiri leo",
}
MOVES = ("char_noise", "keyboard_typo", "spacing", "confusables")


def text(code: str, *spans: Span) -> Text:
    """A sentence of a language with spans."""
    return Text(f"text/{code}", code, SENTENCES[code], spans)


def moves(*names: str) -> tuple[Bound, ...]:
    """Perturbations at full strength."""
    return tuple(link for name in names for link in bound(PerturbationSpec.parse(f"{name}:1")))


def values(options: EditOptions, texts: list[Text]) -> list[str]:
    """Each text with each of its possible edits alone."""
    return list(applied(texts, options, options.text, [[number] for number in range(len(options))]).values)


@pytest.mark.parametrize("code", SENTENCES)
@pytest.mark.parametrize("move", MOVES)
def test_one_edit_changes_one_unit_as_counted(code: str, move: str) -> None:
    """The text before and after an edit is that of the clean text, and it is counted as one edit."""
    texts = [text(code)]
    options = options_of(texts, moves(move), 0)
    noised = applied(texts, options, options.text, [[number] for number in range(len(options))])
    for number, value in enumerate(noised.values):
        start, stop = int(options.start[number]), int(options.stop[number])
        clean = SENTENCES[code]
        assert value == (clean[:start] + options.values[number] + clean[stop:]).strip()
    assert (noised.counts.operators.sum(axis=1) == 1).all()
    assert len(options) == len(set(zip(options.start.tolist(), options.stop.tolist(), options.values, strict=True)))


@pytest.mark.parametrize("code", ["en", "hi", "ar", "sw"])
def test_an_edit_of_a_letter_is_of_the_word_that_has_it(code: str) -> None:
    """Of words between spaces, the number of an edit's unit is that of its word."""
    options = options_of([text(code)], moves("char_noise"), 0)
    words = SENTENCES[code].split()
    assert options.units.tolist() == [len(words)]
    for start, unit in zip(options.start.tolist(), options.unit.tolist(), strict=True):
        assert unit == len(SENTENCES[code][: start + 1].split()) - 1
    assert set(options.reach.tolist()) == {1}


def test_words_that_an_edit_joins_are_both_its_units() -> None:
    """A space that is lost joins two words, and both count as changed."""
    options = options_of([text("en")], moves("spacing"), 0)
    joins = [number for number, value in enumerate(options.values) if not value]
    assert joins
    assert (options.reach[joins] == 2).all()
    for number in joins:
        assert SENTENCES["en"][int(options.start[number])] == " "
        assert int(options.unit[number]) == SENTENCES["en"][: int(options.start[number])].count(" ")


def test_what_leaves_a_vowel_to_another_letter_touches_both() -> None:
    """In Burmese two deletions that together leave a vowel, a cluster of its own, without a letter are no pair."""
    (clean,) = texts = [Text("one", "my", "ကစားကြသည်။")]
    options = options_of(texts, moves("keyboard_typo"), 0)
    (gone,) = (number for number, value in enumerate(options.values) if not value and options.start[number] == 1)
    assert (clean.value[1], options.unit[gone], options.reach[gone]) == ("စ", 0, 2)


def test_where_no_spaces_are_written_a_unit_is_a_cluster() -> None:
    """A Chinese sentence has as many units as characters."""
    options = options_of([text("zh")], moves("keyboard_typo"), 0)
    assert options.units.tolist() == [len(SENTENCES["zh"])]


@pytest.mark.parametrize("code", ["en", "hi", "zh"])
def test_edits_of_different_units_make_what_each_makes(code: str) -> None:
    """All first edits of every third unit at once change the text where each of them does."""
    texts = [text(code)]
    options = options_of(texts, moves("char_noise"), 0)
    units, first = np.unique(options.unit, return_index=True)
    chosen = [number for unit, number in zip(units.tolist(), first.tolist(), strict=True) if unit % 3 == 0]
    (noised,) = applied(texts, options, np.array([0]), [chosen])
    value = SENTENCES[code]
    for number in sorted(chosen, key=lambda number: -int(options.start[number])):
        value = value[: int(options.start[number])] + options.values[number] + value[int(options.stop[number]) :]
    assert noised.text.value == value.strip()
    assert sum(noised.edits.values()) == len(chosen)


def test_a_frozen_span_has_no_edit_and_is_not_hidden() -> None:
    """Possible edits, and what hides a word, leave a frozen span alone; the spans of others follow their words."""
    texts = [text("en", Span(7, 12, "ships", frozen=True), Span(22, 29, "harbour"))]
    for options in (options_of(texts, moves(*MOVES), 0), probes_of(texts, "[UNK]"), probes_of(texts, "")):
        for noised in applied(texts, options, options.text, [[number] for number in range(len(options))]):
            frozen, moving = noised.text.spans
            assert noised.text.value[frozen.start : frozen.stop] == "ships"
            assert noised.text.value[moving.start : moving.stop].strip()


def test_a_word_is_hidden_or_deleted() -> None:
    """Each word in turn becomes the unknown one; deleted, a space beside it is deleted, too."""
    texts = [Text("t", "en", "one two three")]
    assert values(probes_of(texts, "[UNK]"), texts) == ["[UNK] two three", "one [UNK] three", "one two [UNK]"]
    assert values(probes_of(texts, ""), texts) == ["two three", "one three", "one two"]
    alone = [Text("a", "en", "one"), Text("b", "en", "two")]
    assert probes_of(alone, "").start.tolist() == [0, 0]


def test_a_word_is_deleted_with_what_is_in_its_own_text() -> None:
    """With the space after it, the last one with that before it, and no word with what is beyond an end of its text."""
    options = probes_of([Text("a", "en", "one two"), Text("b", "en", "three")], "")
    assert list(zip(options.start.tolist(), options.stop.tolist(), strict=True)) == [(0, 4), (3, 7), (0, 5)]


def test_what_hides_a_word_crosses_no_edge_of_a_span() -> None:
    """Of a word that a span cuts the longest part is hidden, and no space is deleted beyond the edge of a span."""
    texts = [Text("t", "en", "in “Rome, then", (Span(4, 8), Span(0, 9)))]
    assert values(probes_of(texts, "[UNK]"), texts) == ["[UNK] “Rome, then", "in “[UNK], then", "in “Rome, [UNK]"]
    assert values(probes_of(texts, ""), texts) == ["“Rome, then", "in “Rome,"]
    for by in ("", "[UNK]"):
        options = probes_of(texts, by)
        for noised in applied(texts, options, options.text, [[number] for number in range(len(options))]):
            inner, outer = noised.text.spans
            assert noised.text.value[inner.start : inner.stop] in ("Rome", "[UNK]")
            assert noised.text.value[outer.stop - 1] == ","


def test_a_text_without_letters_has_no_edits() -> None:
    """An empty text, and one of signs, have no possible edit; they are copied as they are."""
    texts = [Text("a", "en", ""), Text("b", "en", "1 2 3"), Text("c", "en", "word")]
    options = options_of(texts, moves("char_noise"), 0)
    assert set(options.text.tolist()) == {2}
    assert list(applied(texts, options, np.arange(3), [[], [], []]).values) == ["", "1 2 3", "word"]


def test_possible_edits_depend_on_the_text_alone() -> None:
    """Beside others, and in another order, a text has the same possible edits."""
    several = [text(code) for code in SENTENCES]
    together = options_of(several[::-1], moves("char_noise"), 3)
    for number, each in enumerate(several[::-1]):
        alone = options_of([each], moves("char_noise"), 3)
        rows = together.take(np.flatnonzero(together.text == number))
        assert (rows.values, rows.start.tolist()) == (alone.values, alone.start.tolist())


def test_the_edits_of_noise_are_among_the_possible_ones() -> None:
    """What a draw at full strength writes can be made of possible edits: no letter becomes what it never could."""
    drawn = noise_texts([text("en")], PerturbationSpec.parse("casing:0.3"), 0)
    options = options_of([text("en")], moves("casing"), 0)
    assert drawn.values[0] != SENTENCES["en"]
    assert set(drawn.values[0].split()) - set(SENTENCES["en"].split()) <= {
        word for value in values(options, [text("en")]) for word in value.split()
    }

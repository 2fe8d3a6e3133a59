"""Goals of attacks: margins are those computed one by one from raw scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from robust_xtreme.attack.goals import Goal
from robust_xtreme.core import registry
from robust_xtreme.core.columns import Array, bounds_of, column_of
from robust_xtreme.core.examples import NO_ANSWER, Answers, Choice, Document, Span, Tags, Target
from robust_xtreme.models.reading.members.labelled import WordLayouts
from robust_xtreme.models.reading.members.span_qa import ANSWER_TOKENS, ContextLayouts
from robust_xtreme.models.reading.reading import QUANTUM, joined
from robust_xtreme.models.reading.windows import Windows, plain

_SEEDS = range(20)


def _margins(
    name: str, windows: Windows, scores: Array, meanings: Sequence[Any], golds: Sequence[Target], cut: int = 1
) -> list[int]:
    """The margins of inputs by a goal, to which the scores are given in two batches."""
    goal: Goal = registry.load("goal", name)
    column = column_of(golds)
    halves = [np.arange(len(windows))[:cut], np.arange(len(windows))[cut:]]
    parts = joined([goal.part(windows.take(half), scores[half], meanings, column) for half in halves if len(half)])
    bounds = np.searchsorted(windows.example, np.arange(len(golds) + 1))
    margins: list[int] = goal.margin(bounds, parts, column).tolist()
    return margins


def _drawn(generator: np.random.Generator, *shape: int) -> Array:
    """Scores of few values, so that there are ties."""
    return (generator.integers(-6, 6, shape) * QUANTUM).astype(np.float32)


def _whole(scores: Array) -> list[Any]:
    whole: list[Any] = np.rint(np.asarray(scores, np.float64) / QUANTUM).astype(int).tolist()
    return whole


def _windows(example: Sequence[int], layout: Any = None) -> Windows:
    rows = plain([[1]] * len(example))
    nothing = np.zeros(len(example), np.int64)
    return Windows(rows.ids, rows.bounds, np.array(example), nothing > 0, nothing, nothing, layout)


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_class_is_ahead_of_the_best_other(seed: int) -> None:
    """Scores are in the head's order of labels, of which several can mean one of the task's."""
    generator = np.random.default_rng(seed)
    meanings = (2, 0, 1, 0)
    golds = generator.integers(0, 3, 5).tolist()
    scores = _drawn(generator, 5, 4)
    expected = [
        max(value for value, label in zip(row, meanings, strict=True) if label == gold)
        - max(value for value, label in zip(row, meanings, strict=True) if label != gold)
        for row, gold in zip(_whole(scores), golds, strict=True)
    ]
    assert (
        _margins("classification", _windows(range(5)), scores, meanings, [Choice(gold) for gold in golds]) == expected
    )


def test_a_class_that_the_head_lacks_is_far_from_ahead() -> None:
    """No score can be that of the gold class, and whole numbers do not overflow."""
    (margin,) = _margins("classification", _windows([0]), np.array([[9e11, -9e11]], np.float32), (0, 1), [Choice(2)])
    assert margin < -(2**60)


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_choice_is_ahead_of_the_best_other(seed: int) -> None:
    """Each choice is a window; examples may have different numbers of them."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(2, 5, 4)
    golds = [int(generator.integers(0, count)) for count in counts]
    scores, bounds = _drawn(generator, int(counts.sum()), 1), bounds_of(counts).tolist()
    expected = []
    for at, gold in enumerate(golds):
        mine = [value for (value,) in _whole(scores)[bounds[at] : bounds[at + 1]]]
        expected.append(mine[gold] - max(mine[:gold] + mine[gold + 1 :]))
    windows = _windows(np.repeat(np.arange(4), counts).tolist())
    assert _margins("choice", windows, scores, (), [Choice(gold) for gold in golds], cut=3) == expected


@pytest.mark.parametrize("seed", _SEEDS)
def test_tags_are_ahead_where_they_are_still_right(seed: int) -> None:
    """A word counts what its gold tag is ahead, from 0 to 4; sentences may have several windows, and no words."""
    generator = np.random.default_rng(seed)
    labels, counts = ("O", "B-PER", "I-PER"), generator.integers(0, 4, 6)
    example, begin = np.array([0, 1, 1, 2, 3, 3]), np.array([0, 0, counts[1], 0, 0, counts[4]])
    sizes = [int(counts[example == number].sum()) for number in range(4)]
    golds = [[labels[number] for number in generator.integers(0, 3, size)] for size in sizes]
    far = [-1, 0, 1] if seed % 2 else [-50_000, 0, 50_000]
    scores = np.array(generator.choice(far, (6, 5, 3)) * QUANTUM, np.float32)
    firsts = np.concatenate([np.arange(count) for count in counts])
    expected = [0] * 4
    for window in range(6):
        for word in range(counts[window]):
            row = dict(zip(labels, _whole(scores)[window][word], strict=True))
            gold = row.pop(golds[example[window]][begin[window] + word])
            expected[example[window]] += min(max(gold - max(row.values()), 0), 40_000)
    windows = _windows(example.tolist(), WordLayouts(begin, firsts, bounds_of(counts)))
    assert _margins("tagging", windows, scores, labels, [Tags(tuple(names)) for names in golds], cut=2) == expected


@pytest.mark.parametrize("seed", _SEEDS)
@pytest.mark.parametrize(("count", "labels"), [(6, ()), (6, (NO_ANSWER,)), (ANSWER_TOKENS + 4, ())])
def test_an_answer_is_ahead_of_the_best_other_span(seed: int, count: int, labels: tuple[str, ...]) -> None:
    """The best window has it; other spans are those within the length of answers, which may overlap the gold one.

    Where a head can give no answer, that is another one, with its lowest score.
    """
    generator = np.random.default_rng(seed)
    example, shift, first = np.array([0, 0, 1]), np.array([0, 2, 0]), 2
    ends = [sorted(generator.integers(2, 6, 2).tolist()) for _ in range(2)]
    scores = _drawn(generator, 3, count + 4, 2)
    table = np.arange(count + 2)
    offsets = np.stack((table, table + 1), axis=1)  # a token of each letter
    reach = np.stack((shift, shift + count), axis=1)
    layout = ContextLayouts(np.full(3, first), shift, shift + count, reach, offsets)
    expected = []
    for number, (start, last) in enumerate(ends):
        gold: list[int] = []
        other: list[int] = []
        for window in np.flatnonzero(example == number).tolist():
            rows = _whole(scores)[window][first : first + count]
            for low in range(count):
                for high in range(low, min(count, low + ANSWER_TOKENS)):
                    is_gold = (low + shift[window], high + shift[window]) == (start, last)
                    (gold if is_gold else other).append(rows[low][0] + rows[high][1])
        none = [sum(_whole(scores)[window][0]) for window in np.flatnonzero(example == number).tolist()]
        expected.append(max(gold) - max(*other, *([min(none)] if labels else ())))
    golds = [Answers((Span(start, last + 1),)) for start, last in ends]
    assert _margins("span_qa", _windows(example.tolist(), layout), scores, labels, golds) == expected


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_document_is_ahead_of_the_best_other(seed: int) -> None:
    """A text may have several ids, one of them gold, and then it is both; a query may have several gold documents."""
    generator = np.random.default_rng(seed)
    meanings = (("a",), ("b", "c"), ("d",), ("e", "f"))
    golds = [tuple(generator.permutation(list("abcdef"))[: generator.integers(1, 4)].tolist()) for _ in range(5)]
    scores = generator.integers(-6, 6, (5, 4)) * 1e-6
    whole = np.rint(scores / 1e-6).astype(int).tolist()
    expected = [
        max(value for value, ids in zip(row, meanings, strict=True) if set(ids) & set(gold))
        - max(value for value, ids in zip(row, meanings, strict=True) if set(ids) - set(gold))
        for row, gold in zip(whole, golds, strict=True)
    ]
    assert _margins("retrieval", _windows(range(5)), scores, meanings, [Document(gold) for gold in golds]) == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_numbers_do_no_harm(value: float) -> None:
    """The other inputs have the margins that they have without them."""
    scores = np.array([[3, 1], [value, 2], [1, 4]], np.float32) * np.float32(QUANTUM)
    margins = _margins("classification", _windows(range(3)), scores, (0, 1), [Choice(0)] * 3)
    assert (margins[0], margins[2]) == (2, -3)

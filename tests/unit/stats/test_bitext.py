"""Mining of translation pairs, beside a slow restatement of the official algorithm and a case worked by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from robust_xtreme.stats.bitext import NEIGHBOURS, Mined, Neighbours, best_threshold, extract, mine, without

Vectors = NDArray[np.float64]
Scored = list[tuple[int, int, float]]


def _vectors(seed: int, count: int, size: int = 6) -> Vectors:
    draws = np.random.default_rng(seed).normal(size=(count, size))
    return np.asarray(draws / np.linalg.norm(draws, axis=1, keepdims=True))


def _cosines(sources: Vectors, targets: Vectors) -> NDArray[np.float32]:
    return (sources @ targets.T).astype(np.float32)


def _nearest(cosines: NDArray[np.float32], k: int = NEIGHBOURS) -> Neighbours:
    indices = np.argsort(-cosines, axis=1, kind="stable")[:, :k].astype(np.int64)
    return Neighbours(indices, np.take_along_axis(cosines, indices, axis=1))


def _mined(cosines: NDArray[np.float32]) -> Mined:
    return mine(_nearest(cosines), _nearest(cosines.T))


def _official(cosines: NDArray[np.float32], k: int = NEIGHBOURS) -> Scored:
    """The official algorithm as its paper states it: loops over single sentences, no shared code."""
    forward = [sorted(range(len(row)), key=lambda at: (-row[at], at))[:k] for row in cosines.tolist()]
    backward = [sorted(range(len(row)), key=lambda at: (-row[at], at))[:k] for row in cosines.T.tolist()]
    ahead = [sum(float(cosines[i, j]) for j in near) / len(near) for i, near in enumerate(forward)]
    back = [sum(float(cosines[i, j]) for i in near) / len(near) for j, near in enumerate(backward)]

    def margin(i: int, j: int) -> float:
        return float(cosines[i, j]) / ((ahead[i] + back[j]) / 2)

    proposed = [(i, max(near, key=lambda j: (margin(i, j), -j))) for i, near in enumerate(forward)]
    proposed += [(max(near, key=lambda i: (margin(i, j), -i)), j) for j, near in enumerate(backward)]
    mined: Scored = []
    for i, j in sorted(proposed, key=lambda pair: (-margin(*pair), pair)):
        if all(i != first and j != other for first, other, _ in mined) and margin(i, j) > 0:
            mined.append((i, j, margin(i, j)))
    return mined


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12))
def test_pairs_and_scores_equal_the_official_algorithm(seed: int, sources: int, targets: int) -> None:
    """On random vectors, sides smaller than the neighbourhood among them, pairs, order and scores are the same."""
    cosines = _cosines(_vectors(seed, sources), _vectors(seed + 1, targets))
    mined = _mined(cosines)
    expected = _official(cosines)
    assert mined.pairs.tolist() == [[i, j] for i, j, _ in expected]
    np.testing.assert_allclose(mined.scores, [score for *_, score in expected], rtol=1e-12)


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_each_sentence_is_mined_once_and_the_best_first(seed: int, count: int) -> None:
    """No source and no target is in two pairs, and scores never rise."""
    mined = _mined(_cosines(_vectors(seed, count), _vectors(seed + 1, count)))
    for side in mined.pairs.T:
        assert len(set(side.tolist())) == len(side)
    assert (np.diff(mined.scores) <= 0).all()
    assert (mined.scores > 0).all()


def test_a_case_worked_by_hand() -> None:
    """Two sources, three targets, two neighbours each.

    Means of the sources are (0.9 + 0.6) / 2 = 0.75 and (0.8 + 0.7) / 2 = 0.75, of the targets 0.85, 0.45 and 0.5.
    Source 0 has the ratios 0.9 / 0.8 = 1.125 and 0.6 / 0.6 = 1, source 1 0.8 / 0.8 = 1 and 0.7 / 0.625 = 1.12; target 1
    proposes source 0, which is taken.
    """
    cosines = np.asarray([[0.9, 0.6, 0.3], [0.8, 0.3, 0.7]], np.float32)
    mined = mine(_nearest(cosines, 2), _nearest(cosines.T, 2))
    assert mined.pairs.tolist() == [[0, 0], [1, 2]]
    np.testing.assert_allclose(mined.scores, [1.125, 1.12], rtol=1e-6)


def test_equal_scores_go_to_the_lower_places() -> None:
    """Where all cosines are equal, source 0 takes target 0 and so on; without neighbours nothing is mined."""
    assert _mined(np.full((3, 3), 0.5, np.float32)).pairs.tolist()[0] == [0, 0]
    equal = Neighbours(np.asarray([[1, 0], [1, 0]]), np.full((2, 2), 0.5, np.float32))
    assert mine(equal, equal).pairs.tolist() == [[0, 0]]


def test_missing_neighbours_are_left_out() -> None:
    """Places below 0, as faiss fills up, change neither the means nor the pairs."""
    cosines = _cosines(_vectors(1, 3), _vectors(2, 2))
    first, other = _nearest(cosines), _nearest(cosines.T)
    padded = Neighbours(
        np.pad(first.indices, ((0, 0), (0, 2)), constant_values=-1),
        np.pad(first.scores, ((0, 0), (0, 2)), constant_values=-3e38),
    )
    assert mine(padded, other).pairs.tolist() == mine(first, other).pairs.tolist()
    np.testing.assert_array_equal(mine(padded, other).scores, mine(first, other).scores)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_an_empty_side_has_no_pairs(shape: tuple[int, int]) -> None:
    """Nothing is mined against nothing, the threshold is 0 and nothing is extracted."""
    mined = _mined(np.zeros(shape, np.float32))
    assert mined.pairs.shape == (0, 2)
    assert best_threshold(mined, {(0, 0)}) == 0.0
    assert extract(mined, 0.0).shape == (0, 2)


def test_a_ratio_that_is_not_a_number_is_not_a_pair() -> None:
    """Sentences that are orthogonal to all others have no ratio, and one below 0 is never mined."""
    assert _mined(np.zeros((2, 2), np.float32)).pairs.shape == (0, 2)
    assert _mined(np.asarray([[-0.1, 0.5]], np.float32)).pairs.tolist() == [[0, 1]]


def _official_threshold(mined: Mined, gold: set[tuple[int, int]]) -> Fraction:
    """The official loop in exact fractions; where it would read beyond the end, the last score."""
    threshold, best, correct = Fraction(0), Fraction(0), 0
    scores = [Fraction(score) for score in mined.scores.tolist()]
    for at, pair in enumerate(mined.pairs.tolist()):
        correct += tuple(pair) in gold
        if correct:
            precision, recall = Fraction(correct, at + 1), Fraction(correct, len(gold))
            f1 = 2 * precision * recall / (precision + recall)
            if f1 > best:
                best = f1
                threshold = (scores[at] + scores[min(at + 1, len(scores) - 1)]) / 2
    return threshold


@given(st.integers(0, 10_000), st.integers(2, 10), st.sets(st.integers(0, 9)))
def test_the_threshold_is_the_official_one(seed: int, count: int, right: set[int]) -> None:
    """Halfway after the pair with the greatest F1, the first of equals."""
    mined = _mined(_cosines(_vectors(seed, count), _vectors(seed, count)))
    gold = {(at, at) for at in right} | {(0, 1)}
    assert best_threshold(mined, gold) == pytest.approx(float(_official_threshold(mined, gold)))


def _by_hand(*scores: float) -> Mined:
    return Mined(np.asarray([[at, at] for at in range(len(scores))]), np.asarray(scores))


def test_thresholds_worked_by_hand() -> None:
    """Two of three pairs are gold: after two, F1 is 1, so the threshold is between the second and the third."""
    assert best_threshold(_by_hand(1.3, 1.2, 1.0), {(0, 0), (1, 1)}) == pytest.approx(1.1)
    assert best_threshold(_by_hand(1.3, 1.2), {(0, 0), (1, 1)}) == pytest.approx(1.2)
    assert best_threshold(_by_hand(1.3, 1.2), {(0, 1)}) == 0.0


def test_each_gold_pair_that_no_text_can_make_is_missed() -> None:
    """Pairs of ids of one sentence are as many gold pairs: of three F1 is 1/2 after one and after five, of four not."""
    pairs, gold = _by_hand(1.4, 1.3, 1.2, 1.1, 1.0), [(0, 0), (4, 4), (9, 9)]
    assert best_threshold(pairs, gold) == pytest.approx(1.35)
    assert best_threshold(pairs, [*gold, (9, 9)]) == 1.0


def test_pairs_of_equal_scores_are_extracted_together() -> None:
    """Tuned between two equal scores the threshold is that score, and both pairs reach it, as officially."""
    mined = _by_hand(1.2, 1.2, 1.0)
    threshold = best_threshold(mined, {(0, 0)})
    assert threshold == 1.2
    assert extract(mined, threshold).tolist() == [[0, 0], [1, 1]]


def test_sentences_without_an_id_leave_with_their_pairs() -> None:
    """Pairs of a repeated sentence are dropped after mining, on either side."""
    mined = without(_by_hand(1.3, 1.2, 1.1), {0}, {2})
    assert mined.pairs.tolist() == [[1, 1]]
    assert mined.scores.tolist() == [1.2]
    assert without(_by_hand(1.3), (), ()).pairs.tolist() == [[0, 0]]

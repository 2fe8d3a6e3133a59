"""Shallow rankings of a pool, and pairs of sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.answering import average_precision

from robust_xtreme.core.columns import ExampleColumns, TargetColumn
from robust_xtreme.core.examples import Corpus, Document, Example, Text
from robust_xtreme.stats.shallow import ranking
from robust_xtreme.stats.shallow.predictor import answers, shallow_of
from robust_xtreme.stats.shallow.words import ShownExamples, _begun


def _query(number: int, query: str, *right: str) -> Example:
    texts = {"query": Text(f"{number}/query", "en", query)}
    return Example(f"lareqa/test/en/{number}", texts, Document(right), str(number))


def _corpus(*values: str) -> Corpus:
    return Corpus("pool", tuple(Text(f"c{at}", "en", value) for at, value in enumerate(values)))


def _answered(queries: Sequence[Example], pool: Corpus, search: str = "") -> list[tuple[str, ...]]:
    """The ids that the shallow predictor answers with to each query; none for too large a pool."""
    shallow = shallow_of("retrieval", search)
    assert shallow is not None
    clean = ExampleColumns(queries)
    several, source = answers(shallow, clean, [_shown(clean, pool)])
    assert source == "nothing"
    return [ids for targets in several for ids in _ids(targets)]


def _ids(targets: TargetColumn) -> list[tuple[str, ...]]:
    answers = [targets[at] for at in range(len(targets))]
    return [target.ids for target in answers if isinstance(target, Document)]


def test_a_random_rank_depends_on_ids_alone() -> None:
    """The order of the queries and of the pool changes nothing; another query has another ranking."""
    queries = list("abcde")
    pool = _corpus(*map(str, range(50)))
    straight = _ids(ranking.by_chance(queries, pool))
    assert straight == _ids(ranking.by_chance(queries[::-1], Corpus("other", pool.texts[::-1])))[::-1]
    assert len(set(straight)) == 5
    assert all(len(ids) == len(set(ids)) == 20 for ids in straight)
    assert {len(ids) for ids in _ids(ranking.by_chance(queries, _corpus("a", "b")))} == {2}
    twenty = _ids(ranking.by_chance([*map(str, range(200))], _corpus(*map(str, range(20)))))
    assert {len(set(ids)) for ids in twenty} == {20}


@pytest.mark.parametrize("size", [90, 1000, 1100])
def test_a_deeper_ranking_by_chance_begins_as_the_other_does(size: int) -> None:
    """It names as many candidates as the pool says, where there are so many, and each once."""
    pool = _corpus(*map(str, range(size)))
    deep = _ids(ranking.by_chance(list("abcde"), Corpus("deep", pool.texts, depth=100)))
    assert {len(ids) for ids in deep} == {len(set(ids)) for ids in deep} == {min(size, 100)}
    assert [ids[:20] for ids in deep] == _ids(ranking.by_chance(list("abcde"), pool))


@pytest.mark.parametrize("size", [100, 3000])
def test_a_random_rank_is_even_over_the_pool(size: int) -> None:
    """Over 2,000 queries each part of the pool is named about as often, in small pools and in large ones."""
    pool = _corpus(*map(str, range(size)))
    ranked = _ids(ranking.by_chance(list(map(str, range(2000))), pool))
    deciles = [int(text_id[1:]) * 10 // size for ids in ranked for text_id in ids]
    counts = [deciles.count(part) for part in range(10)]
    assert all(len(ids) == len(set(ids)) == 20 for ids in ranked)
    assert all(abs(count - 4000) < 300 for count in counts)


@pytest.mark.parametrize("size", [1, 19, 20, 21, 200, 2000])
def test_the_twenty_least_are_those_of_a_stable_sort(size: int) -> None:
    """Of many rows at once, with few distinct values, the first of equals are first, however wide the rows are."""
    values = np.random.default_rng(3).integers(0, 9, (50, size)).astype(np.float64)
    values[:5] = 1.0
    for depth in (20, 100):
        assert (ranking.least(values, depth) == np.argsort(values, axis=1, kind="stable")[:, :depth]).all()


@pytest.mark.parametrize("size", [1, 19, 20, 21, 63, 64, 65, 200, 2000])
@pytest.mark.parametrize("share", [0.0, 0.005, 0.1, 1.0])
@pytest.mark.parametrize("depth", [20, 100])
def test_the_most_alike_come_first_and_then_the_first_of_the_others(size: int, share: float, depth: int) -> None:
    """In rows with fewer than are ranked that are alike, and in rows with more, also where many are equally alike."""
    draw = np.random.default_rng(4)
    scores = draw.integers(1, 9, (50, size)) * (draw.random((50, size)) < share) / 8
    scores[:5, 10:] = 0
    shared = _shared(scores, draw.integers(1, 9, size) / 8)
    cosines = shared.cosines(0, 50)
    assert (ranking._ranked(shared, 0, 50, depth) == np.argsort(-cosines, axis=1, kind="stable")[:, :depth]).all()
    assert ranking._ranked(shared, 0, 0, depth).shape == (0, min(size, depth))
    assert (ranking._best(shared, 0, 50) == np.where(scores.any(axis=1), cosines.argmax(axis=1), -1)).all()


def _shared(sums: NDArray[np.float64], norms: NDArray[np.float64]) -> ranking.SharedNgrams:
    """What queries and texts share that have products of vectors (q, n), each by one n-gram of its own."""
    query, text = np.nonzero(sums)
    bounds = np.searchsorted(query, np.arange(len(sums) + 1))
    return ranking.SharedNgrams(bounds, sums[query, text], np.arange(len(text)), np.ones(len(text), int), text, norms)


_POOL = _corpus(
    "The harbour of Zanzibar is old.", "Rivers run to the sea.", "维多利亚湖很大。", "The old sea.", "Nothing alike, hm"
)


def test_candidates_are_ranked_by_rare_characters_in_common() -> None:
    """The candidate with the query's rare words is first, in any script; the whole pool is ranked where it is small."""
    queries = [_query(0, "Where is Zanzibar?"), _query(1, "Which river runs?"), _query(2, "维多利亚湖")]
    answered = _answered(queries, _POOL)
    assert [ids[0] for ids in answered] == ["c0", "c1", "c2"]
    assert {len(ids) for ids in answered} == {5}


def test_equal_candidates_keep_the_order_of_the_pool() -> None:
    """Without anything in common the first twenty of the pool are named, and of twins the first is first."""
    pool = _corpus(*["xyz"] * 30)
    assert _answered([_query(0, "QQQ"), _query(1, "xyz")], pool) == [tuple(f"c{at}" for at in range(20))] * 2


def test_the_overlap_finds_what_a_slow_count_finds() -> None:
    """Cosines of squared inverse frequencies of character n-grams, counted text by text, give the same values."""
    values = [f"{'abcdefgh'[at % 8] * 3} word{at % 5} {at * 7}" for at in range(60)]
    gram_sets = [_grams(value) for value in values]
    rarity = {gram: sum(gram in grams for grams in gram_sets) for grams in gram_sets for gram in grams}
    weight = {gram: _squared_rarity(60, count) for gram, count in rarity.items()}
    asked = ["ccc word3 77", "aaa", values[7]]
    slow = [
        [sum(weight[g] for g in _grams(text) & grams) / sum(weight[g] for g in grams) ** 0.5 for grams in gram_sets]
        for text in asked
    ]
    assert ranking._compared(tuple(values), tuple(asked), ranking.SharedNgrams.cosines) == pytest.approx(np.array(slow))


def test_a_noisy_query_has_the_ranking_that_it_has_alone() -> None:
    """Queries under several conditions are compared together; those with a pool of their own, too."""
    clean, noisy = ExampleColumns([_query(0, "Zanzibar")]), ExampleColumns([_query(0, "the sea")])
    other = _corpus("Zanzibar", "the sea", "Zanzibar or the sea")
    shown = [_shown(columns, pool) for pool in (_POOL, other) for columns in (clean, noisy)]
    alone = [_ids(targets) for each in shown for targets in ranking.by_characters([each])]
    assert [_ids(targets) for targets in ranking.by_characters(shown)] == alone
    assert len({ids for rankings in alone for ids in rankings}) == 4


def _shown(columns: ExampleColumns, pool: Corpus) -> ShownExamples:
    ids, values = (tuple(getattr(text, name) for text in pool.texts) for name in ("id", "value"))
    return ShownExamples(columns, ids, values, pool.unscored)


def _grams(value: str) -> set[str]:
    padded = f" {value} "
    return {padded[at : at + size] for size in (2, 3, 4) for at in range(len(padded) - size + 1)}


def _squared_rarity(texts: int, count: int) -> float:
    return math.log(1 + texts / count) ** 2


def test_too_large_a_pool_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit there is no answer, of rankings as of pairs; there the queries are limited, too."""
    monkeypatch.setattr(ranking, "MOST_COMPARED", 4)
    assert _answered([_query(0, "x")], _POOL) == _answered([_query(0, "x")], _POOL, "bitext") == []
    queries, small = [_query(at, "x") for at in range(5)], _corpus("x")
    assert _answered(queries, small, "bitext") == []
    assert len(_answered(queries, small)) == 5
    clean = ExampleColumns(queries)
    assert not ranking._comparable([_shown(clean, small), _shown(clean, _POOL)])


def test_texts_of_grams_that_all_others_have_are_alike_to_none() -> None:
    """Their length by weighted grams is 0, and taken for 1."""
    assert ranking._weighed(("ab",) * 300).norms.tolist() == [1.0] * 300


def test_pairs_are_sentences_that_choose_each_other() -> None:
    """Each of a pair shares more rare characters with the other than with any other sentence; no candidate is twice."""
    queries = [_query(0, "Am 12. Mai 1897 starb Anna Kova."), _query(1, "Nichts"), _query(2, "7 Ei")]
    pool = _corpus("Anna Kova died on 12 May 1897.", "7 eggs", "1897 12 again", "Nichts, hm")
    answered = _answered(queries, pool, "bitext")
    assert answered[:2] == [("c0",), ("c3",)]
    mined = [ids for ids in answered if ids]
    assert len(mined) == len(set(mined))


def test_sentences_that_a_side_repeats_make_no_pair() -> None:
    """As in mining, a pair of a sentence that the corpus does not score is not predicted, on either side."""
    queries = [_query(0, "im Jahr 1897"), _query(1, "7 Eier")]
    pool = _corpus("in 1897", "7 eggs")
    for unscored, left in ((), 2), (("c0",), 1), (("1/query",), 1), (("c0", "1/query"), 0):
        known = Corpus("pool", pool.texts, unscored=frozenset(unscored))
        assert len([ids for ids in _answered(queries, known, "bitext") if ids]) == left


def test_a_pool_without_texts_has_empty_rankings() -> None:
    """An empty pool gives empty answers, which score nothing."""
    empty = Corpus("none", ())
    for search in ("", "bitext"):
        assert {average_precision(ids, ["c0"]) for ids in _answered([_query(0, "x", "c0")], empty, search)} == {0.0}


def test_the_first_tag_of_a_sentence_begins_an_entity() -> None:
    """Also where it is the only one."""
    names = ["O", "I-PER", "B-PER"]
    made = _begun(names, np.array([1, 1, 1, 0, 1]), np.array([0, 2, 3, 5]))
    assert [made.names[at] for at in made.codes.tolist()] == ["B-PER", "I-PER", "B-PER", "O", "B-PER"]

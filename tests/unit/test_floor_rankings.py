"""Floors of choices among texts, of rankings of a pool and of pairs of sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from robust_xtreme.examples import Choice, Corpus, Document, Example, Target, Text
from robust_xtreme.metrics.map_at_20 import average_precision
from robust_xtreme.results.floors import NOTHING, SUMMARIES, Floor, fit, summary
from robust_xtreme.results.shallow import ranking
from robust_xtreme.results.shallow.naive_bayes import grams
from robust_xtreme.targets.kinds import CHOICE


def _choice(number: int, premise: str, choices: Sequence[str], right: int) -> Example:
    fields = {"premise": premise, "question": "cause"} | {f"choice{at}": choice for at, choice in enumerate(choices, 1)}
    texts = {name: Text(f"{number}/{name}", "en", value) for name, value in fields.items()}
    return Example(f"xcopa/test/en/{number}", texts, Choice(right), str(number))


def _query(number: int, query: str, *right: str) -> Example:
    texts = {"query": Text(f"{number}/query", "en", query)}
    return Example(f"lareqa/test/en/{number}", texts, Document(right), str(number))


def _corpus(*values: str) -> Corpus:
    return Corpus("pool", tuple(Text(f"c{at}", "en", value) for at, value in enumerate(values)))


def _worded(count: int) -> list[Example]:
    """Choices of which the happy one is right, first and second in turn."""
    pairs = [(f"She was happy {at}.", f"It broke {at}.") for at in range(count)]
    return [_choice(at, "It rained.", pair[:: 1 - 2 * (at % 2)], at % 2) for at, pair in enumerate(pairs)]


def _indices(floor: Floor) -> list[int]:
    return [target.index for target in floor.targets if isinstance(target, Choice)]


def _ids(targets: Sequence[Target]) -> list[tuple[str, ...]]:
    return [target.ids for target in targets if isinstance(target, Document)]


def test_choices_have_four_floors() -> None:
    """The majority of the split, the wording of a choice, what it shares with the premise, and its length."""
    fitted = fit("choice", None, ())(
        [
            _choice(0, "The red house burned.", ["It was raining.", "A red house was lit."], 1),
            _choice(1, "He slept.", ["He was tired.", "No."], 0),
            _choice(2, "x", ["b", "a"], 1),
        ]
    )
    assert _indices(fitted["majority"]) == [1, 1, 1]
    assert _indices(fitted["overlap_choice"]) == [1, 0, 0]
    assert _indices(fitted["longest_choice"]) == [1, 0, 0]
    assert fitted["overlap_choice"].source == fitted["longest_choice"].source == NOTHING
    assert len(_indices(fitted["choice_only"])) == 3


def test_the_wording_of_choices_is_learned_from_training_examples_or_in_folds() -> None:
    """What right choices say is learned without the premise, wherever the right one is; the source says where."""
    examples = _worded(60)
    taught = fit("choice", _worded(40), ())(examples)["choice_only"]
    folded = fit("choice", None, ())(examples)["choice_only"]
    golds = [at % 2 for at in range(60)]
    assert _indices(taught) == _indices(folded) == golds
    assert (taught.source, folded.source) == ("40 training examples", "5 folds")
    assert CHOICE.learned_from > 0


def test_more_than_nine_choices_keep_their_order() -> None:
    """The tenth choice is the tenth, not the second; three choices can have another number of them beside."""
    choices = [*["b"] * 9, "the longest of all", "b"]
    fitted = fit("choice", None, ())([_choice(0, "x", choices, 9), _choice(1, "x", ["aaa", "a", "b"], 2)])
    assert _indices(fitted["longest_choice"]) == [9, 0]


def test_a_random_rank_hangs_on_ids_alone() -> None:
    """The order of the queries and of the pool changes nothing; another query has another ranking."""
    queries = [_query(at, "x") for at in range(5)]
    pool = _corpus(*map(str, range(50)))
    straight = fit("retrieval", None, ())(queries, pool)["random_rank"].targets
    turned = fit("retrieval", None, ())(queries[::-1], Corpus("other", pool.texts[::-1]))["random_rank"].targets
    assert straight == turned[::-1]
    assert len(set(straight)) == 5
    assert all(len(ids) == len(set(ids)) == 20 for ids in _ids(straight))
    assert {
        len(ids) for ids in _ids(fit("retrieval", None, ())(queries, _corpus("a", "b"))["random_rank"].targets)
    } == {2}


@pytest.mark.parametrize("size", [100, 3000])
def test_a_random_rank_is_even_over_the_pool(size: int) -> None:
    """Over 2,000 queries each part of the pool is named about as often, in small pools and in large ones."""
    pool = _corpus(*map(str, range(size)))
    ranked = ranking.by_chance([_query(at, "x") for at in range(2000)], pool)
    deciles = [int(text_id[1:]) * 10 // size for document in ranked for text_id in document.ids]
    counts = [deciles.count(part) for part in range(10)]
    assert all(len(document.ids) == len(set(document.ids)) == 20 for document in ranked)
    assert all(abs(count - 4000) < 300 for count in counts)


_POOL = _corpus(
    "The harbour of Zanzibar is old.", "Rivers run to the sea.", "维多利亚湖很大。", "The old sea.", "Nothing alike, hm"
)


def test_candidates_are_ranked_by_rare_characters_in_common() -> None:
    """The candidate with the query's rare words is first, in any script; the whole pool is ranked where it is small."""
    queries = [_query(0, "Where is Zanzibar?"), _query(1, "Which river runs?"), _query(2, "维多利亚湖")]
    fitted = fit("retrieval", None, ())(queries, _POOL)["character_overlap"]
    assert [ids[0] for ids in _ids(fitted.targets)] == ["c0", "c1", "c2"]
    assert {len(ids) for ids in _ids(fitted.targets)} == {5}
    assert fitted.source == NOTHING


def test_equal_candidates_keep_the_order_of_the_pool() -> None:
    """Without anything in common the first twenty of the pool are named, and of twins the first is first."""
    pool = _corpus(*["xyz"] * 30)
    fitted = fit("retrieval", None, ())([_query(0, "QQQ"), _query(1, "xyz")], pool)["character_overlap"]
    assert _ids(fitted.targets) == [tuple(f"c{at}" for at in range(20))] * 2


def test_the_overlap_finds_what_a_slow_count_finds() -> None:
    """Cosines of squared inverse frequencies of character n-grams, counted text by text, give the same values."""
    values = [f"{'abcdefgh'[at % 8] * 3} word{at % 5} {at * 7}" for at in range(60)]
    index = ranking.index(tuple(values))
    gram_sets = [_grams(value) for value in values]
    rarity = {gram: sum(gram in grams for grams in gram_sets) for grams in gram_sets for gram in grams}
    weight = {gram: _squared_rarity(60, count) for gram, count in rarity.items()}
    asked = _grams("ccc word3 77")
    slow = [sum(weight[g] for g in asked & grams) / sum(weight[g] for g in grams) ** 0.5 for grams in gram_sets]
    buckets = ranking._distinct(grams([("ccc word3 77",)], ranking._SIZES)[0])
    assert index.similarities(buckets) == pytest.approx(slow)


def _grams(value: str) -> set[str]:
    padded = f" {value} "
    return {padded[at : at + size] for size in (2, 3, 4) for at in range(len(padded) - size + 1)}


def _squared_rarity(texts: int, count: int) -> float:
    return math.log(1 + texts / count) ** 2


def test_too_large_a_pool_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the floors that compare all texts are left out, and the others stay."""
    monkeypatch.setattr(ranking, "MOST_COMPARED", 4)
    assert set(fit("retrieval", None, ())([_query(0, "x")], _POOL)) == {"random_rank"}
    assert set(fit("retrieval", None, (), "bitext")([_query(0, "x")], _POOL)) == {"no_pair", "same_numbers"}


def test_pairs_have_three_floors() -> None:
    """No pair; pairs of the same numbers in any digits, where they are unique; pairs that choose each other."""
    queries = [
        _query(0, "Am 12. Mai 1897 starb Anna Kova."),
        _query(1, "Nichts"),
        _query(2, "۱۸۹۷ 12"),
        _query(3, "7 Ei"),
    ]
    pool = _corpus("Anna Kova died on 12 May 1897.", "7 eggs", "1897 12 again", "Nichts, hm")
    fitted = fit("retrieval", None, (), "bitext")(queries, pool)
    assert _ids(fitted["no_pair"].targets) == [()] * 4
    assert _ids(fitted["same_numbers"].targets) == [(), (), (), ("c1",)]
    assert _ids(fitted["mutual_overlap"].targets)[0] == ("c0",)
    assert _ids(fitted["mutual_overlap"].targets)[1] == ("c3",)
    mined = [ids for ids in _ids(fitted["mutual_overlap"].targets) if ids]
    assert len(mined) == len(set(mined))


def test_sentences_that_a_side_repeats_make_no_pair() -> None:
    """As in mining, a pair of a sentence that the corpus does not score is not predicted, on either side."""
    queries = [_query(0, "im Jahr 1897"), _query(1, "7 Eier")]
    pool = _corpus("in 1897", "7 eggs")
    for unscored, left in ((), 2), (("c0",), 1), (("1/query",), 1), (("c0", "1/query"), 0):
        known = Corpus("pool", pool.texts, unscored=frozenset(unscored))
        fitted = fit("retrieval", None, (), "bitext")(queries, known)
        for name in ("same_numbers", "mutual_overlap"):
            assert len([ids for ids in _ids(fitted[name].targets) if ids]) == left


def test_there_is_no_ranking_without_a_pool() -> None:
    """Retrieval has no floor where its pool is not given, nor any family for an empty split."""
    assert fit("retrieval", None, ())([_query(0, "x")]) == {}
    assert fit("retrieval", None, ())([], _POOL) == {}


def test_every_floor_has_its_sentence() -> None:
    """What a page names, a sentence explains."""
    floor_names = {
        **fit("choice", None, ())(_worded(4)),
        **fit("retrieval", None, ())([_query(0, "x")], _POOL),
        **fit("retrieval", None, (), "bitext")([_query(0, "x")], _POOL),
    }
    assert [name for name in floor_names if not summary(name).endswith(".")] == []
    assert set(floor_names) <= set(SUMMARIES)


def test_a_pool_without_texts_has_empty_rankings() -> None:
    """An empty pool gives empty answers, which score nothing."""
    empty = Corpus("none", ())
    for search in ("", "bitext"):
        fitted = fit("retrieval", None, (), search)([_query(0, "x", "c0")], empty)
        assert {average_precision(ids, ["c0"]) for floor in fitted.values() for ids in _ids(floor.targets)} == {0.0}

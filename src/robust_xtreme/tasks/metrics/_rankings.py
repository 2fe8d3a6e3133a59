"""Metrics of rankings with grades, as trec_eval and ranx compute them; a grade is how often a document is named.

A document that is ranked twice counts at its first rank.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core.columns import Array, ExampleColumns, Names, once
from robust_xtreme.core.examples import Document
from robust_xtreme.core.metric import Responses, Sums, targets, whole
from robust_xtreme.tasks.metrics._labels import SIZE, gold_keys, keys, right_keys, summed

DEPTH: Final = 20
_FEW: Final = 10
_MANY: Final = 100
_DISCOUNTS: Final = np.array([*(1 / math.log2(rank + 2) for rank in range(_FEW)), 0.0])
_CITE: Final = "BEIR, Thakur et al. 2021 (arXiv 2104.08663); Järvelin and Kekäläinen 2002 for nDCG; values of ranx"


class Found(NamedTuple):
    """The right documents of rankings, in order: the query (f,) of each, its rank (f,) from 0, its grade (f,)."""

    query: Array
    rank: Array
    grade: Array


def found(responses: Responses) -> Found:
    """The right documents that the rankings have."""
    _, predicted = targets(responses, Document, Names)
    documents, is_right = once(responses, right_keys)
    positions = np.flatnonzero(is_right)
    first = np.sort(positions[np.unique(documents[positions], return_index=True)[1]])
    query = documents[first] // SIZE
    gold, grades = once(responses.clean, gold_keys), once(responses.clean, gold_grades)
    grade = grades[np.searchsorted(gold, documents[first])] if len(first) else np.zeros(0, np.int64)
    return Found(query, first - predicted.bounds[query], grade)


def gold_grades(clean: ExampleColumns) -> Array:
    """The grade of each of `gold_keys`."""
    assert isinstance(clean.targets, Names)
    return np.asarray(np.unique(keys(clean, clean.targets), return_counts=True)[1])


def gold_counts(clean: ExampleColumns) -> Array:
    """How many right documents each query (n,) has."""
    return np.bincount(once(clean, gold_keys) // SIZE, minlength=len(clean))


def _mean(values: Array, of: Array) -> Sums:
    """The share of each query (n,): 0 where it has no right document."""
    return whole(np.where(of > 0, values / np.where(of > 0, of, 1), 0.0), np.ones(len(of)))


def _gain(query: Array, rank: Array, grade: Array, count: int) -> Array:
    """The discounted gain (count,) of documents among the first ten."""
    return np.bincount(query, weights=grade * _DISCOUNTS.take(np.minimum(rank, _FEW)), minlength=count)


@summed("ndcg n", cite=_CITE)
def ndcg_at_10(responses: Responses) -> Sums:
    """Mean over queries of the discounted gain of the first 10 documents, of the most that is possible."""
    ranked, gold = once(responses, found), once(responses.clean, gold_keys)
    grades = once(responses.clean, gold_grades)
    best = np.lexsort((-grades, gold // SIZE))
    query = gold[best] // SIZE
    ideal = _gain(query, np.arange(len(query)) - np.searchsorted(query, query), grades[best], len(responses))
    return _mean(_gain(*ranked, len(responses)), ideal)


def _recall(responses: Responses, depth: int) -> Sums:
    ranked = once(responses, found)
    right = np.bincount(ranked.query[ranked.rank < depth], minlength=len(responses))
    return _mean(right, once(responses.clean, gold_counts))


@summed("recall n", cite=_CITE)
def recall_at_10(responses: Responses) -> Sums:
    """Mean over queries of the share of right documents that are among the first 10."""
    return _recall(responses, _FEW)


@summed("recall n", cite=_CITE)
def recall_at_100(responses: Responses) -> Sums:
    """Mean over queries of the share of right documents that are among the first 100."""
    return _recall(responses, _MANY)


@summed("rr n", cite=_CITE)
def mrr_at_100(responses: Responses) -> Sums:
    """Mean over queries of 1 / the rank of the first right document among the first 100."""
    ranked, reciprocal = once(responses, found), np.zeros(len(responses))
    near = ranked.rank < _MANY
    np.maximum.at(reciprocal, ranked.query[near], 1 / (ranked.rank[near] + 1))
    return whole(reciprocal, np.ones(len(responses)))


@summed("ap n", cite="XTREME-R, mAP@20 of LAReQA and Mewsli-X; utils_mewslix.py: mean_reciprocal_rank")
def map_at_20(responses: Responses) -> Sums:
    """Mean over queries of the average precision of the first 20 candidates found.

    The sum of the precisions at each right document among the first 20, divided by min(right documents, 20).

    In [0, 1]. A repeated document counts once; 0 where there is no right document. With one right document it is the
    reciprocal of its rank, as in Mewsli-X's scorer.
    """
    ranked = once(responses, found)
    most = np.minimum(once(responses.clean, gold_counts), DEPTH)
    return _mean(precisions(ranked, DEPTH, len(responses)), most)


@summed("ap n", cite=_CITE)
def map_at_100(responses: Responses) -> Sums:
    """Mean over queries of the average precision of the first 100 documents, divided by all right ones."""
    ranked = once(responses, found)
    return _mean(precisions(ranked, _MANY, len(responses)), once(responses.clean, gold_counts))


def precisions(ranked: Found, depth: int, count: int) -> Array:
    """The sum (count,) of the precisions at each right document among the first `depth` of each query."""
    near = ranked.rank < depth
    query, rank = ranked.query[near], ranked.rank[near]
    before = np.arange(len(query)) - np.searchsorted(query, query)
    return np.bincount(query, weights=(before + 1) / (rank + 1), minlength=count)

"""Metrics of retrieval: pairs found among sentences, and candidates in order."""

from dataclasses import replace
from typing import Final

import numpy as np

from robust_xtreme.core.columns import Names, TargetColumn, once
from robust_xtreme.core.examples import Document
from robust_xtreme.core.metric import Array, Metric, Responses, Sums, each, share, targets, whole
from robust_xtreme.tasks.metrics._labels import SIZE, gold_keys, keys, reduce, right_keys


def pairs_counted(responses: Responses, answers: TargetColumn | None = None) -> Sums:
    """True positives, false positives and false negatives of each query's pairs; a repeated pair counts once."""
    _, names = targets(responses, Document, Names, answers)
    gold, predicted = once(responses.clean, gold_keys), np.unique(keys(responses.clean, names))
    right = _counted(np.intersect1d(gold, predicted, assume_unique=True), len(responses))
    return whole(right, _counted(predicted, len(responses)) - right, _counted(gold, len(responses)) - right)


def _counted(pairs: Array, queries: int) -> Array:
    return np.bincount(pairs // SIZE, minlength=queries)


bitext_f1 = Metric(
    name="bitext_f1",
    summary="F1 of the translation pairs found, with the threshold tuned on clean data.",
    columns=("tp", "fp", "fn"),
    stats=each(pairs_counted),
    reduce=reduce,
    cite="XTREME, evaluate.py: bucc_f1",
    sums=pairs_counted,
    empty=True,
)


def _bitext_f1_sums(responses: Responses) -> Sums:
    """The counts of the predictions with the threshold tuned again, where there is one, else of the predictions."""
    return pairs_counted(responses, responses.retuned)


bitext_f1_retuned = replace(
    bitext_f1,
    name="bitext_f1_retuned",
    summary="F1 of the translation pairs found, with the threshold tuned again for each condition.",
    stats=each(_bitext_f1_sums),
    sums=_bitext_f1_sums,
)


def _retrieval_accuracy_sums(responses: Responses) -> Sums:
    _, predicted = targets(responses, Document, Names)
    some = np.flatnonzero(np.diff(predicted.bounds))
    correct = np.zeros(len(responses))
    correct[some] = once(responses, right_keys)[1][predicted.bounds[some]]
    return whole(correct, np.ones(len(responses)))


retrieval_accuracy = Metric(
    name="retrieval_accuracy",
    summary="Share of queries whose nearest candidate is a right one.",
    columns=("correct", "n"),
    stats=each(_retrieval_accuracy_sums),
    reduce=share,
    cite="XTREME, evaluate.py: accuracy of Tatoeba",
    sums=_retrieval_accuracy_sums,
)

DEPTH: Final = 20


def _map_at_20_sums(responses: Responses) -> Sums:
    """The sum of the precisions at each right document among the first 20, divided by min(right documents, 20).

    In [0, 1]. A repeated document counts once; 0 where there is no right document. With one right document it is the
    reciprocal of its rank, as in Mewsli-X's scorer.
    """
    _, predicted = targets(responses, Document, Names)
    right = once(responses.clean, gold_keys)
    most = np.minimum(np.bincount(right // SIZE, minlength=len(responses)), DEPTH)
    documents, is_right = once(responses, right_keys)
    positions = np.flatnonzero(is_right)
    first = np.sort(positions[np.unique(documents[positions], return_index=True)[1]])
    query = documents[first] // SIZE
    rank = first - predicted.bounds[query]
    query, rank = query[rank < DEPTH], rank[rank < DEPTH]
    before = np.arange(len(query)) - np.searchsorted(query, query)
    total = np.bincount(query, weights=(before + 1) / (rank + 1), minlength=len(responses))
    return whole(np.where(most > 0, total / np.maximum(most, 1), 0.0), np.ones(len(responses)))


map_at_20 = Metric(
    name="map_at_20",
    summary="Mean over queries of the average precision of the first 20 candidates found.",
    columns=("ap", "n"),
    stats=each(_map_at_20_sums),
    reduce=share,
    cite="XTREME-R, mAP@20 of LAReQA and Mewsli-X; utils_mewslix.py: mean_reciprocal_rank",
    sums=_map_at_20_sums,
)

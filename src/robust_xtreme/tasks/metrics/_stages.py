"""The two parts of a score of two stages: what the documents found allow, and what their order loses of that.

A score is what is found plus what is ordered minus 100, so that the changes of both add up to the change of the score.
"""

import numpy as np

from robust_xtreme.core.columns import Names, bounds_of, once
from robust_xtreme.core.examples import Document
from robust_xtreme.core.metric import FOUND, ORDERED, Metric, Responses, Sums, each, share, targets, whole
from robust_xtreme.tasks.metrics._labels import retrieval_accuracy
from robust_xtreme.tasks.metrics._rankings import found, map_at_20, ndcg_at_10


def best_order(responses: Responses) -> Responses:
    """The answers with the right documents alone, the highest grade first."""
    _, predicted = targets(responses, Document, Names)
    ranked = once(responses, found)
    best = np.lexsort((ranked.rank, -ranked.grade, ranked.query))
    codes = predicted.codes[(predicted.bounds[ranked.query] + ranked.rank)[best]]
    bounds = bounds_of(np.bincount(ranked.query, minlength=len(responses)))
    ordered = Names(Document, predicted.names, codes, bounds)
    return Responses(responses.clean, responses.perturbed, ordered, ordered)


def _parts(score: Metric) -> tuple[Metric, Metric]:
    """The two parts of a mean over queries."""

    def of_found(responses: Responses) -> Sums:
        return score.of(once(responses, best_order))

    def of_ordered(responses: Responses) -> Sums:
        lost = of_found(responses).values[:, 0] - score.of(responses).values[:, 0]
        return whole(np.minimum(1.0 - lost, 1.0), np.ones(len(responses)))

    summaries = (
        f"{score.name} in the best order of the documents that are found.",
        f"100 minus what the order of the documents found loses of {score.name}.",
    )
    (most, kept), columns = summaries, score.columns
    return (
        Metric(f"{score.name}{FOUND}", most, columns, each(of_found), share, score.cite, of_found),
        Metric(f"{score.name}{ORDERED}", kept, columns, each(of_ordered), share, score.cite, of_ordered),
    )


retrieval_accuracy_found, retrieval_accuracy_ordered = _parts(retrieval_accuracy)
map_at_20_found, map_at_20_ordered = _parts(map_at_20)
ndcg_at_10_found, ndcg_at_10_ordered = _parts(ndcg_at_10)

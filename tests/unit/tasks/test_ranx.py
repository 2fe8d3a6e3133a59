"""Metrics of rankings are those of ranx on 1,000 rankings, of which many lack right documents."""

from __future__ import annotations

import numpy as np
import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.columns import column_of
from robust_xtreme.core.examples import Document, Example, Text, digest
from robust_xtreme.core.metric import Metric

IDS = [f"d{number}" for number in range(150)]
RANX: dict[str, tuple[float, ...]] = {
    "ndcg_at_10": (
        0.059274826824,
        0.037543489834,
        0.049477969623,
        0.048626102894,
        0.046016378816,
        0.055799288179,
        0.039589213360,
        0.041236412231,
        0.056651803868,
        0.040918243150,
    ),
    "recall_at_10": (
        0.066115800866,
        0.063645382395,
        0.073185064935,
        0.073041847042,
        0.060171356421,
        0.065470418470,
        0.052920995671,
        0.060874098124,
        0.075082972583,
        0.063223304473,
    ),
    "recall_at_100": (
        0.430466810967,
        0.511278138528,
        0.508468253968,
        0.416726911977,
        0.452717893218,
        0.445033910534,
        0.457923160173,
        0.461616522367,
        0.436858946609,
        0.437287878788,
    ),
    "mrr_at_100": (
        0.146853259223,
        0.109333431362,
        0.149452665730,
        0.132879261725,
        0.115089056781,
        0.147100167566,
        0.115026473072,
        0.131282273661,
        0.122499529656,
        0.104463115420,
    ),
    "map_at_100": (
        0.047944960138,
        0.041361784145,
        0.046599675016,
        0.041962178892,
        0.047605359121,
        0.047153983927,
        0.039916561297,
        0.042060830848,
        0.042751123904,
        0.039399049845,
    ),
    "retrieval_accuracy": (
        0.060000000000,
        0.030000000000,
        0.040000000000,
        0.030000000000,
        0.040000000000,
        0.050000000000,
        0.040000000000,
        0.060000000000,
        0.020000000000,
        0.020000000000,
    ),
}
"""Means over the first hundred rankings, the second hundred, and so on, as ranx 0.3.21 gives them: ndcg@10, recall@10,
recall@100, mrr@100, map@100 and hit_rate@1. It was given the rank as the score, so that there were no ties."""


def ranking(number: int) -> tuple[list[str], dict[str, int]]:
    """A ranking of a length of its own, and the grades of right documents, two of which no ranking has."""
    ranked = sorted(IDS, key=lambda id: digest(f"{number}", "ranked", id))
    right = sorted([*IDS, "absent1", "absent2"], key=lambda id: digest(f"{number}", "gold", id))
    length, golds = (int(digest(f"{number}", name), 16) for name in ("length", "golds"))
    return ranked[: length % 150 + 1], {id: int(digest(f"{number}", id), 16) % 3 + 1 for id in right[: golds % 12 + 1]}


@pytest.mark.parametrize("name", RANX)
def test_values_are_those_of_ranx(name: str) -> None:
    """In each hundred of rankings the mean is the same."""
    cases = [ranking(number) for number in range(1000)]
    golds = [Document(tuple(id for id, grade in right.items() for _ in range(grade))) for _, right in cases]
    examples = [
        Example(f"q{number}", {"query": Text(f"q{number}", "en", "?")}, gold, "c") for number, gold in enumerate(golds)
    ]
    metric: Metric = registry.load("metric", name)
    sums = metric.alone(examples, column_of([Document(tuple(ranked)) for ranked, _ in cases]))
    assert (sums[:, 0].reshape(10, 100).mean(axis=1)).tolist() == pytest.approx(RANX[name], abs=1e-10)
    assert np.ptp(sums[:, 1]) == 0

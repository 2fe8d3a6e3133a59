"""Metrics of retrieval and of mined pairs: single cases, references written again, and those of torchmetrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answering import average_precision

from robust_xtreme.core.columns import ExampleColumns, column_of
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Document, Example, Scored, Text
from robust_xtreme.core.metric import Responses
from robust_xtreme.tasks.metrics._labels import bitext_f1, bitext_f1_retuned, own_language, retrieval_accuracy
from robust_xtreme.tasks.metrics._rankings import map_at_20

_IDS = [f"d{number}" for number in range(40)]
_golds = st.lists(st.sampled_from(_IDS), min_size=1, max_size=30, unique=True)
_rankings = st.permutations(_IDS)


def _scored(gold: Sequence[str], predicted: Sequence[str], retuned: Sequence[str] | None = None) -> Scored:
    example = Example("e", {"query": Text("t", "en", "")}, Document(tuple(gold)), "c")
    anew = None if retuned is None else Document(tuple(retuned))
    return Scored(example, example, Document(tuple(predicted)), Document(tuple(predicted)), anew)


@pytest.mark.parametrize(
    ("gold", "predicted", "correct"),
    [("a", "ab", 1.0), ("ba", "ab", 1.0), ("b", "ab", 0.0), ("a", "", 0.0), ("", "a", 0.0)],
)
def test_the_first_document_decides(gold: str, predicted: str, correct: float) -> None:
    """Right is a query whose first document is one of the right ones; no document, or none to find, is wrong."""
    assert retrieval_accuracy.stats(_scored(gold, predicted)) == {"all": (correct, 1.0)}


@pytest.mark.parametrize(
    ("predicted", "sums"),
    [
        ("x/test/sw/1 x/test/de/1", (1.0, 1.0)),
        ("x/test/de/1 x/test/sw/1", (0.0, 1.0)),
        ("x/test/sw/2 x/test/sw/1", (0.0, 0.0)),
        ("x/test/de/1/sw", (0.0, 0.0)),
        ("", (0.0, 0.0)),
    ],
)
def test_a_right_answer_is_in_the_own_language_or_in_another(predicted: str, sums: tuple[float, float]) -> None:
    """Only the nearest candidate counts, and only where it is right: what is wrong is in neither."""
    gold = Document(("x/test/de/1", "x/test/sw/1"))
    example = Example("x/test/sw/q", {"query": Text("t", "sw", "")}, gold, "c")
    answer = Document(tuple(predicted.split()))
    assert own_language.stats(Scored(example, example, answer, answer)) == {"all": sums}


def test_an_id_without_a_language_is_refused() -> None:
    """Instead of counting as another language."""
    with pytest.raises(Mismatch, match="own_language"):
        own_language.stats(_scored("a", "a"))


def test_nothing_is_right_where_there_is_nothing_to_find() -> None:
    """Also where answers to the same queries under another condition had found other documents before."""
    clean = ExampleColumns([_scored("", "").clean])
    for found in ("ab", "b"):
        answers = column_of([Document(tuple(found))])
        assert retrieval_accuracy.everywhere(Responses(clean, clean, answers, answers)).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("gold", "predicted", "value"),
    [
        ("a", "a", 1.0),
        ("a", "ba", 1 / 2),
        ("ab", "acb", (1 + 2 / 3) / 2),
        ("abc", "a", 1 / 3),
        ("a", "", 0.0),
        ("", "a", 0.0),
        ("a", "aaa", 1.0),
        ("b", "abb", 1 / 2),
    ],
)
def test_average_precision_on_single_cases(gold: str, predicted: str, value: float) -> None:
    """Precisions at the hits by the number of right documents; what is found twice counts once."""
    assert average_precision(predicted, gold) == pytest.approx(value)


def test_only_twenty_documents_count() -> None:
    """A right document at rank 21 is not found, and of thirty right ones twenty can be."""
    assert average_precision(_IDS, [_IDS[19]]) == pytest.approx(1 / 20)
    assert average_precision(_IDS, [_IDS[20]]) == 0.0
    assert average_precision(_IDS, _IDS[:30]) == pytest.approx(1.0)


@given(st.sampled_from(_IDS), _rankings)
def test_with_one_right_document_it_is_the_reciprocal_rank(gold: str, ranking: list[str]) -> None:
    """As Mewsli-X's scorer computes it: 1 by the rank, 0 beyond 20."""
    rank = ranking.index(gold) + 1
    assert average_precision(ranking, [gold]) == (1 / rank if rank <= 20 else 0.0)


@given(_golds.filter(lambda golds: len(golds) <= 20), _rankings)
def test_average_precision_equals_that_of_torchmetrics(golds: list[str], ranking: list[str]) -> None:
    """That of all hits in the whole ranking, where the last of at most 20 right ones is among the first 20."""
    functional = pytest.importorskip("torchmetrics.functional.retrieval", reason="torchmetrics is not installed")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    first = [
        *[document for document in ranking if document in golds][: len(golds)],
        *[document for document in ranking if document not in golds],
    ]
    mixed = sorted(first[:20], key=ranking.index) + first[20:]
    scores = torch.arange(len(mixed), 0, -1, dtype=torch.float64)
    expected = functional.retrieval_average_precision(scores, torch.tensor([document in golds for document in mixed]))
    assert average_precision(mixed, golds) == pytest.approx(float(expected))
    first_right = functional.retrieval_precision(
        scores, torch.tensor([document in golds for document in mixed]), top_k=1
    )
    assert retrieval_accuracy.stats(_scored(golds, mixed))["all"] == (float(first_right), 1.0)
    rank = functional.retrieval_reciprocal_rank(scores, torch.tensor([document == golds[0] for document in mixed]))
    assert average_precision(mixed, golds[:1]) == pytest.approx(float(rank))


@given(st.lists(st.tuples(_golds, _rankings), min_size=1, max_size=5))
def test_the_mean_is_over_queries(rows: list[tuple[list[str], list[str]]]) -> None:
    """Each query counts alike, however many documents are right."""
    sums = np.sum([map_at_20.stats(_scored(*row))["all"] for row in rows], axis=0)
    expected = 100 * np.mean([average_precision(predicted, gold) for gold, predicted in rows])
    assert float(map_at_20.reduce(sums)) == pytest.approx(expected)


_targets = st.lists(st.sampled_from("abcd"), max_size=2)


@given(st.lists(st.tuples(_targets, _targets), min_size=1, max_size=8))
def test_pairs_are_scored_as_a_set_against_every_gold_pair(rows: list[tuple[list[str], list[str]]]) -> None:
    """F1 from summed counts is that of the set of all pairs said against the gold pairs, each as often as it is there.

    Two lines of the gold file are two pairs, also where their sentences are the same.
    """
    gold = [(query, document) for query, (right, _) in enumerate(rows) for document in right]
    predicted = {(query, document) for query, (_, mined) in enumerate(rows) for document in mined}
    both = len({*gold} & predicted)
    precision, recall = both / max(len(predicted), 1), both / max(len(gold), 1)
    expected = 200 * precision * recall / (precision + recall) if both else 0.0
    sums = np.sum([bitext_f1.stats(_scored(*row))["all"] for row in rows], axis=0)
    assert float(bitext_f1.reduce(sums)) == pytest.approx(expected)


def test_what_is_tuned_again_is_scored_beside() -> None:
    """The headline scores the frozen threshold's pairs, the other metric those of a threshold tuned again, if any."""
    scored = _scored("a", "b", "a")
    assert bitext_f1.stats(scored) == {"all": (0.0, 1.0, 1.0)}
    assert bitext_f1_retuned.stats(scored) == {"all": (1.0, 0.0, 0.0)}
    assert bitext_f1_retuned.stats(_scored("a", "b")) == bitext_f1.stats(scored)
    assert bitext_f1_retuned.stats(_scored("a", "b", "")) == {"all": (0.0, 0.0, 1.0)}

"""Our metrics beside those of torchmetrics, where both count the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.answering import value_of

from robust_xtreme.core.examples import Choice, Document, Example, Scored, Span, Tags, Target, Text
from robust_xtreme.tasks.metrics._answers import words
from robust_xtreme.tasks.metrics._labels import accuracy, bitext_f1, token_accuracy

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
torchmetrics: Any = pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")

_indices = st.integers(0, 3)
_labels = st.lists(st.tuples(_indices, _indices), min_size=1, max_size=20)
_answers = (
    st.lists(
        st.sampled_from(["the", "A", "Lake", "lake.", "(lake)", "ya", "湖", "ทะเล", "deep"]), min_size=1, max_size=5
    )
    .map(" ".join)
    .filter(words)
)


def _scored(gold: Target, predicted: Target, length: int = 0) -> Scored:
    spans = tuple(Span(at, at + 1) for at in range(length))
    example = Example("e", {"tokens": Text("t", "en", "x" * length, spans)}, gold, "c")
    return Scored(example, example, predicted, predicted)


def _value(metric: Any, pairs: Sequence[Scored]) -> float:
    return float(metric.reduce(np.sum([metric.stats(pair)["all"] for pair in pairs], axis=0)))


@settings(deadline=None)
@given(_labels)
def test_accuracy(pairs: list[tuple[int, int]]) -> None:
    """The share of right labels, and of right tags of words, is multiclass accuracy over all of them."""
    gold, predicted = map(list, zip(*pairs, strict=True))
    function = torchmetrics.functional.classification.multiclass_accuracy
    expected = 100 * float(function(torch.tensor(predicted), torch.tensor(gold), num_classes=4, average="micro"))
    assert _value(accuracy, [_scored(Choice(first), Choice(two)) for first, two in pairs]) == pytest.approx(expected)
    tagged = _scored(Tags(tuple(map(str, gold))), Tags(tuple(map(str, predicted))), len(gold))
    assert _value(token_accuracy, [tagged]) == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
def test_f1_of_pairs(pairs: list[tuple[bool, bool]]) -> None:
    """F1 of pairs is binary F1 of whether each pair is gold and whether it is predicted."""
    gold, predicted = map(list, zip(*pairs, strict=True))
    expected = 100 * float(
        torchmetrics.functional.classification.binary_f1_score(torch.tensor(predicted), torch.tensor(gold))
    )
    scored = [_scored(Document(("a",) * first), Document(("a",) * two)) for first, two in pairs]
    assert _value(bitext_f1, scored) == pytest.approx(expected)


@settings(deadline=None)
@given(_answers, st.lists(_answers, min_size=1, max_size=3))
def test_answers(predicted: str, golds: list[str]) -> None:
    """Exact match and F1 of an answer that has words are those of its SQuAD metric."""
    target = {"id": "1", "answers": {"answer_start": [0] * len(golds), "text": golds}}
    reference = torchmetrics.functional.text.squad([{"id": "1", "prediction_text": predicted}], [target])
    assert 100 * value_of("squad_em", predicted, golds) == pytest.approx(float(reference["exact_match"]))
    assert 100 * value_of("squad_f1", predicted, golds) == pytest.approx(float(reference["f1"]))

"""XTREME's own mock labels and predictions, scored by our metrics, give the averages its own test expects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from robust_xtreme.examples import Choice, Example, Judged, Tags, Target, Text
from robust_xtreme.metrics._metric import Metric
from robust_xtreme.metrics.accuracy import accuracy
from robust_xtreme.metrics.span_f1 import counts, span_f1
from robust_xtreme.metrics.squad_em import exact
from robust_xtreme.metrics.squad_f1 import overlap
from robust_xtreme.sources import squad_json

pytestmark = pytest.mark.real


def _pairs(data: Path, task: str) -> list[tuple[Path, Path]]:
    """Files of labels and predictions, a pair for each language."""
    mock = data / "xtreme_mock_test_data"
    labels = sorted((mock / "labels" / task).iterdir())
    assert labels, f"{mock / 'labels' / task} is empty"
    return [(label, mock / "predictions" / task / label.name) for label in labels]


def _mean(values: Iterable[float]) -> float:
    """The unweighted mean over languages, as XTREME's scorer averages."""
    found = list(values)
    return sum(found) / len(found)


def _judged(gold: Target, said: Target) -> Judged:
    example = Example("mock", {"tokens": Text("mock", "en", "")}, gold, "mock")
    return Judged(example, example, said, said)


def _value(metric: Metric, rows: Iterable[tuple[float, ...]]) -> float:
    return float(metric.reduce(np.asarray(list(rows)).sum(axis=0)))


def _accuracy(labels: Path, predictions: Path) -> float:
    gold, said = (path.read_text(encoding="utf-8").split() for path in (labels, predictions))
    names = sorted({*gold, *said})
    judged = [_judged(Choice(names.index(one)), Choice(names.index(two))) for one, two in zip(gold, said, strict=True)]
    return _value(accuracy, (accuracy.stats(one)["all"] for one in judged))


def _tags(path: Path) -> list[tuple[str, ...]]:
    sentences = path.read_text(encoding="utf-8").split("\n\n")
    return [Tags(tuple(sentence.split())).names for sentence in sentences if sentence.strip()]


def _f1(labels: Path, predictions: Path) -> float:
    return _value(span_f1, map(counts, _tags(labels), _tags(predictions)))


def _answers(labels: Path, predictions: Path, compare: Callable[[str, list[str]], float]) -> float:
    said = json.loads(predictions.read_text(encoding="utf-8"))
    rows = squad_json.read(labels.read_text(encoding="utf-8"), str(labels))
    golds = [[row.values["context"][start:stop] for start, stop in row.values["answers"]] for row in rows]
    return 100 * _mean(compare(said.get(row.native, ""), gold) for row, gold in zip(rows, golds, strict=True))


@pytest.mark.parametrize(
    ("task", "languages", "expected"), [("xnli", 15, 30.6667), ("panx", 40, 57.5079), ("udpos", 33, 70.2175)]
)
def test_labels_and_tags_score_as_the_official_scorer_does(
    data: Path, task: str, languages: int, expected: float
) -> None:
    """Accuracy and chunk F1, averaged over languages, equal the official figures to four decimals."""
    score = _accuracy if task == "xnli" else _f1
    values = [score(*pair) for pair in _pairs(data, task)]
    assert (len(values), round(_mean(values), 4)) == (languages, expected)


@pytest.mark.parametrize(
    ("task", "languages", "em", "f1"), [("xquad", 11, 77.2727, 79.9587), ("tydiqa", 9, 88.8889, 97.2222)]
)
def test_answers_score_as_the_official_scorer_does(data: Path, task: str, languages: int, em: float, f1: float) -> None:
    """Exact match and F1 of answers, averaged over languages, equal the official figures to four decimals."""
    pairs = _pairs(data, task)
    matches = round(_mean(_answers(*pair, exact) for pair in pairs), 4)
    overlaps = round(_mean(_answers(*pair, overlap) for pair in pairs), 4)
    assert (len(pairs), matches, overlaps) == (languages, em, f1)

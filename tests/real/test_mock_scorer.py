"""XTREME's own mock labels and predictions, scored by our metrics, give the averages its own test expects."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Choice, Document, Example, Scored, Span, Tags, Target, Text
from robust_xtreme.tasks.formats import squad

pytestmark = pytest.mark.real

Read = Callable[[Path, Path], Iterator[Scored]]


def _pairs(data: Path, task: str) -> list[tuple[Path, Path]]:
    """Files of labels and predictions, a pair for each language."""
    mock = data / "xtreme_mock_test_data"
    labels = sorted((mock / "labels" / task).iterdir())
    assert labels, f"{mock / 'labels' / task} is empty"
    return [(label, mock / "predictions" / task / label.name) for label in labels]


def _scored(gold: Target, predicted: Target, texts: dict[str, Text] | None = None) -> Scored:
    example = Example("mock", texts or {"tokens": Text("mock", "en", "")}, gold, "mock")
    return Scored(example, example, predicted, predicted)


def _average(data: Path, task: str, metric: str, read: Read) -> tuple[int, float]:
    """How many languages there are, and the unweighted mean of a metric over them, to four decimals."""
    member = registry.load("metric", metric)
    values = [
        float(member.reduce(np.asarray([member.stats(scored)["all"] for scored in read(*pair)]).sum(axis=0)))
        for pair in _pairs(data, task)
    ]
    return len(values), round(sum(values) / len(values), 4)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _labels(labels: Path, predictions: Path) -> Iterator[Scored]:
    """One label a line."""
    gold, predicted = _lines(labels), _lines(predictions)
    names = sorted({*gold, *predicted})
    for first, two in zip(gold, predicted, strict=True):
        yield _scored(Choice(names.index(first)), Choice(names.index(two)))


def _tags(labels: Path, predictions: Path) -> Iterator[Scored]:
    """One tag a line, an empty line after each sentence."""
    for gold, predicted in zip(_sentences(labels), _sentences(predictions), strict=True):
        yield _scored(gold, predicted, {"tokens": Text("mock", "en", "x" * len(gold.names), _letters(len(gold.names)))})


def _letters(count: int) -> tuple[Span, ...]:
    return tuple(Span(at, at + 1) for at in range(count))


def _sentences(path: Path) -> list[Tags]:
    sentences = path.read_text(encoding="utf-8").split("\n\n")
    return [Tags(tuple(sentence.split())) for sentence in sentences if sentence.strip()]


def _answers(labels: Path, predictions: Path) -> Iterator[Scored]:
    """SQuAD's json; the predicted answer is put after the passage, as a prediction is a span."""
    document = json.loads(predictions.read_text(encoding="utf-8"))
    for row in squad.read(labels.read_text(encoding="utf-8"), str(labels)):
        passage, answer = row.values["context"], document.get(row.native, "")
        context = Text("mock", labels.stem.removeprefix("test-"), f"{passage}\n{answer}")
        golds = Answers(tuple(Span(start, stop) for start, stop in row.values["answers"]))
        yield _scored(golds, Answers((Span(len(passage) + 1, len(context.value)),)), {"context": context})


def _documents(labels: Path, predictions: Path) -> Iterator[Scored]:
    """The id of the nearest sentence, one a line."""
    for gold, predicted in zip(_lines(labels), _lines(predictions), strict=True):
        yield _scored(Document((gold,)), Document((predicted,)))


def _rankings(labels: Path, predictions: Path) -> Iterator[Scored]:
    """The ids of the entities found for each mention, the best first."""
    document = json.loads(predictions.read_text(encoding="utf-8"))
    for mention, gold in json.loads(labels.read_text(encoding="utf-8")).items():
        yield _scored(Document(tuple(gold)), Document(tuple(document.get(mention, ()))))


def _bitext(labels: Path, predictions: Path) -> Iterator[Scored]:
    """Pairs of ids, one a line, gathered by their first."""
    gold, predicted = _by_source(_lines(labels)), _by_source(_lines(predictions))
    for source in sorted({*gold, *predicted}):
        yield _scored(Document(tuple(gold.get(source, ()))), Document(tuple(predicted.get(source, ()))))


def _by_source(lines: Iterable[str]) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines:
        source, target = line.split("\t")
        groups[source].append(target)
    return groups


@pytest.mark.parametrize(
    ("task", "metric", "read", "languages", "expected"),
    [
        ("xnli", "accuracy", _labels, 15, 30.6667),
        ("pawsx", "accuracy", _labels, 7, 51.4286),
        ("panx", "span_f1", _tags, 40, 57.5079),
        ("udpos", "span_f1", _tags, 33, 70.2175),
        ("xquad", "squad_em", _answers, 11, 77.2727),
        ("xquad", "squad_f1", _answers, 11, 79.9587),
        ("mlqa", "mlqa_em", _answers, 7, 57.1429),
        ("mlqa", "mlqa_f1", _answers, 7, 81.7687),
        ("tydiqa", "squad_em", _answers, 9, 88.8889),
        ("tydiqa", "squad_f1", _answers, 9, 97.2222),
        ("tatoeba", "retrieval_accuracy", _documents, 36, 53.6111),
        ("mewslix", "map_at_20", _rankings, 11, 14.3903),
        ("bucc2018", "bitext_f1", _bitext, 4, 55.0),
        ("bucc2018", "bitext_f1_retuned", _bitext, 4, 55.0),
    ],
)
def test_averages_are_those_of_the_official_scorer(
    data: Path, task: str, metric: str, read: Read, languages: int, expected: float
) -> None:
    """Each metric, averaged over the languages of the mock files, equals the official figure to four decimals."""
    assert _average(data, task, metric, read) == (languages, expected)


def test_the_languages_rule_is_what_distinguishes_mlqa_from_squad(data: Path) -> None:
    """Scored by SQuAD's rule, the same answers give other averages."""
    assert _average(data, "mlqa", "squad_f1", _answers)[1] != 81.7687

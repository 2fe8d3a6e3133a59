"""Answers as metrics compare them, from their texts alone."""

from __future__ import annotations

from collections.abc import Sequence

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Document, Example, Scored, Span, Text
from robust_xtreme.core.metric import Metric


def value_of(metric: str, predicted: str, golds: Sequence[str], language: str = "en") -> float:
    """The value of an answer against gold answers, by a metric of question answering."""
    texts = [predicted, *golds]
    starts = [sum(len(text) + 1 for text in texts[:at]) for at in range(len(texts))]
    spans = [Span(start, start + len(text)) for start, text in zip(starts, texts, strict=True)]
    context = Text("c", language, "\n".join(texts), tuple(spans[1:]))
    example = Example("e", {"context": context}, Answers(tuple(spans[1:])), "c")
    member: Metric = registry.load("metric", metric)
    answer = Answers((spans[0],))
    return member.stats(Scored(example, example, answer, answer))["all"][0]


def average_precision(ranking: Sequence[str], golds: Sequence[str]) -> float:
    """The average precision of the first twenty documents."""
    example = Example("e", {"query": Text("t", "en", "")}, Document(tuple(golds)), "c")
    answer = Document(tuple(ranking))
    metric: Metric = registry.load("metric", "map_at_20")
    return metric.stats(Scored(example, example, answer, answer))["all"][0]

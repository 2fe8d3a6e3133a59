"""MLQA's own answers, scored by its metrics: every gold answer is right in the language of its passage."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Scored
from robust_xtreme.tasks.metrics._mlqa import words
from robust_xtreme.tasks.sources.source import load

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    "language",
    some(["ar", "de", "en", "es", "hi", "vi", "zh"], ("en", "vi", "zh")),
)
def test_gold_answers_are_right(data: Path, language: str) -> None:
    """Each first gold answer matches exactly, and its F1 is 1, 0 for one of nothing but articles, as officially."""
    examples = load(registry.load("task", "mlqa"), data, language, "validation").examples
    metrics = {name: registry.load("metric", name) for name in ("mlqa_em", "mlqa_f1")}
    for example in examples:
        assert isinstance(example.target, Answers)
        predicted = Answers(example.target.spans[:1])
        scored = Scored(example, example, predicted, predicted)
        values = {name: metric.stats(scored)["all"][0] for name, metric in metrics.items()}
        has_words = bool(words(example.texts["context"].at(predicted.spans[0]), language))
        assert values == {"mlqa_em": 1.0, "mlqa_f1": float(has_words)}, example.id

"""Chance and shallow predictors on real data: far from a model, and made in seconds."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.columns import ExampleColumns
from robust_xtreme.stats.chance import constants
from robust_xtreme.stats.shallow.predictor import answers, shallow_of
from robust_xtreme.stats.shallow.words import ShownExamples
from robust_xtreme.tasks.sources.source import load

pytestmark = pytest.mark.real


def _values(data: Path, name: str, language: str, split: str) -> dict[str, float]:
    """The value of every constant and of the shallow predictor by the task's first metric."""
    task = registry.load("task", name)
    loaded = load(task, data, language, split)
    metric, shallow = registry.load("metric", task.metrics[0]), shallow_of(task.family)
    assert shallow is not None
    texts = loaded.corpus.texts if loaded.corpus else ()
    clean = ExampleColumns(loaded.examples)
    shown = ShownExamples(clean, tuple(text.id for text in texts), tuple(text.value for text in texts))
    (predicted,), _ = answers(shallow, clean, [shown])
    targets = constants(task.family, clean, loaded.corpus) | {shallow.name: predicted}
    sums = {name: metric.alone(loaded.examples, column) for name, column in targets.items()}
    return {name: float(metric.reduce(np.sum(each, axis=0))) for name, each in sums.items()}


@pytest.mark.parametrize("language", ["de", "sw"])
def test_sentences_that_share_characters_are_often_translations(data: Path, language: str) -> None:
    """In languages of Latin letters names and loans find a good part of Tatoeba; an order by chance finds nothing."""
    values = _values(data, "tatoeba", language, "test")
    assert values["random_rank"] < 1
    assert 5 < values["character_overlap"] < 40


@pytest.mark.long
def test_a_pool_of_thousands_is_ranked_in_seconds(data: Path) -> None:
    """1,190 questions against all sentences of LAReQA at hand take seconds of computing, the second language fewer."""
    start = time.process_time()
    values = _values(data, "lareqa", "de", "validation")
    assert time.process_time() - start < 60
    assert values["random_rank"] < 1
    assert 3 < values["character_overlap"] < 20


def test_choices_alone_are_near_chance(data: Path) -> None:
    """XCOPA is made so that a choice alone says little: neither level is far from one half."""
    figures = _values(data, "xcopa", "sw", "test")
    assert figures["majority"] == 50.0
    assert all(40 < value < 65 for value in figures.values())

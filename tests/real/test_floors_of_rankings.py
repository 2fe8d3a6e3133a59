"""Floors of choices and rankings on real data: more than chance, far from a model, and made in seconds."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from robust_xtreme import registry
from robust_xtreme.examples import Scored
from robust_xtreme.results.floors import fit
from robust_xtreme.sources import load

pytestmark = pytest.mark.real


def _values(data: Path, name: str, language: str, split: str) -> dict[str, float]:
    """Every floor's value by the task's first metric."""
    task = registry.load("task", name)
    loaded = load(task, data, language, split)
    metric = registry.load("metric", task.metrics[0])
    fitted = fit(task.family, None, task.labels, task.pool.search if task.pool else "")
    model = fitted(loaded.examples, loaded.corpus)
    return {
        floor: float(metric.reduce(np.sum([metric.stats(scored)["all"] for scored in scored_all], axis=0)))
        for floor, predicted in model.items()
        if (
            scored_all := [
                Scored(e, e, target, target) for e, target in zip(loaded.examples, predicted.targets, strict=True)
            ]
        )
    }


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


def test_choices_have_floors_near_chance(data: Path) -> None:
    """XCOPA is made so that a choice alone says little: no floor is far from one half."""
    figures = _values(data, "xcopa", "sw", "test")
    assert figures["majority"] == 50.0
    assert all(40 < value < 65 for value in figures.values())

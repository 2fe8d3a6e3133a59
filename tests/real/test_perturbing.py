"""Perturbing the release files: passages with the answers of all their questions, and pairs of sentences."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.rules import OF_TEXTS, Trial, keeps
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Example, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import noise_example
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.tasks.sources.source import available, load

pytestmark = pytest.mark.real

_SOME = 20


def _examples(name: str, data: Path) -> list[Example]:
    """The first examples of every language that is there."""
    task = registry.load("task", name)
    split = {"tydiqa": "train"}.get(name) or next(
        split_name for split_name in ("validation", "test") if split_name in task.files
    )
    codes = available(task, data, split)
    return [example for code in codes for example in load(task, data, code, split).examples[:_SOME]]


def _texts(name: str, data: Path) -> list[Text]:
    return list({text.id: text for example in _examples(name, data) for text in example.texts.values()}.values())


@pytest.mark.parametrize("name", some(["xquad", "tydiqa", "xnli"], 1))
def test_texts_of_a_task_keep_the_rules(name: str, data: Path) -> None:
    """On passages with all their answers, questions and sentence pairs, in every language, the rules are kept."""
    keeps(Trial(registry.load("perturbation", "char_noise"), _texts(name, data)), OF_TEXTS)


@pytest.mark.parametrize("name", ["xquad", "tydiqa"])
def test_answers_move_with_their_passage_and_back(name: str, data: Path) -> None:
    """The noisy answer is at its span, is never empty, and a prediction of just that span is the clean answer."""
    spec = PerturbationSpec.parse("char_noise:0.3")
    examples = _examples(name, data)
    noised = {
        noised_text.clean.id: noised_text
        for noised_text in noise_texts([example.texts["context"] for example in examples], spec, 0)
    }
    changed = 0
    for example in examples:
        moved = noise_example(example, noised, ("context",))
        assert isinstance(example.target, Answers)
        assert isinstance(moved.target, Answers)
        context = noised[example.texts["context"].id]
        for clean, noisy in zip(example.target.spans, moved.target.spans, strict=True):
            assert context.text.at(noisy)
            assert context.to_clean(noisy.start, noisy.stop) == (clean.start, clean.stop)
            changed += context.clean.at(clean) != context.text.at(noisy)
    assert changed > len(examples) / 3

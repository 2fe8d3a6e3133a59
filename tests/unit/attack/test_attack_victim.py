"""The model under attack, as an attack knows it: how right answers are, by family, and where scores are NaN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from robust_xtreme.attack.attacking import victim
from robust_xtreme.attack.goals import AnswerScores
from robust_xtreme.core import registry
from robust_xtreme.core.columns import column_of
from robust_xtreme.core.examples import Answers as Spans
from robust_xtreme.core.examples import Example, Span, Tags, Target
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.models.predictors.predictor import Predicted, PredictedMargins
from robust_xtreme.models.reading.reading import Contents, Inputs, inputs_of
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.noise.engine.noised import PerturbedExamples, field_texts, untouched
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.tasks.sources.source import load, open_source


def _examples(name: str) -> list[Example]:
    return list(load(registry.load("task", name), open_source("mini"), "sw", "test").examples)


def _answered(
    name: str, shown: PerturbedExamples, given: Sequence[Target], finite: Sequence[bool] = ()
) -> AnswerScores:
    """What an attack learns where a model answers so, each answer with a margin of 7."""

    def prepare(contents: Contents) -> Inputs:
        return inputs_of(contents, plain([[1]] * len(contents)))

    def weigh(inputs: Inputs, _: Any) -> PredictedMargins:
        predicted = Predicted(column_of(given), np.array(finite or [True] * len(given), np.bool_))
        return PredictedMargins(predicted, np.full(len(inputs), 7))

    predictor: Any = SimpleNamespace(prepare=prepare)
    return victim(registry.load("task", name), predictor, weigh, None)("")(shown)


def _clean(examples: Sequence[Example]) -> PerturbedExamples:
    return PerturbedExamples(examples, untouched(()), {})


def _tagged(example: Example, names: Sequence[str]) -> Example:
    """The example with these tags for its first words, and O for the others."""
    assert isinstance(example.target, Tags)
    return replace(example, target=Tags((*names, *["O"] * (len(example.target.names) - len(names)))))


@pytest.mark.parametrize(
    ("gold", "predicted", "entities"),
    [
        (["B-PER", "I-PER", "B-LOC"], ["B-PER", "I-PER", "B-LOC"], 1.0),
        (["B-PER", "I-PER", "B-LOC"], ["B-PER", "O", "B-LOC"], 0.5),
        (["B-PER", "I-PER", "B-LOC"], ["O", "O", "B-LOC"], 2 / 3),
        (["B-PER", "O", "O"], ["O", "O", "O"], 0.0),
        (["O", "O", "O"], ["O", "O", "O"], 1.0),
        (["O", "O", "O"], ["O", "B-LOC", "O"], 0.0),
    ],
)
def test_entities_are_as_right_as_their_f1(gold: list[str], predicted: list[str], entities: float) -> None:
    """That of the sentence alone; a sentence without any is right where none is predicted."""
    example = next(each for each in _examples("panx") if len(each.texts["tokens"].spans) >= 3)
    answers = _answered("panx", _clean([_tagged(example, gold)]), [_tagged(example, predicted).target])
    assert answers.level.tolist() == pytest.approx([entities])
    assert answers.right.tolist() == [entities == 1]


def test_tags_are_as_right_as_their_share() -> None:
    """Where the task's headline counts words; all of them must be right."""
    example = next(each for each in _examples("udpos") if isinstance(each.target, Tags) and len(each.target.names) > 3)
    assert isinstance(example.target, Tags)
    names = example.target.names
    other = Tags(("X" if names[0] != "X" else "NOUN", *names[1:]))
    answers = _answered("udpos", _clean([example, example]), [example.target, other])
    assert answers.level.tolist() == pytest.approx([1, 1 - 1 / len(names)])
    assert answers.right.tolist() == [True, False]


def test_answers_in_noisy_text_count_in_clean_text() -> None:
    """The gold span, wherever edits moved it, is right; a word of it has some of the F1, and none has nothing."""
    examples = _examples("xquad")[:6]
    fields = field_texts(examples, ("context",))
    noised = noise_texts(fields.texts, PerturbationSpec.parse("char_noise:0.5"), 0)
    shown = PerturbedExamples(examples, noised, fields.numbers)
    moved = [example.target for example in shown]
    assert moved != [example.target for example in examples]
    assert _answered("xquad", shown, moved).right.all()
    assert _answered("xquad", shown, [Spans(())] * 6).level.tolist() == [0] * 6
    wider = _answered("xquad", _clean(examples), [_whole(example) for example in examples])
    assert (wider.level > 0).all()
    assert not wider.right.any()


def _whole(example: Example) -> Spans:
    return Spans((Span(0, len(example.texts["context"].value)),))


def test_scores_that_are_not_numbers_count_as_right() -> None:
    """Such an answer is as good as the gold one, whatever was decoded, and has no margin."""
    examples = _examples("panx")[:2]
    wrong = [Tags(("B-LOC",) * len(example.texts["tokens"].spans)) for example in examples]
    answers = _answered("panx", _clean(examples), wrong, [False, True])
    assert (answers.level[0], answers.right.tolist(), answers.finite.tolist()) == (1, [True, False], [False, True])
    assert answers.margin.tolist() == [0, 7]

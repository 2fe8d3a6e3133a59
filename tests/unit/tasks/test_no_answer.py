"""Heads for spans that may say that there is no answer: SQuAD 2.0's rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.decoding import decoded, is_lost
from tests.single_windows import Window, singly
from tests.tiny import question_example, tiny_tokenizer

from robust_xtreme.core.examples import Answers, Example, Span, Text
from robust_xtreme.models.predictors.heads import _heads

CONTEXT = "Rais Julius Nyerere alizaliwa katika kijiji cha Butiama, mwaka 1922."


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """One tokenizer for all tests."""
    return tiny_tokenizer()


def _nothing(window: Window, score: float) -> np.ndarray[Any, Any]:
    """Scores of zero but for the first token, whose begin and end share a score."""
    rows = np.zeros((len(window.input_ids), 2), dtype=np.float32)
    rows[0] = score / 2
    return rows


@pytest.mark.parametrize(
    ("first", "second", "best", "answered"),
    [
        (5.0, 5.0, 4.0, False),  # every window says more strongly that there is none
        (5.0, 3.0, 4.0, True),  # one window does not
        (4.0, 4.0, 4.0, True),  # it must score more, not as much
        (-1.0, -1.0, -2.0, True),  # the best span is another one, of score 0
    ],
)
def test_no_answer_is_given_where_every_window_prefers_it(
    first: float, second: float, best: float, answered: bool, tokenizer: Any
) -> None:
    """A head with the label compares the first token's score, the lowest over windows, with the best span's."""
    example = question_example("1", "who?", CONTEXT, "Butiama")
    windows = _heads.span_qa.encode([example], tokenizer, 64, 20).take([0, 1])
    scores = [_nothing(window, score) for window, score in zip(singly(windows), (first, second), strict=True)]
    scores[0][singly(windows)[0].layout.first, 0] = best
    for labels in (("no_answer",), ()):
        answer = decoded(_heads.span_qa, example, windows, scores, labels)
        assert bool(answer.spans) == (answered or not labels)  # type: ignore[union-attr]  # span_qa decodes to Answers


@pytest.mark.parametrize(("strength", "expected"), [(3.0, Answers(())), (1.0, Answers((Span(0, 1),)))])
def test_a_hand_built_head_says_that_there_is_no_answer(strength: float, expected: Answers, tokenizer: Any) -> None:
    """Begin and end are a hidden value each: the first token's sum is 2 x strength, that of the answer `a` is 4."""
    example = question_example("1", "who?", "a b", "a")
    windows = _heads.span_qa.encode([example], tokenizer, 32, 0)
    (window,) = singly(windows)
    head: Any = _heads.span_qa.head(2, ("no_answer",))
    with torch.no_grad():
        head.weight.copy_(torch.eye(2))
        head.bias.zero_()
    hidden = torch.zeros(1, len(window.input_ids), 2)
    hidden[0, 0] = strength
    ((begin, end),) = _heads.gold_tokens(windows, [example]).tolist()
    hidden[0, begin, 0] = hidden[0, end, 1] = 2.0
    scores = _heads.span_qa.forward(head, hidden, torch.ones(1, hidden.shape[1]), windows).detach().numpy()
    assert decoded(_heads.span_qa, example, windows, list(scores), ("no_answer",)) == expected


def test_a_question_without_an_answer_is_learnt_from(tokenizer: Any) -> None:
    """Its windows have the first token as their gold, and none is truncated."""
    example = question_example("1", "who?", CONTEXT, "Butiama")
    texts = {name: Text(text.id, text.language, text.value) for name, text in example.texts.items()}
    none = Example("2", texts, Answers(()), "c")
    windows = _heads.span_qa.encode([none], tokenizer, 40, 10)
    assert not _heads.gold_tokens(windows, [none]).any()
    assert not is_lost(_heads.span_qa, none, windows)
    scores = torch.zeros(len(windows), max(len(window.input_ids) for window in singly(windows)), 2)
    scores[:, 0] = 30.0
    head = torch.nn.Identity()
    loss = _heads.span_qa.loss(head, scores, torch.ones(scores.shape[:2]), windows, [none], ("no_answer",))
    assert loss < 1e-6

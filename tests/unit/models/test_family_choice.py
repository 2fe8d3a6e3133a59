"""Choice: how premise, question and choices are read, what is learned from them, and which one is taken."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.checkpoints import KINDS, TEXTS, checkpoint, word_tokenizer
from tests.decoding import answers_of, decoded, inputs_for
from tests.learning import learned
from tests.single_windows import singly
from tests.tiny import choice_example, tiny_encoder, tiny_tokenizer

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, NotFinite
from robust_xtreme.core.examples import Choice, Example, Tags, Target, Text
from robust_xtreme.models.loading import load_checkpoint
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.predictors.loaded import predict
from robust_xtreme.models.predictors.predictor import Work
from robust_xtreme.models.reading.windows import Windows, plain
from robust_xtreme.models.tensors import collate

FAMILY: Family = registry.load("family", "choice")
PREMISE = "The man opened the tap."
CHOICES = ("The toilet filled with water.", "Water ran out.", "He slept.", "It is")
MIXED = [choice_example(str(n), "x" * n + PREMISE, CHOICES[: 2 + n % 3], n % 2, "Why?") for n in range(6)]
TASK = dataclasses.replace(
    registry.load("task", "xnli"), name="choices", family="choice", labels=(), metrics=("accuracy",), accepts=()
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """One tokenizer for all tests."""
    return tiny_tokenizer()


def _hidden(windows: Windows, encoder: Any) -> tuple[torch.Tensor, torch.Tensor]:
    ids, mask = collate(windows, 1)
    return encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask


def _scores(head: torch.nn.Module, windows: Windows, encoder: Any) -> list[np.ndarray[Any, Any]]:
    with torch.inference_mode():
        return list(FAMILY.forward(head, *_hidden(windows, encoder), windows).numpy())


# ------------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("length", [128, 40, 24])
@pytest.mark.parametrize("types", [False, True])
def test_a_choice_is_read_after_premise_and_question(length: int, types: bool) -> None:
    """One window a choice, in order: what transformers gives for the pair that run_xcopa.py makes, cut as it cuts."""
    tokenizer = word_tokenizer(types)
    question = "What was the effect?"
    example = choice_example("1", PREMISE, CHOICES, 1, question)
    windows = FAMILY.encode([example], tokenizer, length, 0)
    several = tokenizer([f"{PREMISE} {question}"] * 4, list(CHOICES), truncation=True, max_length=length)
    assert [list(window.input_ids) for window in singly(windows)] == several["input_ids"]
    if types:
        assert [window.second for window in singly(windows)] == [
            segments.index(1) for segments in several["token_type_ids"]
        ]
    whole = tokenizer([f"{PREMISE} {question}"] * 4, list(CHOICES))["input_ids"]
    assert [window.truncated for window in singly(windows)] == [len(ids) > length for ids in whole]
    assert any(window.truncated for window in singly(windows)) == (length < 128)


def test_without_a_question_the_premise_is_alone(tokenizer: Any) -> None:
    """An empty question and one that is left out are the same, and add nothing."""
    empty = choice_example("1", "a b", ["c", "d"])
    without = dataclasses.replace(
        empty, texts={name: text for name, text in empty.texts.items() if name != "question"}, fingerprint=""
    )
    first, other = (FAMILY.encode([example], tokenizer, 64, 0) for example in (empty, without))
    assert singly(first) == singly(other)
    assert [list(window.input_ids) for window in singly(first)] == tokenizer(["a b"] * 2, ["c", "d"])["input_ids"]


@pytest.mark.parametrize("fields", ["premise choice1", "choice1 choice2", "premise choice1 choice3", "premise"])
def test_fields_that_are_not_choices_are_refused(fields: str, tokenizer: Any) -> None:
    """A premise and choices in a row, two at least; else one line that names what there is."""
    texts = {name: Text(name, "en", "x") for name in fields.split()}
    with pytest.raises(ModelError, match="a choice needs"):
        FAMILY.encode([Example("1", texts, Choice(0), "1")], tokenizer, 64, 0)


# ------------------------------------------------------------------------------------------------------------ learning


def test_the_loss_is_the_cross_entropy_over_each_examples_choices(tokenizer: Any) -> None:
    """Two, three and four choices in one batch; equal to one call of cross-entropy per example, and their mean."""
    encoder = tiny_encoder(len(tokenizer))
    head = FAMILY.head(16, ()).eval()
    windows = FAMILY.encode(MIXED, tokenizer, 64, 0)
    hidden, mask = _hidden(windows, encoder)
    loss = FAMILY.loss(head, hidden, mask, windows, MIXED, ())
    scores = head(hidden[:, 0])[:, 0]
    wanted, start = [], 0
    for example in MIXED:
        count = len(example.texts) - 2
        assert isinstance(example.target, Choice)
        wanted.append(-scores[start : start + count].log_softmax(0)[example.target.index])
        start += count
    assert start == len(windows)
    torch.testing.assert_close(loss, torch.stack(wanted).mean())


def test_the_order_of_a_batch_changes_nothing(tokenizer: Any) -> None:
    """Examples in another order have the same loss and the same scores."""
    encoder = tiny_encoder(len(tokenizer))
    head = FAMILY.head(16, ()).eval()
    windows = FAMILY.encode(MIXED, tokenizer, 64, 0)
    order = np.concatenate([np.flatnonzero(windows.example == number) for number in (3, 0, 5, 1, 4, 2)])
    turned = windows.take(order)
    first, other = (FAMILY.loss(head, *_hidden(each, encoder), each, MIXED, ()) for each in (windows, turned))
    torch.testing.assert_close(first, other)
    straight = _scores(head, windows, encoder)
    for row, score in zip(order.tolist(), _scores(head, turned, encoder), strict=True):
        assert score == pytest.approx(straight[row], abs=1e-5)


@pytest.mark.parametrize("cut", [slice(0, 1), slice(1, None), slice(0, -1)])
def test_a_batch_without_all_choices_of_an_example_is_an_error(cut: slice, tokenizer: Any) -> None:
    """What a planner that tears examples apart would learn from is never learned."""
    encoder = tiny_encoder(len(tokenizer))
    windows = FAMILY.encode(MIXED, tokenizer, 64, 0)
    windows = windows.take(np.arange(len(windows))[cut])
    with pytest.raises(ValueError, match="a batch contains"):
        FAMILY.loss(FAMILY.head(16, ()), *_hidden(windows, encoder), windows, MIXED, ())


@pytest.mark.parametrize("target", [Choice(2), Choice(-1), Tags(("O",))])
def test_a_target_that_is_none_of_the_choices_is_refused(target: Any, tokenizer: Any) -> None:
    """One line, with the example."""
    example = dataclasses.replace(choice_example("e7", "a", ["b", "c"]), target=target, fingerprint="")
    windows = FAMILY.encode([example], tokenizer, 64, 0)
    hidden, mask = _hidden(windows, tiny_encoder(len(tokenizer)))
    with pytest.raises(ModelError, match="e7"):
        FAMILY.loss(FAMILY.head(16, ()), hidden, mask, windows, [example], ())


def test_the_gradient_reaches_encoder_and_head(tokenizer: Any) -> None:
    """After one backward pass every parameter of the head but the last bias, and the encoder's, have a gradient.

    A bias that all choices share cannot make one of them better.
    """
    encoder = tiny_encoder(len(tokenizer))
    head = FAMILY.head(16, ())
    windows = FAMILY.encode(MIXED, tokenizer, 64, 0)
    torch.autograd.backward(FAMILY.loss(head, *_hidden(windows, encoder), windows, MIXED, ()))
    sums = {name: tensor.grad.abs().sum().item() for name, tensor in head.named_parameters() if tensor.grad is not None}
    assert {name for name, value in sums.items() if value > 1e-6} == {"1.weight", "1.bias", "4.weight"}
    assert encoder.embeddings.word_embeddings.weight.grad.abs().sum() > 0


def test_padding_changes_no_loss(tokenizer: Any) -> None:
    """Ten more columns of padding leave the loss where it was."""
    encoder = tiny_encoder(len(tokenizer))
    head = FAMILY.head(16, ()).eval()
    windows = FAMILY.encode(MIXED, tokenizer, 64, 0)
    losses = []
    for extra in (0, 10):
        ids, mask = (
            torch.nn.functional.pad(tensor, (0, extra), value=pad)
            for tensor, pad in zip(collate(windows, 1), (1, 0), strict=True)
        )
        hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        losses.append(FAMILY.loss(head, hidden, mask, windows, MIXED, ()).item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


@pytest.mark.long
def test_thirty_two_examples_are_learned_by_heart(tokenizer: Any) -> None:
    """More than 95 % right after some steps; the right choice is recognised by the premise, and is at any place."""
    words = ("rain", "bread", "boats", "stone")
    examples = []
    for n in range(32):
        right, wrong = words[n % 4], words[(n + 1 + n // 4 % 3) % 4]
        label = n // 2 % 2
        choices = [right, wrong] if label == 0 else [wrong, right]
        examples.append(choice_example(str(n), f"n{n} {right}", choices, label, "What was the cause?"))
    scores = learned(FAMILY, examples, tokenizer, steps=200)
    two = plain([(0, 2)] * 2)
    answers = [decoded(FAMILY, example, two, scores[2 * n : 2 * n + 2]) for n, example in enumerate(examples)]
    assert np.mean([example.target == answer for example, answer in zip(examples, answers, strict=True)]) > 0.95


# ------------------------------------------------------------------------------------------------------------ choosing


def test_the_highest_score_is_taken_and_ties_go_to_the_first() -> None:
    """Scores closer than the quantum are equal."""
    example = MIXED[2]

    def taken(*scores: float) -> Target:
        rows = [np.array([score], dtype=np.float32) for score in scores]
        return decoded(FAMILY, example, plain([(0, 2)] * len(scores)), rows)

    assert taken(0.1, 0.7, 0.3) == Choice(1)
    assert taken(0.7, 0.70000001, 0.1) == Choice(0)
    assert taken(-1.0, -1.0, -1.0) == Choice(0)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(NotFinite):
            taken(0.1, bad)


# --------------------------------------------------------------------------------------------------------- checkpoints


@pytest.mark.parametrize("kind", KINDS)
def test_choices_are_those_that_transformers_gives(kind: str, tmp_path: Path) -> None:
    """A checkpoint scores all choices of an example at once in transformers; here it says the same."""
    folder = checkpoint(tmp_path / "one", kind, "MultipleChoice")
    examples = [
        choice_example(str(n), *args)
        for n, args in enumerate(
            (premise, [f"{other} {word}" for word in ("up", "down", "left")[: 2 + n % 2]], 0, "Why?")
            for n, (premise, other) in enumerate(TEXTS)
        )
    ]
    auto: Any = transformers
    model = auto.AutoModelForMultipleChoice.from_pretrained(str(folder)).eval()
    tokenizer = auto.AutoTokenizer.from_pretrained(str(folder))
    wanted = []
    for example in examples:
        choices = [text.value for name, text in example.texts.items() if name.startswith("choice")]
        first = [f"{example.texts['premise'].value} Why?"] * len(choices)
        inputs = tokenizer(first, choices, return_tensors="pt", padding=True)
        with torch.inference_mode():
            logits = model(**{name: tensor[None] for name, tensor in inputs.items()}).logits
        assert logits.shape == (1, len(choices))
        wanted.append(Choice(logits[0].argmax().item()))
    assert len(set(wanted)) > 1
    loaded = load_checkpoint(folder, TASK)
    assert answers_of(predict(loaded, inputs_for(loaded, examples, 128, 0), Work(500))) == wanted
    assert loaded.labels == ()


def test_a_head_for_other_tasks_is_not_a_head_for_choices(tmp_path: Path) -> None:
    """A classifier is refused for choices, and a checkpoint for choices for classes, each in one line."""
    nli = checkpoint(tmp_path / "nli", "bert", "SequenceClassification", ("a", "b"))
    with pytest.raises(ModelError, match="ForMultipleChoice"):
        load_checkpoint(nli, TASK)
    choices = checkpoint(tmp_path / "choices", "bert", "MultipleChoice")
    with pytest.raises(ModelError, match="ForSequenceClassification"):
        load_checkpoint(choices, registry.load("task", "xnli"))

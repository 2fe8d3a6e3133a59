"""Encoders with two segments get the segment of each token, in evaluation and in training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.checkpoints import SEQUENCE, checkpoint, word_tokenizer
from tests.single_windows import singly
from tests.tiny import pair_example, question_example, tagged_example, tiny_encoder, tiny_tokenizer

from robust_xtreme.core import registry
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.reading.tokens import frame_of
from robust_xtreme.models.tensors import collate, encoder_inputs
from robust_xtreme.training.module import Schedule, TrainingModule
from robust_xtreme.training.objective import BatchRows, TrainingBatch, task_part

CLASSIFICATION, TAGGING, SPAN_QA = (registry.load("family", name) for name in ("classification", "tagging", "span_qa"))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An encoder of BERT's shape, which has two segments."""
    return read_encoder(checkpoint(tmp_path_factory.mktemp("bert"), "bert", SEQUENCE))


@pytest.mark.parametrize("texts", [("a man", "he sleeps"), ("x", ""), ("", "y")])
def test_segments_of_a_pair_are_the_tokenizers(texts: tuple[str, str], bert: Any) -> None:
    """Ids, mask and segments of two pairs in one batch are those that the tokenizer itself gives."""
    tokenizer = word_tokenizer(True)
    pairs = [texts, ("one", "a longer text of words")]
    windows = CLASSIFICATION.encode([pair_example(str(n), *pair) for n, pair in enumerate(pairs)], tokenizer, 64, 0)
    inputs = encoder_inputs(bert, *collate(windows, 0), windows)
    wanted = tokenizer([first for first, _ in pairs], [other for _, other in pairs], padding=True, return_tensors="pt")
    assert set(inputs) == set(wanted)
    for name, values in wanted.items():
        assert torch.equal(inputs[name], values), name


def test_each_window_of_a_question_has_its_segments(bert: Any) -> None:
    """The question is the first segment and the context the second, in every window."""
    example = question_example("q", "who went", "Ana went to Rome " * 9, "Ana")
    windows = SPAN_QA.encode([example], word_tokenizer(True), 64, 16)
    segments = encoder_inputs(bert, *collate(windows, 0), windows)["token_type_ids"]
    assert len(windows) > 2
    for window, row in zip(singly(windows), segments.tolist(), strict=True):
        length = len(window.input_ids)
        first = window.layout.first
        assert row == [0] * first + [1] * (length - first) + [0] * (len(row) - length)


def test_one_text_is_of_one_segment(bert: Any) -> None:
    """A sentence that is tagged has nothing but zeros."""
    windows = TAGGING.encode([tagged_example("t", ["Ana", "went"], ["O", "O"])], word_tokenizer(True), 64, 0)
    assert not encoder_inputs(bert, *collate(windows, 0), windows)["token_type_ids"].any()


def test_encoders_without_segments_get_none() -> None:
    """XLM-R has a single segment, whatever a tokenizer marks."""
    tokenizer = tiny_tokenizer()
    windows = CLASSIFICATION.encode([pair_example("p", "a", "b")], word_tokenizer(True), 64, 0)
    assert set(encoder_inputs(tiny_encoder(len(tokenizer)), *collate(windows, 1), windows)) == {
        "input_ids",
        "attention_mask",
    }


@pytest.mark.parametrize(("tokenizer", "kept"), [(word_tokenizer(True), 1), (word_tokenizer(False), None)])
def test_where_the_second_segment_begins_is_read_off_the_tokenizer(tokenizer: Any, kept: int | None) -> None:
    """BERT counts the separator between two texts with the first; a tokenizer may mark nothing."""
    assert frame_of(tokenizer).kept == kept


def test_a_tokenizer_that_marks_one_segment_only_has_no_second() -> None:
    """XLM-R's shape: types are given, and all of them are 0."""
    windows = CLASSIFICATION.encode([pair_example("p", "a", "b")], tiny_tokenizer(), 64, 0)
    assert (frame_of(tiny_tokenizer()).kept, singly(windows)[0].second) == (None, 0)


def test_training_sees_the_segments(bert: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step of training calls the encoder with the same segments."""
    examples = [pair_example("p", "a man", "he sleeps", 1)]
    windows = CLASSIFICATION.encode(examples, word_tokenizer(True), 64, 0)
    head = CLASSIFICATION.head(16, ("a", "b", "c"))
    part = task_part(registry.load("task", "xnli"), CLASSIFICATION, head, windows, examples)
    seen: list[Any] = []
    bert.register_forward_pre_hook(lambda _, __, given: seen.append(given), with_kwargs=True)
    module = TrainingModule(bert, [part], Schedule(1e-3, 1, 0, 0.0))
    pieces = (BatchRows(0, 0, len(windows), part.take([(0, 0)])),)
    module.training_step(TrainingBatch(*collate(windows, 0), windows, pieces), 0)
    assert seen[0]["token_type_ids"].sum() == len("he") + len("sleeps") + 1

"""Batches are a pure function of inputs and budget, and predictions come back in the order of the inputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny import pair_example, tiny_run

from robust_xtreme import registry
from robust_xtreme.models.checkpoint import Checkpoint
from robust_xtreme.models.located import load_checkpoint
from robust_xtreme.models.memory import out_of_memory
from robust_xtreme.models.windows import Window
from robust_xtreme.predictors import batches as module
from robust_xtreme.predictors.batches import plan_batches, predict
from robust_xtreme.predictors.predictor import Input

EXAMPLE = pair_example("one", "a", "b")


def _input(*lengths: int, group: int = 0) -> Input:
    return Input(EXAMPLE, tuple(Window(0, (5,) * length, None, False) for length in lengths), group)


@given(
    st.lists(st.tuples(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.integers(0, 2)), max_size=30),
    st.integers(1, 120),
)
def test_batches_contain_every_window_once_within_the_budget(shape: list[tuple[list[int], int]], budget: int) -> None:
    """Each window is in one batch; padded size stays within the budget but for a single long window."""
    inputs = [_input(*lengths, group=group) for lengths, group in shape]
    batches = plan_batches(inputs, budget)
    slots = [slot for batch in batches for slot in batch]
    assert sorted(slots) == [(i, k) for i, input in enumerate(inputs) for k in range(len(input.windows))]
    for batch in batches:
        longest = max(len(inputs[index].windows[part].input_ids) for index, part in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget
        assert len({inputs[index].group for index, _ in batch}) == 1


def test_the_longest_inputs_come_first_and_the_windows_of_an_input_in_a_row() -> None:
    """So memory runs out at once or not at all, and an input's scores wait only for its own windows."""
    batches = plan_batches([_input(2), _input(9, 4), _input(5)], 12)
    assert batches == [[(1, 0)], [(1, 1), (2, 0)], [(0, 0)]]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A random model of sentence pairs."""
    run = tiny_run(tmp_path_factory.mktemp("tiny"), ["xnli", "xquad"])
    return load_checkpoint(run, registry.load("task", "xnli"))


def _inputs(checkpoint: Checkpoint, count: int) -> list[Input]:
    examples = [pair_example(f"e{i}", "word " * (i % 7 + 1), f"other {i}") for i in range(count)]
    windows = checkpoint.family.encode(examples, checkpoint.tokenizer, 64, 0)
    return [Input(example, (window,)) for example, window in zip(examples, windows, strict=True)]


def test_the_batch_size_does_not_change_predictions(checkpoint: Checkpoint) -> None:
    """In fp32 on one device the same inputs give the same predictions in batches of any size."""
    inputs = _inputs(checkpoint, 30)
    assert predict(lambda: checkpoint, inputs, 60) == predict(lambda: checkpoint, inputs, 100_000)


def test_progress_counts_every_input_once(checkpoint: Checkpoint) -> None:
    """What is announced adds up to the number of inputs."""
    heard: list[int] = []
    predict(lambda: checkpoint, _inputs(checkpoint, 20), 100, heard.append)
    assert sum(heard) == 20


def test_a_score_that_is_not_finite_is_not_a_prediction(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN for one input leaves the others' predictions as they were."""
    inputs = _inputs(checkpoint, 6)
    whole = predict(lambda: checkpoint, inputs, 1000)
    forward = module.forward

    def broken(checkpoint: Checkpoint, windows: Any) -> Any:
        scores = forward(checkpoint, windows)
        scores[[window is inputs[2].windows[0] for window in windows]] = float("nan")
        return scores

    monkeypatch.setattr(module, "forward", broken)
    assert predict(lambda: checkpoint, inputs, 1000) == [None if i == 2 else answer for i, answer in enumerate(whole)]


def test_an_input_of_several_windows_is_decoded_once_all_are_there(checkpoint: Checkpoint) -> None:
    """Windows that fall into different batches still belong to one prediction."""
    qa = load_checkpoint(checkpoint.run, registry.load("task", "xquad"))
    from tests.tiny import question_example

    examples = [question_example(f"q{i}", "which word", "one two three " * 20 * (i + 1), "two") for i in range(3)]
    grouped: list[list[Window]] = [[] for _ in examples]
    for window in qa.family.encode(examples, qa.tokenizer, 64, 16):
        grouped[window.example].append(window)
    inputs = [
        Input(example, tuple(example_windows)) for example, example_windows in zip(examples, grouped, strict=True)
    ]
    assert max(len(input.windows) for input in inputs) > 2
    assert predict(lambda: qa, inputs, 64) == predict(lambda: qa, inputs, 100_000)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_only_memory_errors_count_as_out_of_memory(error: Exception, is_memory: bool) -> None:
    """Other errors are bugs and never lead to a smaller batch."""
    assert out_of_memory(error) is is_memory

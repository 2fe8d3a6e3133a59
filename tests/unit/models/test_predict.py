"""Batches are a pure function of inputs and budget, and predictions come back in the order of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier, get_ident
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.decoding import answers_of, inputs_for
from tests.single_windows import singly
from tests.tiny import pair_example, tiny_run

from robust_xtreme.core import registry
from robust_xtreme.core.columns import bounds_of
from robust_xtreme.core.examples import Target
from robust_xtreme.models.loading import Checkpoint, load_checkpoint
from robust_xtreme.models.predictors import loaded as module
from robust_xtreme.models.predictors.loaded import predict
from robust_xtreme.models.predictors.predictor import Work, plan_batches
from robust_xtreme.models.reading.reading import Inputs
from robust_xtreme.models.tensors import out_of_memory


def _planned(shape: Sequence[tuple[Sequence[int], int]], budget: int) -> list[list[tuple[int, int]]]:
    """The batches of inputs with windows of these lengths in a group each, as (input, its window)."""
    slots = [(index, part) for index, (lengths, _) in enumerate(shape) for part in range(len(lengths))]
    lengths = np.array([length for each, _ in shape for length in each], np.int64)
    bounds = bounds_of(np.array([len(each) for each, _ in shape], np.int64))
    batches = plan_batches(lengths, bounds, np.array([group for _, group in shape], np.int64), budget)
    return [[slots[window] for window in batch.tolist()] for batch in batches]


SHAPES = st.lists(st.tuples(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.integers(0, 2)), max_size=30)


@given(SHAPES, st.integers(1, 120))
def test_batches_contain_every_window_once_within_the_budget(shape: list[tuple[list[int], int]], budget: int) -> None:
    """Each window is in one batch; padded size stays within the budget but for a single long window."""
    batches = _planned(shape, budget)
    slots = [slot for batch in batches for slot in batch]
    assert sorted(slots) == [(i, k) for i, (lengths, _) in enumerate(shape) for k in range(len(lengths))]
    for batch in batches:
        longest = max(shape[index][0][part] for index, part in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget
        assert len({shape[index][1] for index, _ in batch}) == 1


@given(SHAPES, st.integers(1, 120))
def test_a_batch_ends_where_one_more_window_would_not_fit(shape: list[tuple[list[int], int]], budget: int) -> None:
    """The batches are those that one window after another fills, by group and the longest window of an input."""
    order = sorted(range(len(shape)), key=lambda index: (shape[index][1], -max(shape[index][0]), index))
    filled: list[list[tuple[int, int]]] = []
    for index in order:
        for part, length in enumerate(shape[index][0]):
            longest = max([length, *(shape[i][0][k] for i, k in (filled[-1] if filled else ()))])
            alike = bool(filled) and shape[filled[-1][0][0]][1] == shape[index][1]
            if not alike or longest * (len(filled[-1]) + 1) > budget:
                filled.append([])
            filled[-1].append((index, part))
    assert _planned(shape, budget) == filled


def test_the_longest_inputs_come_first_and_the_windows_of_an_input_in_a_row() -> None:
    """So memory runs out at once or not at all, and an input's scores wait only for its own windows."""
    batches = _planned([((2,), 0), ((9, 4), 0), ((5,), 0)], 12)
    assert batches == [[(1, 0)], [(1, 1), (2, 0)], [(0, 0)]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with random heads."""
    return tiny_run(tmp_path_factory.mktemp("tiny"), ["xnli", "xquad"])


@pytest.fixture(scope="module")
def checkpoint(run: Path) -> Checkpoint:
    """A random model of sentence pairs."""
    return load_checkpoint(run, registry.load("task", "xnli"))


def _inputs(checkpoint: Checkpoint, count: int) -> Inputs:
    examples = [pair_example(f"e{i}", "word " * (i % 7 + 1), f"other {i}") for i in range(count)]
    return inputs_for(checkpoint, examples, 64, 0)


def _predicted(checkpoint: Checkpoint, inputs: Inputs, budget: int) -> list[Target | None]:
    return answers_of(predict(checkpoint, inputs, Work(budget)))


def test_the_batch_size_does_not_change_predictions(checkpoint: Checkpoint) -> None:
    """In fp32 on one device the same inputs give the same predictions in batches of any size."""
    inputs = _inputs(checkpoint, 30)
    assert _predicted(checkpoint, inputs, 60) == _predicted(checkpoint, inputs, 100_000)


def test_progress_counts_every_input_once(checkpoint: Checkpoint) -> None:
    """What is announced adds up to the number of inputs."""
    heard: list[int] = []
    predict(checkpoint, _inputs(checkpoint, 20), Work(100, heard.append))
    assert sum(heard) == 20


def test_a_score_that_is_not_finite_is_not_a_prediction(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN for one input leaves the others' predictions as they were."""
    inputs = _inputs(checkpoint, 6)
    whole = _predicted(checkpoint, inputs, 1000)
    broken_ids = singly(inputs.windows)[2].input_ids
    begin = module.start

    def broken(checkpoint: Checkpoint, windows: Any) -> Any:
        started = begin(checkpoint, windows)
        started.scores.numpy()[[window.input_ids == broken_ids for window in singly(windows)]] = float("nan")
        return started

    monkeypatch.setattr(module, "start", broken)
    assert _predicted(checkpoint, inputs, 1000) == [None if i == 2 else answer for i, answer in enumerate(whole)]


def test_batches_are_started_before_the_scores_of_others_are_waited_for(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device has four to eight batches to compute; four are waited for at once, and predictions are the same."""
    inputs = _inputs(checkpoint, 30)
    whole, begin = _predicted(checkpoint, inputs, 1000), module.start
    started = list[int]()
    waited = list[int]()

    def counted(checkpoint: Checkpoint, windows: Any) -> Any:
        started.append(len(windows))
        return module.Started(begin(checkpoint, windows).scores, SimpleNamespace(synchronize=wait))

    def wait() -> None:
        waited.append(len(started))

    monkeypatch.setattr(module, "start", counted)
    assert _predicted(checkpoint, inputs, 1) == whole
    assert (started, waited) == ([1] * 30, [8, 12, 16, 20, 24, 28, 30])


def test_passes_use_the_threads_that_a_small_model_leaves(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two are computed at once, always by the same two; predictions are as in one, and an error in one is raised."""
    inputs = _inputs(checkpoint, 30)
    whole, begin, both = _predicted(checkpoint, inputs, 1000), module.start, Barrier(2)
    monkeypatch.setattr(module, "_THREADS", 2 * torch.get_num_threads())
    threads = set[int]()

    def together(checkpoint: Checkpoint, windows: Any) -> Any:
        both.wait(10)
        threads.add(get_ident())
        return begin(checkpoint, windows)

    monkeypatch.setattr(module, "start", together)
    assert [_predicted(checkpoint, inputs, 1) for _ in range(2)] == [whole, whole]
    assert len(threads) == 2

    def broken(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(module, "start", broken)
    with pytest.raises(MemoryError):
        _predicted(checkpoint, inputs, 1)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_passes_of_a_copied_process_use_threads_of_its_own() -> None:
    """Threads are not copied with a process, and what waits for one would wait for ever."""
    _computed()
    copied = get_context("fork").Process(target=_computed)
    copied.start()
    copied.join()
    assert copied.exitcode == 0


def _computed() -> None:
    assert module._pool(2).submit(str, "pass").result(10) == "pass"


def test_an_input_of_several_windows_is_decoded_once_all_are_there(run: Path) -> None:
    """Windows that fall into different batches still belong to one prediction."""
    qa = load_checkpoint(run, registry.load("task", "xquad"))
    from tests.tiny import question_example

    examples = [question_example(f"q{i}", "which word", "one two three " * 20 * (i + 1), "two") for i in range(3)]
    inputs = inputs_for(qa, examples, 64, 16)
    assert np.diff(inputs.rows()[1]).max() > 2
    assert _predicted(qa, inputs, 64) == _predicted(qa, inputs, 100_000)


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

"""--precision int8: whole numbers of 8 bits, one scale a row, so that no answer depends on the others of its batch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny import pair_example, tiny_run
from torch import nn

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.loading import load
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.loaded import forward
from robust_xtreme.models.tensors import Int8, quantise


def _layer() -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Linear(64, 8)


def test_a_row_has_the_same_outputs_beside_any_other() -> None:
    """To the last bit, though torch's own dynamic quantisation has others beside a large row."""
    layer, rows = _layer(), torch.cat((torch.randn(3, 64), 50 * torch.randn(1, 64)))
    ours = Int8(layer)
    assert torch.equal(ours(rows)[:1], ours(rows[:1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised: Any = torch.ao.quantization.quantize_dynamic
        theirs = quantised(nn.Sequential(layer), {nn.Linear}, dtype=torch.qint8)
    assert not torch.allclose(theirs(rows)[:1], theirs(rows[:1]), atol=1e-3)


def test_outputs_are_those_of_rounded_weights_and_inputs() -> None:
    """Near those in float32, with the bias, in the type of the inputs; rows of zeros stay."""
    layer, rows = _layer(), torch.randn(5, 3, 64)
    ours, exact = Int8(layer), layer(rows)
    assert ours.weight.dtype == torch.int8
    assert ours.weight.abs().max() == 127
    assert (ours(rows) - exact).abs().max() < 0.03 * exact.abs().max()
    assert not torch.equal(ours(rows), exact)
    assert ours(rows.bfloat16()).dtype == torch.bfloat16
    assert torch.equal(ours(torch.zeros(1, 64))[0], layer.bias)


def test_a_model_has_whole_numbers_but_for_its_head(tmp_path: Path) -> None:
    """Every linear layer of the encoder; its scores are near those in float32 and do not depend on the batch."""
    task = registry.load("task", "xnli")
    located = locate(tiny_run(tmp_path, ["xnli"]), task)
    checkpoint, exact = (load(located, task, "cpu", precision) for precision in ("int8", "fp32"))
    assert not any(type(part) is nn.Linear for part in checkpoint.encoder.modules())
    assert sum(isinstance(part, Int8) for part in checkpoint.encoder.modules()) == 6
    examples = [pair_example("1", "a man", "he sleeps"), pair_example("2", "it rains and rains on " * 3, "it is wet")]
    windows = checkpoint.family.encode(examples, checkpoint.tokenizer, 128, 0)
    scores = forward(checkpoint, windows)
    assert abs(scores - forward(exact, windows)).max() < 0.05
    assert (scores != forward(exact, windows)).any()
    assert abs(scores[:1] - forward(checkpoint, windows.take([0]))).max() < 1e-6


def test_a_model_without_linear_layers_is_refused() -> None:
    """GPT-2's are of another class."""
    with pytest.raises(ModelError, match="no linear layers"):
        quantise(nn.Sequential(nn.Embedding(3, 3)), "model")

"""What benchmarks say of a device: operations of inputs, its peak, how busy it is."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from benchmarks import _device_use
from tests.tiny import tiny_encoder
from torch.utils.flop_counter import FlopCounterMode


def test_the_operations_of_inputs_are_those_that_torch_counts() -> None:
    """Of two batches without padding: products of matrices in layers and attention, which is quadratic."""
    encoder = tiny_encoder(50, hidden_size=16, layers=2)
    encoder.set_attn_implementation("eager")  # torch does not count the operations of all fused kernels
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        for rows, length in ((3, 7), (2, 40)):
            encoder(input_ids=torch.full((rows, length), 9))
    assert _device_use.operations(encoder, np.array([7] * 3 + [40] * 2)) == counter.get_total_flops()


def test_the_peak_is_that_of_the_fastest_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two operations for each of the products of numbers, in the shortest time."""
    clock = iter([0.0, 5.0, 10.0, 12.0])
    monkeypatch.setattr(_device_use, "_SIDE", {"cpu": 8})
    monkeypatch.setattr(_device_use, "_PRODUCTS", {"cpu": 2})
    monkeypatch.setattr(_device_use, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    assert _device_use.peak("cpu", "bf16") == 2 * 8**3 / 2.0


def test_a_device_is_watched_while_a_block_runs() -> None:
    """The CPU by processor time; what nvidia-smi prints is averaged, and other lines are left out."""
    with _device_use.watched("cpu") as use:
        torch.ones(300, 300) @ torch.ones(300, 300)
    assert use.seconds > 0
    assert use.busy is not None
    assert use.busy > 0
    assert _device_use.share_of("40\n[N/A]\n60\n") == 0.5
    assert _device_use.share_of("") is None

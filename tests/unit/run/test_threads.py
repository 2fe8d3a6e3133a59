"""How many threads compute a model."""

from __future__ import annotations

import pytest
import torch

from robust_xtreme.run.answering import _SMALL, threads


@pytest.mark.parametrize(
    ("device", "params", "alone"), [("cpu", _SMALL - 1, True), ("cpu", _SMALL, False), ("cuda", 1, False)]
)
def test_a_very_small_model_on_the_cpu_is_computed_by_one_thread(device: str, params: int, alone: bool) -> None:
    """Others keep the threads that torch was given, and afterwards all do."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threads(device, params):
            assert torch.get_num_threads() == (1 if alone else 2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

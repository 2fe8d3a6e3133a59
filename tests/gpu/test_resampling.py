"""On CUDA: resampling is timed, and gives the joint bounds of the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from benchmarks import resampling

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: none is available here"),
]


def test_resampling_on_cuda_is_timed() -> None:
    """The figures name the device, and its joint bounds are those of the CPU to rounding."""
    figures = resampling.measure((2, 3, 90), 400, 1, "cuda")
    assert figures["cuda"]["seconds"] > 0
    assert f"With {figures['cuda']['device']}: " in resampling.page(figures)
    answers = resampling.sample((2, 3, 90), 3)
    cpu, cuda = resampling.joint(answers, 400), resampling.joint(answers, 400, resampling.on_cuda())
    assert np.abs(cuda - cpu).max() < 1e-9

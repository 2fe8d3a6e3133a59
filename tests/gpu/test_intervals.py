"""On CUDA: the same weights, the same resampled values and the same intervals as on the CPU."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from robust_xtreme.stats.intervals import CPU, ArrayBackend, estimate_difference, estimate_level
from robust_xtreme.stats.resampling import Member, keys, simultaneous_quantiles, weights
from robust_xtreme.tasks.metrics._labels import span_f1

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: none is available here"),
]
CUDA = ArrayBackend(torch, lambda values: torch.from_numpy(values).to("cuda"), lambda values: values.cpu().numpy())
NAMES = tuple(f"{number:04}" for number in range(400))


def _sums(seed: int, arms: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.stack([draw.poisson(mean, (arms, len(NAMES))) for mean in (4.0, 1.0, 1.5)], -1).astype(np.float64)


def test_resampling_on_cuda_gives_the_sums_of_the_cpu() -> None:
    """Counts are the same integers, so resampled integer statistics give exactly the CPU's values."""
    sums = _sums(0, 1)[0]
    ours = [span_f1.reduce(block @ sums) for block in weights(keys(NAMES))]
    theirs = [CUDA.back(span_f1.reduce(block @ CUDA.to(sums))) for block in weights(keys(NAMES), backend=CUDA)]
    assert (np.concatenate(ours) == np.concatenate(theirs)).all()


def test_joint_quantiles_on_cuda_are_those_of_the_cpu() -> None:
    """The same weights are drawn for both, so that only sums of floats differ, in their last digits."""
    draw = np.random.default_rng(0)
    families = (NAMES, tuple(f"x{name}" for name in NAMES))
    deviations = [draw.standard_normal(len(names)) for names in families for _ in range(20)]
    clusters = [keys(names) for names in families for _ in range(20)]
    family = [Member(partial(np.asarray, each), 0.1, of) for each, of in zip(deviations, clusters, strict=True)]
    ours, theirs = (simultaneous_quantiles(family, backend=backend) for backend in (CPU, CUDA))
    assert theirs == pytest.approx(ours, rel=1e-9)


def test_intervals_on_cuda_are_those_of_the_cpu() -> None:
    """Levels and paired drops agree to rounding, an unchanged cell exactly."""
    clean, noisy = _sums(0, 1), _sums(1, 3)
    pairs = [
        (estimate_level(noisy, span_f1.reduce), estimate_level(noisy, span_f1.reduce, CUDA)),
        (estimate_difference(clean, noisy, span_f1.reduce), estimate_difference(clean, noisy, span_f1.reduce, CUDA)),
    ]
    for ours, theirs in pairs:
        assert theirs.method == ours.method
        assert [theirs.value, theirs.se, theirs.low, theirs.high] == pytest.approx(
            [ours.value, ours.se, ours.low, ours.high], rel=1e-9
        )
    assert estimate_difference(clean, clean, span_f1.reduce, CUDA).value == 0.0

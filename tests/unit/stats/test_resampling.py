"""Bootstrap weights: drawn by key, joint over cells, the same integers everywhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from robust_xtreme.stats import intervals, resampling
from robust_xtreme.stats.intervals import CPU, ArrayBackend
from robust_xtreme.stats.resampling import (
    MOST_BYTES,
    RESAMPLES,
    Member,
    _product,
    chunk_of,
    counts,
    keys,
    simultaneous_quantiles,
    weights,
)
from robust_xtreme.tasks.metrics._labels import accuracy

TORCH = ArrayBackend(torch, torch.from_numpy, lambda values: values.numpy())
NAMES = [f"{number:04}" for number in range(120)]
FROZEN = [[1, 1, 0, 2, 0, 0], [3, 1, 0, 1, 2, 1], [1, 0, 3, 0, 1, 1]]


def test_weights_are_frozen() -> None:
    """The first weights of seed 0 stay what they are: stored intervals rest on them."""
    assert counts(0, range(3), keys(NAMES[:6])).tolist() == FROZEN


def test_a_weight_depends_on_seed_resample_and_cluster_alone() -> None:
    """Another order, other clusters beside it, or another chunk change no cluster's weights; another seed does."""
    whole = counts(0, range(200), keys(NAMES))
    assert (counts(0, range(200), keys(NAMES[::-1]))[:, ::-1] == whole).all()
    assert (counts(0, range(50, 100), keys(NAMES[7:9])) == whole[50:100, 7:9]).all()
    assert (np.concatenate(list(weights(keys(NAMES), resamples=200, chunk=33))) == whole).all()
    assert (counts(1, range(200), keys(NAMES)) != whole).mean() > 0.5


def test_weights_are_poisson() -> None:
    """Weights have mean and variance 1, and clusters and resamples are uncorrelated."""
    weights = counts(0, range(4000), keys(NAMES)).astype(float)
    assert weights.mean() == pytest.approx(1, abs=0.005)
    assert weights.var() == pytest.approx(1, abs=0.01)
    for table in (weights, weights[: len(NAMES)].T):
        correlations = np.corrcoef(table.T)[np.triu_indices(len(NAMES), 1)]
        assert np.abs(correlations).mean() < 1.2 / table.shape[0] ** 0.5


def _resampled(sums: Any, backend: ArrayBackend = CPU, resamples: int = RESAMPLES) -> np.ndarray:
    """Accuracies of resampled clusters."""
    blocks = weights(keys(NAMES), resamples=resamples, backend=backend)
    return np.concatenate([backend.back(accuracy.reduce(block @ sums)) for block in blocks], -1)


def test_resampling_spreads_as_the_jackknife_says() -> None:
    """The standard deviation of a resampled metric is its leave-one-cluster-out standard error, nearly."""
    right = np.random.default_rng(0).binomial(4, 0.6, len(NAMES))
    sums = np.stack([right, np.full(len(NAMES), 4)], -1).astype(np.float64)
    moments = intervals.level(CPU, sums[None], accuracy.reduce)
    resampled_values = _resampled(sums)
    assert resampled_values.std() == pytest.approx(float(moments.variance) ** 0.5, rel=0.06)


def test_torch_resamples_to_the_same_values() -> None:
    """Integer statistics resampled on tensors give exactly numpy's values."""
    right = np.random.default_rng(0).binomial(4, 0.6, len(NAMES))
    sums = np.stack([right, np.full(len(NAMES), 4)], -1).astype(np.float64)
    ours = _resampled(sums, resamples=700)
    theirs = _resampled(torch.from_numpy(sums), TORCH, resamples=700)
    assert (ours == theirs).all()


def _member(seed: int, names: list[str]) -> Member:
    draw = np.random.default_rng(seed)
    sums = np.stack([draw.binomial(4, 0.6, len(names)), np.full(len(names), 4)], -1).astype(np.float64)
    moments = intervals.level(CPU, sums[None], accuracy.reduce)
    return Member(partial(np.asarray, moments.deviations), float(moments.jump), keys(names))


def test_a_quantile_is_the_same_on_tensors_and_in_any_order() -> None:
    """Cells that share clusters are resampled together; their order in the family changes nothing."""
    family = [_member(seed, names) for seed in range(3) for names in (NAMES, [f"x{name}" for name in NAMES])]
    quantiles = simultaneous_quantiles(family, resamples=600)
    assert simultaneous_quantiles(family, resamples=600, backend=TORCH) == pytest.approx(quantiles, rel=1e-12)
    assert simultaneous_quantiles(family[::-1], resamples=600) == pytest.approx(quantiles, rel=1e-12)


def test_weights_of_many_clusters_fit_into_memory() -> None:
    """Two parts of a chunk of weights and the draws of one have at most 32 MiB, and a chunk at least one resample."""
    assert (chunk_of(334), chunk_of(1_000_000), chunk_of(30_000_000)) == (500, 15, 1)
    for clusters in (1, 334, 40_000, 120_000):
        sizes = [len(block) for block in weights(np.arange(clusters, dtype=np.uint64), resamples=140)]
        assert sum(sizes) == 140
        assert max(sizes) <= MOST_BYTES / (17 * clusters)


@pytest.mark.parametrize("clusters", [1_000, 4_100, 31_600, 60_001])
def test_a_part_of_a_chunk_gives_the_products_of_the_whole(clusters: int) -> None:
    """The sums of resamples are the same to the last bit, however many parts the weights come in."""
    cluster_keys = np.arange(clusters, dtype=np.uint64)
    columns = np.random.default_rng(clusters).standard_normal((clusters, 3))
    whole = counts(0, range(chunk_of(clusters)), cluster_keys).astype(np.float64) @ columns
    parts = [block @ columns for block in weights(cluster_keys, resamples=chunk_of(clusters))]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize(("rows", "clusters", "columns"), [(500, 900, 3), (500, 60, 21), (497, 300, 5), (1, 900, 3)])
def test_a_product_in_steps_is_that_of_the_whole(
    rows: int, clusters: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one row is left; to the last bit for steps of any size that one thread multiplies."""
    draw = np.random.default_rng(rows + clusters)
    counted, sums = draw.poisson(1, (rows, clusters)).astype(np.float64), draw.standard_normal((clusters, columns))
    whole = resampling._product(counted, sums)
    assert whole == pytest.approx(counted @ sums)
    monkeypatch.setattr(resampling, "_ALONE", 16 * sums.size)
    assert resampling._product(counted, sums).tobytes() == whole.tobytes()


def test_single_items_are_resampled_as_scipy_does() -> None:
    """Where each item is a cluster, standard errors are those of scipy's bootstrap within the draws' error."""
    right = np.random.default_rng(0).random((4, len(NAMES))) < 0.6
    sums = np.stack([right, np.ones_like(right)], -1).astype(np.float64)
    known = stats.bootstrap((right,), np.mean, axis=-1, n_resamples=4000, method="percentile", rng=0)
    assert _resampled(sums).std(-1) == pytest.approx(100 * known.standard_error, rel=0.06)


def test_more_cells_need_a_greater_quantile_and_copies_do_not() -> None:
    """Independent cells raise the simultaneous quantile towards Bonferroni's; the same cell five times does not."""
    single = simultaneous_quantiles([_member(0, NAMES)])
    copies = simultaneous_quantiles([_member(0, NAMES)] * 5)
    many = simultaneous_quantiles([_member(seed, [f"{seed}/{name}" for name in NAMES]) for seed in range(20)])
    assert single == copies == pytest.approx((1.98, 1.98), abs=0.1)
    assert many == pytest.approx((intervals.t_quantile(1 - 0.025 / 20, 119),) * 2, rel=0.08)


def test_a_quantile_is_at_least_that_of_the_fewest_clusters() -> None:
    """A cell of six clusters that hardly varies widens the intervals of one with 120."""
    few = Member(lambda: np.zeros(6), 1e9, keys(NAMES[:6]))
    for family in ([_member(0, NAMES), few], [few, _member(0, NAMES)]):
        assert simultaneous_quantiles(family, resamples=200) == pytest.approx((intervals.t_quantile(0.975, 5),) * 2)


@pytest.mark.parametrize("clusters", [1, 40, 3_000, 400_000])
def test_products_in_steps_are_those_of_the_whole(clusters: int) -> None:
    """Whether all rows, some of them or none are multiplied in steps."""
    draw = np.random.default_rng(0)
    block, columns = draw.random((33, clusters)), draw.random((clusters, 3))
    assert _product(block, columns) == pytest.approx(block @ columns, rel=1e-9)


def test_skewed_drops_are_missed_equally_on_both_sides() -> None:
    """Where few clusters lose much, an interval reaches further above the drop, and J grows with it."""
    sums = np.stack([np.arange(len(NAMES)) % 12 > 0, np.ones(len(NAMES))], -1)[None].astype(np.float64)
    moments = intervals.difference(CPU, np.ones_like(sums), sums, accuracy.reduce)
    member = Member(partial(np.asarray, moments.deviations), float(moments.jump), keys(NAMES))
    below, above = simultaneous_quantiles([member] * 9)
    assert above > below + 0.4
    _, low, high = intervals.difference_bounds(CPU, moments, (below, above))
    grown = moments.variance + moments.jump * (above / intervals.t_quantile(0.975, len(NAMES) - 1)) ** 2
    assert high == pytest.approx(moments.value + above * grown**0.5)
    assert moments.value - low < high - moments.value


def test_simultaneous_intervals_are_valid_together() -> None:
    """Of families of 10 languages that share clusters nearly 95 % have all their drops inside their intervals."""
    draw, covered, families = np.random.default_rng(0), 0, 60
    for seed in range(families):
        cells = [_flipped(draw) for _ in range(10)]
        family = [Member(partial(np.asarray, cell.deviations), float(cell.jump), keys(NAMES)) for cell in cells]
        quantiles = simultaneous_quantiles(family, seed=seed, resamples=400)
        bounds = [intervals.difference_bounds(CPU, cell, quantiles) for cell in cells]
        covered += all(low <= 0 <= high for _, low, high in bounds)
    assert 0.87 <= covered / families <= 1


def _flipped(draw: np.random.Generator) -> intervals.Moments:
    """A drop whose truth is 0: as many answers are gained as lost, on average."""
    right = draw.random((len(NAMES), 3)) < 0.5
    both = [right, right ^ (draw.random(right.shape) < 0.1)]
    sums = [np.stack([side.sum(1), np.full(len(NAMES), 3)], -1)[None].astype(np.float64) for side in both]
    return intervals.difference(CPU, sums[0], sums[1], accuracy.reduce)

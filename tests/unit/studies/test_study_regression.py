"""Fits within a seed, permutations, partial pooling, and the distances that gains are regressed on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from robust_xtreme.core import resources
from robust_xtreme.core.errors import Mismatch, SpecError, UnknownName
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.core.packs import read_table
from robust_xtreme.studies.cells import crossing, fitted, inflation, rank_correlation
from robust_xtreme.studies.designs import low_resource
from robust_xtreme.studies.designs.diversity import DRAWS, shuffled
from robust_xtreme.studies.designs.low_resource import pooled

VOLUME = [10.0, 10, 12, 12, 14, 14]
TASKS = [1.0, 2, 1, 4, 2, 4]


def test_a_fit_recovers_planted_coefficients() -> None:
    """An outcome without noise gives its own intercept and coefficients."""
    outcome = [3 + 0.5 * volume - 1.25 * tasks for volume, tasks in zip(VOLUME, TASKS, strict=True)]
    values = fitted(outcome, {"volume": VOLUME, "tasks": TASKS})
    assert values == pytest.approx({"intercept": 3, "volume": 0.5, "tasks": -1.25})


def test_a_fit_solves_the_normal_equations() -> None:
    """Coefficients of noise, and variance inflations as the diagonal of the inverse correlation matrix."""
    outcome, factors = np.random.default_rng(3).normal(size=6), {"volume": VOLUME, "tasks": TASKS}
    matrix = np.column_stack([np.ones(6), VOLUME, TASKS])
    expected = np.linalg.solve(matrix.T @ matrix, matrix.T @ outcome)
    assert [*fitted(outcome.tolist(), factors).values()] == pytest.approx(expected.tolist())
    inflated = np.linalg.inv(np.corrcoef([VOLUME, TASKS])).diagonal()
    assert [*inflation(factors).values()] == pytest.approx(inflated.tolist())


@pytest.mark.parametrize(
    ("tasks", "words"), [([2.0] * 6, "'tasks' has one value"), ([2 * v for v in VOLUME], "determined by")]
)
def test_a_factor_without_variation_of_its_own_is_refused_by_name(tasks: list[float], words: str) -> None:
    """No coefficient is given where the design cannot identify it."""
    with pytest.raises(SpecError, match=words):
        fitted([1.0] * 6, {"volume": VOLUME, "tasks": tasks})
    assert inflation({"volume": VOLUME, "tasks": [2 * v for v in VOLUME]})["tasks"] == math.inf


def test_numbers_that_do_not_fit_are_refused() -> None:
    """A factor of another length, and a value that is not finite."""
    with pytest.raises(Mismatch, match="6 rows"):
        fitted([1.0] * 5, {"volume": VOLUME})
    with pytest.raises(Mismatch, match="not finite"):
        fitted([1.0] * 5 + [math.nan], {"volume": VOLUME})


def test_a_rank_correlation_uses_mean_ranks_and_needs_variation() -> None:
    """Ties as scipy ranks them; None where gains or distances do not vary."""
    from scipy import stats

    x, y = [1.0, 2, 2, 3, 5], [2.0, 1, 4, 4, 9]
    assert rank_correlation(x, y) == pytest.approx(float(stats.spearmanr(x, y).statistic))
    assert rank_correlation(x, [1.0] * 5) is None
    assert rank_correlation(x[:2], y[:2]) is None


def test_fiellers_interval_covers_the_planted_crossing() -> None:
    """With slopes far from 0, 93 to 97 % of intervals contain the true crossing."""
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(1000):
        levels, slopes = 1 + random.normal(size=6), -2 + 0.3 * random.normal(size=6)
        point = crossing(levels.tolist(), slopes.tolist(), centre=7)
        assert point is not None
        covered += point.low <= 7.5 <= point.high
    assert 930 <= covered <= 970


def test_fiellers_bounds_are_where_t_is_at_its_quantile() -> None:
    """At each bound, the level's t over seeds is the 97.5 % quantile."""
    from scipy import stats

    levels, slopes = [0.8, 1.3, 0.9, 1.6, 1.1], [-2.0, -1.7, -2.4, -2.2, -1.9]
    point = crossing(levels, slopes, centre=0)
    assert point is not None
    for bound in (point.low, point.high):
        line = [level + bound * slope for level, slope in zip(levels, slopes, strict=True)]
        assert abs(stats.ttest_1samp(line, 0).statistic) == pytest.approx(stats.t.ppf(0.975, 4))


def test_no_crossing_is_given_without_a_slope() -> None:
    """The set of plausible crossings is unbounded where the slope's interval contains 0, and unknown for a seed."""
    assert crossing([1.0, 2, 1, 2, 1], [-1.0, 1, -0.5, 0.4, 0.2], centre=7) is None
    assert crossing([1.0], [-1.0], centre=7) is None


def test_a_permutation_test_counts_all_orders_within_equal_volumes() -> None:
    """Three pairs have eight orders; the observed one and its mirror reach the coefficient, so p is 2 of 8."""
    outcome = [2.0 * tasks for tasks in [1, 2, 1, 2, 1, 2]]
    factors = {"volume": VOLUME, "tasks": [1.0, 2, 1, 2, 1, 2]}
    result = shuffled(outcome, factors, "tasks", {"volume": VOLUME})
    assert result is not None
    assert (result.p, result.count, result.complete) == (0.25, 8, True)


def test_permutations_are_drawn_by_key_where_they_are_many() -> None:
    """The same p twice, which counts the observed order: it is never 0."""
    volume, tasks = [10.0] * 9, [float(number) for number in range(9)]
    results = [shuffled(tasks, {"tasks": tasks}, "tasks", {"volume": volume}) for _ in range(2)]
    assert results[0] is not None
    assert results[0] == results[1]
    assert (results[0].count, results[0].complete) == (DRAWS, False)
    assert 0 < results[0].p <= 0.001


def test_a_permutation_test_needs_arms_of_equal_shape() -> None:
    """Where each volume has one number of tasks, nothing can be exchanged."""
    assert shuffled([1.0, 2, 4], {"tasks": [1.0, 2, 4]}, "tasks", {"volume": [8.0, 9, 10]}) is None


def test_permutations_reject_at_their_level_without_an_effect() -> None:
    """p is at most 0.05 in at most about 5 % of outcomes of noise."""
    random = np.random.default_rng(5)
    volume = [10.0] * 5 + [12.0] * 5
    factors = {"volume": volume, "tasks": [1.0, 1, 2, 2, 4, 1, 2, 2, 4, 4]}
    ps = []
    for _ in range(100):
        result = shuffled(random.normal(size=10).tolist(), factors, "tasks", {"volume": volume})
        assert result is not None
        ps.append(result.p)
    assert sum(p <= 0.05 for p in ps) <= 11
    assert sum(p <= 0.5 for p in ps) >= 38


def test_pooled_means_are_those_of_reml_in_the_eight_schools() -> None:
    """The example of Rubin (1981): tau is 0, and every school gets the common mean 7.69."""
    effects = dict(zip("ABCDEFGH", (28.0, 8, -3, 7, -1, 1, 18, 12), strict=True))
    errors = dict(zip("ABCDEFGH", (15.0, 10, 16, 11, 9, 11, 10, 18), strict=True))
    pool = pooled(effects, errors)
    assert pool is not None
    assert pool[0] == pytest.approx(0, abs=1e-3)
    assert [*pool[1].values()] == pytest.approx([7.6856] * 8, abs=1e-3)


def test_pooled_variance_is_restricted_maximum_likelihood() -> None:
    """With equal errors, tau^2 is the sample variance minus the error's, and the weight of a mean their ratio."""
    means = {"de": 1.0, "sw": 4.0, "zh": 7.0, "tr": 2.0}
    pool = pooled(means, dict.fromkeys(means, 1.0))
    assert pool is not None
    variance = float(np.var([*means.values()], ddof=1))
    assert pool[0] ** 2 == pytest.approx(variance - 1)
    assert pool[1]["zh"] == pytest.approx(3.5 + (1 - 1 / variance) * 3.5)


def test_pooling_beats_plain_means_where_languages_are_alike() -> None:
    """Over 200 draws, the squared error is less than that of plain means."""
    random = np.random.default_rng(8)
    plain = shrunk = 0.0
    for _ in range(200):
        truth = random.normal(2, 0.5, size=8)
        means = {str(number): float(value) for number, value in enumerate(truth + random.normal(size=8))}
        pool = pooled(means, dict.fromkeys(means, 1.0))
        assert pool is not None
        plain += sum((means[name] - truth[int(name)]) ** 2 for name in means)
        shrunk += sum((mean - truth[int(name)]) ** 2 for name, mean in pool[1].items())
    assert shrunk < 0.7 * plain


def test_languages_without_an_error_are_not_pooled() -> None:
    """Two languages with one are too few for a spread between languages."""
    assert pooled({"de": 1.0, "sw": 2.0, "zh": 3.0}, {"de": 0.5, "sw": 0.5, "zh": 0.0}) is None


def test_distances_from_english_are_known_facts() -> None:
    """German is nearer than Japanese in syntax and on the globe, English is at 0, relatives are below 1."""
    for kind in ("syntactic", "genetic", "geographic"):
        far = low_resource.distances(("en", "de", "ja"), kind)
        assert far["en"] == 0 < far["de"] < far["ja"] <= 1
    london_tokyo = low_resource.distances(["ja"], "geographic")["ja"] * 20_015
    assert 9_000 < london_tokyo < 9_900


def test_a_distance_that_is_not_known_is_left_out() -> None:
    """URIEL has no features of Nahuatl as a whole; each kind has most languages, and no other ones."""
    assert low_resource.distances(["nah", "de"], "syntactic").keys() == {"de"}
    for kind in low_resource.KINDS:
        far = low_resource.distances(ALL_LANGUAGES, kind)
        assert 45 <= len(far) <= len(ALL_LANGUAGES)
        assert all(0 <= value <= 1 for value in far.values())


def test_unknown_kinds_and_codes_of_distances_are_refused() -> None:
    """With the nearest name."""
    with pytest.raises(UnknownName, match="'syntactic'"):
        low_resource.distances(["de"], "syntax")
    with pytest.raises(UnknownName, match="'xx'"):
        low_resource.distances(["xx"], "syntactic")


def test_the_distances_name_their_source_version_and_licence() -> None:
    """As every pack does."""
    header = read_table(resources.folder("perturbations") / "typology" / "en.tsv").header
    assert "lang2vec 1.1.2" in header["source"]
    assert header["licence"].startswith("CC BY-SA 4.0")
    assert header["standing"] == "derived"

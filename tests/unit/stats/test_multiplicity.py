"""Corrections for many tests are those of statsmodels, published values and stepwise rules."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from robust_xtreme.core.errors import UserError
from robust_xtreme.stats.claims import CORRECTIONS, benjamini_hochberg, benjamini_yekutieli, holm

_P = [0.01, 0.04, 0.03, 0.005]
Correction = Callable[[Sequence[float]], list[float]]
_NAMES = {"holm": "holm", "bh": "fdr_bh", "by": "fdr_by"}


def _many() -> list[float]:
    return [float(value) for value in np.random.default_rng(3).random(200) ** 3]


def test_holm_steps_down_and_never_decreases() -> None:
    """The smallest p is multiplied by the number of tests, the next by one less, none falls below the one before."""
    assert holm(_P) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_holm_rejects_what_the_stepwise_rule_rejects() -> None:
    """Adjusted p-values below alpha are those that Holm's sequence of thresholds rejects."""
    p, alpha = _many(), 0.05
    ordered = sorted(p)
    kept = next(at for at, value in enumerate(ordered) if value > alpha / (len(p) - at))
    assert sum(adjusted <= alpha for adjusted in holm(p)) == kept


def test_false_discovery_rates_step_up() -> None:
    """The greatest p stays, the next is multiplied by m/(m-1), none exceeds the one above it."""
    p = [0.01, 0.04, 0.035, 0.005]
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert benjamini_yekutieli(p) == pytest.approx([25 / 12 * adjusted for adjusted in (0.02, 0.04, 0.04, 0.02)])


@pytest.mark.parametrize("name", CORRECTIONS)
@pytest.mark.parametrize("p", [_P, _many(), [0.2] * 7, [0.0, 1.0, 0.0, 0.5, 1e-300], [0.9]], ids=len)
def test_corrections_equal_those_of_statsmodels(name: str, p: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every correction gives the numbers of statsmodels, with ties, zeros and ones."""
    monkeypatch.setattr(gc, "collect", lambda: 0)  # statsmodels searches for cycles each time, for seconds here
    assert CORRECTIONS[name](p) == pytest.approx(multipletests(p, method=_NAMES[name])[1], rel=1e-12, abs=0)


@pytest.mark.parametrize("correct", CORRECTIONS.values())
def test_one_test_is_not_corrected_and_none_is_nothing(correct: Correction) -> None:
    """A family of one keeps its p; an empty family gives an empty list."""
    assert correct([0.03]) == [0.03]
    assert correct([]) == []


@pytest.mark.parametrize("correct", CORRECTIONS.values())
def test_a_p_outside_its_range_is_refused(correct: Correction) -> None:
    """A p-value above 1 or not a number is an error, not an answer."""
    with pytest.raises(UserError, match=r"1\.5"):
        correct([0.2, 1.5])
    with pytest.raises(UserError, match="nan"):
        correct([float("nan")])

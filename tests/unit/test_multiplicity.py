"""Holm's correction for many tests agrees with published values and with the stepwise rule."""

from __future__ import annotations

import numpy as np
import pytest

from robust_xtreme.errors import UserError
from robust_xtreme.results.multiplicity import holm

_P = [0.01, 0.04, 0.03, 0.005]


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


def test_one_test_is_not_corrected_and_none_is_nothing() -> None:
    """A family of one keeps its p; an empty family gives an empty list."""
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_a_p_outside_its_range_is_refused() -> None:
    """A p-value above 1 or not a number is an error, not an answer."""
    with pytest.raises(UserError, match=r"1\.5"):
        holm([0.2, 1.5])
    with pytest.raises(UserError, match="nan"):
        holm([float("nan")])

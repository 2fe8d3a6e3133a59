"""The simulation of equivalence and churn: few false claims, power as theory expects, and intervals that cover."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.simulations import gate_equivalence
from benchmarks.simulations._gate_designs import Design
from benchmarks.simulations._runner import read
from scipy import stats

REPORTS = Path(__file__).parents[3] / "reports" / "gate"


@pytest.mark.parametrize("case", [(Design(1, 500, 0.15, 0.3, -2.0), 2.0), (Design(1, 1190, 0.02, 0.0, 1.0), 1.0)])
def test_models_that_differ_by_the_margin_are_rarely_called_equivalent(case: gate_equivalence.Case) -> None:
    """At most 5 %, with two standard errors, whichever is better."""
    row = gate_equivalence.equivalence(case, 400)
    assert float(row["equivalent"]) <= float(row["limit"])


def test_one_language_that_differs_is_rarely_in_a_claim() -> None:
    """Neither in that of all languages nor among those counted, although the nine others mostly are."""
    row = gate_equivalence.languages((Design(50, 1190, 0.02, 0.0), 2.0), 400)
    assert max(float(row["all"]), float(row["counted"])) <= float(row["limit"])
    assert float(row["others"]) > 5


def test_the_committed_tables_are_within_the_bars() -> None:
    """Every design is in the tables; what exceeds its limit does by little, where all that differs is one way."""
    for line, cases in gate_equivalence.TABLES:
        rows = read(REPORTS / f"{line.__name__}.csv")
        assert len(rows) == len([*cases()])
        for row in gate_equivalence.over(rows) if line is not gate_equivalence.churn else ():
            assert abs(float(row["difference"])) == 100 * float(row["discordance"])
            assert float(row["equivalent"]) < 5.7


def _sums(items: int, correlation: float, draws: int, seed: int) -> tuple[Any, Any]:
    """Uniform draws of items in clusters of three, some of them that of their cluster; and which are items."""
    random = np.random.default_rng(seed)
    clusters = -(-items // 3)
    values = random.random((draws, clusters, 3))
    shared = random.random((draws, clusters, 3)) < correlation**0.5
    values = np.where(shared, random.random((draws, clusters, 1)), values)
    return values, (np.arange(clusters * 3) < items).reshape(clusters, 3)


def _deviations(sums: Any, sizes: Any) -> tuple[Any, Any, Any]:
    """The mean of items in points (draws,), the deviations (draws, G) without each cluster, and the variance."""
    total, items = sums.sum(1, keepdims=True), sizes.sum()
    without = 100 * (total - sums) / (items - sizes)
    e = without.mean(1, keepdims=True) - without
    return 100 * total[:, 0] / items, e, (len(sizes) - 1) / len(sizes) * (e**2).sum(1)


@pytest.mark.parametrize(
    ("items", "discordance", "correlation", "difference", "margin"),
    [(1190, 0.15, 0.0, -2, 2), (500, 0.05, 0.3, -1, 1), (1855, 0.03, 0.0, 0, 1)],
)
def test_a_rate_of_equivalence_is_that_of_independent_code(
    items: int, discordance: float, correlation: float, difference: float, margin: float
) -> None:
    """Its own draws, jackknife, bounds and decisions give the rate of the table, but for the error of both."""
    draws = 1500
    values, inside = _sums(items, correlation, draws, 1)
    gain, loss = ((discordance + sign * difference / 100) / 2 for sign in (1, -1))
    change = (((values < gain) & inside).astype(int) - ((values > 1 - loss) & inside)).sum(2)
    mean, e, v = _deviations(change, inside.sum(1))
    still = v < 1e-18
    fourth, third = (e**4).sum(1), (e**3).sum(1)
    j = fourth / np.where(still, 1, (e**2).sum(1))
    g = third / np.where(still, 1, v) ** 1.5
    t = stats.t.ppf(0.95, len(inside) - 1)
    below, above = ((t + np.maximum(sign * g, 0) * (2 * t**2 + 1) / 6) * np.sqrt(v + j) for sign in (-1, 1))
    exact = 100 * (1 - 0.05 ** (1 / len(inside)))
    below, above = np.where(still, exact, below), np.where(still, exact, above)
    rate = 100 * ((mean - below > -margin) & (mean + above < margin)).mean()
    named = {"items": items, "discordance": discordance, "correlation": correlation, "difference": difference}
    wanted = {name: f"{value:g}" for name, value in {**named, "margin": margin, "cells": 1}.items()}
    (row,) = [row for row in read(REPORTS / "equivalence.csv") if wanted.items() <= row.items()]
    share = max(float(row["equivalent"]), 1) / 100
    error = 100 * (share * (1 - share) * (1 / draws + 1 / int(row["draws"]))) ** 0.5
    assert rate == pytest.approx(float(row["equivalent"]), abs=3 * error)


@pytest.mark.parametrize(("items", "changed", "correlation"), [(500, 0.02, 0.0), (1190, 0.15, 0.3), (113, 0.05, 0.3)])
def test_a_coverage_of_churn_is_that_of_independent_code(items: int, changed: float, correlation: float) -> None:
    """Its own draws and logit intervals by leaving out clusters give the coverage of the table."""
    draws = 3000
    values, inside = _sums(items, correlation, draws, 2)
    mean, _, v = _deviations(((values < changed) & inside).sum(2), inside.sum(1))
    share, none = np.clip(mean / 100, 1e-9, None), mean == 0
    reach = stats.t.ppf(0.975, len(inside) - 1) * np.sqrt(v) / 100 / (share * (1 - share))
    logit = np.log(share / (1 - share))
    low, high = (1 / (1 + np.exp(-(logit + sign * reach))) for sign in (-1, 1))
    low, high = np.where(none, 0, low), np.where(none, 1 - 0.05 ** (1 / len(inside)), high)
    covered = 100 * ((low <= changed) & (changed <= high)).mean()
    wanted = {"items": str(items), "changed": f"{changed:g}", "correlation": f"{correlation:g}"}
    (row,) = [row for row in read(REPORTS / "churn.csv") if wanted.items() <= row.items()]
    error = 100 * (0.05 * 0.95 * (1 / draws + 1 / int(row["draws"]))) ** 0.5
    assert covered == pytest.approx(float(row["covered"]), abs=3.5 * error)

"""The simulation of the gate: few false alarms, few false passes, and falls are caught near what theory expects."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from benchmarks.simulations import gate, gate_answers
from benchmarks.simulations._gate_designs import (
    Design,
    anchored_designs,
    cells_and_tasks,
    generator,
    null_designs,
    simulate,
    simulate_anchored,
    worse_designs,
)
from benchmarks.simulations._runner import read
from tests.finished_runs import finished_run

from robust_xtreme.tasks.metrics._labels import accuracy

REPORTS = Path(__file__).parents[3] / "reports" / "gate"


@pytest.mark.parametrize(
    "design", [Design(1, 113, 0.3, 0.3), Design(50, 113, 0.15, 0.3), Design(50, 113, 0.05, 0.3, alike=True)]
)
def test_families_in_which_nothing_is_worse_are_rarely_regressed(design: Design) -> None:
    """At most 5 % of families, with two standard errors, have a regressed cell or task."""
    row = gate.alarms(design, 400)
    assert float(row["rejected"]) <= float(row["limit"])
    assert float(row["regressed"]) <= float(row["rejected"])


@pytest.mark.parametrize(
    ("design", "least"),
    [(Design(1, 1190, 0.02, 0.3, -2.0), 2), (Design(1, 500, 0.15, 0.0, -2.0), 2), (Design(1, 113, 0.02, 0.3, -2.0), 0)],
)
def test_a_cell_that_is_worse_by_the_margin_is_rarely_ok(design: Design, least: float) -> None:
    """At most 5 % of cells, with two standard errors, also where all that differs is a loss, or often nothing."""
    row = gate.alarms(design, 400)
    assert least <= float(row["ok"]) <= float(row["limit"])


def test_draws_are_as_the_design_says() -> None:
    """Differences, discordance and correlation of simulated items are those of the design."""
    design = Design(1, 3000, 0.3, 0.3, -5.0)
    gained = simulate(design, 200, generator(design)).astype(float)
    assert gained.sum(-1).mean() / 30 == pytest.approx(-5.0, abs=0.2)
    variance = 3 * (0.3 - 0.05**2) * (1 + 2 * 0.3)
    assert gained.var() == pytest.approx(variance, rel=0.03)


def test_a_gate_with_an_anchor_alarms_as_rarely() -> None:
    """Any two of the three runs differ as the design says, and the two gates together alarm as one does."""
    design = Design(50, 500, 0.15, 0.0)
    for gained in simulate_anchored(design, 2, generator(design)):
        assert abs(gained.astype(float).mean()) < 0.01
        assert (gained**2).sum() / gained[..., 0].size / 500 == pytest.approx(0.15, rel=0.05)
    row = gate.anchored(design, 100)
    assert float(row["rejected"]) <= float(row["limit"])
    assert float(row["rejected"]) < float(row["unshared"])


def test_averages_of_tasks_are_tested_beside_the_cells() -> None:
    """A family of 50 cells has 5 averages, whose differences are the means of ten cells."""
    design = Design(50, 113, 0.3, 0.0)
    cells, tasks = cells_and_tasks(design, simulate(design, 3, generator(design)))
    assert cells.p.shape == (3, 50)
    assert np.allclose(tasks.difference, cells.difference.reshape(3, 5, 10).mean(-1))


def test_falls_are_caught_near_the_bound() -> None:
    """The fall that is caught in 90 % is at most 1.25 times the MDE; none is caught where too few items differ."""
    row = gate.powers(Design(50, 1190, 0.3, 0.0), 400)
    assert (row["unattainable"], float(row["ratio"]) <= gate.WORST) == ("no", True)
    assert gate.powers(Design(600, 113, 0.05, 0.0), 400)["caught"] == ""


def test_a_table_keeps_what_it_has(tmp_path: Path) -> None:
    """A row of as many draws is not computed again; one of fewer is."""
    calls: list[Design] = []

    def line(design: Design, draws: int) -> gate.Row:
        calls.append(design)
        return {**gate._named(design), "draws": str(draws)}

    path, designs = tmp_path / "t.csv", [*worse_designs()][:3]
    for count, draws in ((2, 10), (3, 10), (3, 10), (3, 20)):
        gate.table(path, partial(line, draws=draws), designs[:count], gate.Plan(draws, range(1, 51), map))
    assert len(calls) == 2 + 1 + 0 + 3
    assert [row["draws"] for row in read(path)] == ["20"] * 3


def test_the_committed_tables_are_within_the_bars() -> None:
    """Every design is in the tables, and none exceeds its limit."""
    alarms, powers = (read(REPORTS / f"{name}.csv") for name in ("alarms", "power"))
    assert len(alarms) == len([*null_designs(), *worse_designs()])
    assert len(powers) == len(gate.power_designs())
    assert gate.over(alarms) == []
    anchored = read(REPORTS / "anchored.csv")
    assert len(anchored) == len([*anchored_designs()])
    assert max(float(row["rejected"]) for row in anchored) <= 5.5
    assert gate.weak(powers) == []


def test_answers_are_drawn_by_cluster(tmp_path: Path) -> None:
    """Conditions of one model and language are paired where one is worse; the rate of an accuracy is near 5 %."""
    known = gate_answers.arms(finished_run(tmp_path / "run", 0.2, count=300), accuracy)
    pairs = [*gate_answers.worse(known, accuracy.reduce)]
    assert pairs
    for (first, *_), (second, *_), fall in pairs:
        assert (first[:3] == second[:3], fall >= 0.2) == (True, True)
    ok, unwidened = gate_answers.passing(*pairs[0], 100, 400, accuracy)
    assert ok == unwidened <= 5 + 3 * 1.1

"""Near chance drops are rarely claimed where there is none, and rules that select cells are seen to claim them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.simulations import false_drops
from benchmarks.simulations._runner import read
from benchmarks.simulations.false_drops import BAR, Design, count, designs, outside, row, simulate

REPORTS = Path(__file__).parents[3] / "reports"
DRAWS = 2000


@pytest.mark.parametrize(
    "design",
    [
        Design("flips", 113, 0.37),
        Design("correlated", 300, 0.34),
        Design("constant", 300, 0.40),
        Design("balanced", 200, 1 / 3),
        Design("flips", 113, 0.37, languages=15),
        Design("balanced", 113, 1 / 3, languages=15),
    ],
)
def test_no_drop_is_rarely_claimed(design: Design) -> None:
    """Without selection at most 3.5 % of cells and of averages have a claimed drop where the true one is 0."""
    kept, claims = count(design, DRAWS, ("all",))["all"]
    assert kept == DRAWS
    assert 100 * claims / DRAWS <= BAR


@pytest.mark.parametrize(
    ("rule", "design", "least"),
    [
        ("clean", Design("constant", 900, 0.37), BAR),
        ("bound", Design("all flips", 300, 0.34), 3 * BAR),
        ("bound", Design("balanced", 200, 1 / 3, 15), 50),
        ("mean", Design("balanced", 200, 1 / 3, 15), 50),
    ],
)
def test_a_selection_by_clean_or_by_the_mean_is_seen(rule: str, design: Design, least: float) -> None:
    """Cells kept by their clean run, or by the mean of both runs, have more false drops than the bar."""
    kept, claims = count(design, 2 * DRAWS, (rule,))[rule]
    assert kept > 50
    assert 100 * claims > least * kept


def test_a_selection_by_other_clusters_is_not_seen() -> None:
    """Where half of the clusters select and the other half are tested, the rate is nominal."""
    kept, claims = count(Design("balanced", 300, 1 / 3, 15), DRAWS, ("half",))["half"]
    assert kept > 100
    assert claims <= 0.06 * kept


def test_a_true_drop_is_found() -> None:
    """Ten points are found in nearly every sample of 500 items, and a drop of the MDE in about four of five."""
    assert count(Design("flips", 500, 0.37, drop=0.1), 200, ("all",))["all"][1] >= 195
    line = row(Design("flips", 900, 0.37, drop=0.0356), 500)
    assert float(line["mde"]) == pytest.approx(3.56, abs=0.1)
    assert 70 <= float(line["all"]) <= 90


@pytest.mark.parametrize("design", [Design("flips", 500, 0.37, 3, 0.05), Design("correlated", 500, 0.4, drop=0.1)])
def test_designs_have_the_accuracies_that_they_name(design: Design) -> None:
    """The noisy run has the accuracy, the clean run the drop more, the constant a third; the last cluster is small."""
    cells = simulate(design, 1000, np.random.default_rng(2))
    levels = [run.mean((0, 1)).sum() / design.items for run in (cells.clean, cells.noisy, cells.constant)]
    assert levels == pytest.approx([design.accuracy + design.drop, design.accuracy, 1 / 3], abs=0.004)
    assert cells.items.tolist() == [3] * 166 + [2]


def test_the_committed_table_meets_the_bar() -> None:
    """Every design is in the table; none has more than 3.5 % without selection, and both selections have."""
    rows = read(REPORTS / "false-drops.csv")
    named = [(line["model"], line["items"], line["languages"], line["drop"]) for line in rows]
    assert named == [
        (design.model, str(design.items), str(design.languages), f"{design.drop:g}") for design in designs()
    ]
    assert all(int(line["draws"]) >= 5000 for line in rows)
    assert outside(rows)[0] == []
    assert all(outside(rows, rule)[0] for rule in ("clean", "bound", "mean"))


def test_the_committed_page_is_that_of_the_table() -> None:
    """reports/false-drops.md is written from the csv beside it, and a row comes out again."""
    text = (REPORTS / "false-drops.md").read_text("utf-8")
    rows = read(REPORTS / "false-drops.csv")
    command = next(line for line in text.splitlines() if line.startswith("python"))
    assert text == false_drops.page(rows, command)
    assert rows[0] == row(next(designs()), int(rows[0]["draws"]))

"""Where the true drop is 0, rows that have a p rarely show one, and those that are selected on the outcome often do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.simulations import selected_drops
from benchmarks.simulations._runner import read
from benchmarks.simulations.selected_drops import BAR, FORMER, Design, Stored, above, drawn, exchanged

from robust_xtreme.core import registry
from robust_xtreme.noise.engine.attack import LIBRARY
from robust_xtreme.stats.claims import is_selected

REPORTS = Path(__file__).parents[3] / "reports"


def test_what_attacks_select_shows_drops_that_are_none() -> None:
    """Of 250 items of which 30 % are answered again: noise at most 3.5 %, the others many times as often."""
    rates = dict(drawn(Design(250, 0.7, 0.3), 1000, np.random.default_rng(0)))
    assert 100 * rates["noise"] <= BAR
    assert all(100 * rates[name] > 12 for name in FORMER)


def test_answers_of_a_run_are_exchanged_by_cluster() -> None:
    """Noisy answers are much worse in two languages: exchanged they have no drop, but for what is selected."""
    draw = np.random.default_rng(0)
    codes = np.arange(90) // 2
    answers = tuple(np.stack([draw.random((2, 90)) < [[0.9], [0.5]], np.ones((2, 90))], -1) for _ in range(2))
    rates = exchanged(Stored("x", "accuracy", ("de", "sw"), (codes, codes), answers), 200, draw)
    assert set(rates) == {"de", "sw", "de sw"}
    assert max(rates["de"]["noise"], rates["sw"]["noise"], rates["de sw"]["average"]) <= 0.05
    assert min(rates["de"]["like"], rates["sw"]["like"]) > 0.9


def test_the_committed_page_is_that_of_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    """No row that has a p is above the bar; on real answers those of the former rule are, but for one large cluster."""
    rows = read(REPORTS / "selected-drops.csv")
    text = (REPORTS / "selected-drops.md").read_text("utf-8")
    made_by = text.partition("```text\n")[2].partition("\n```")[0]
    assert selected_drops.page(rows, made_by) == text
    assert above(rows) == []
    of_run = {row["answers"]: float(row["like"]) for row in rows if row["answers"] != "drawn" and row["like"]}
    assert {answers for answers, rate in of_run.items() if rate <= BAR} == {"panx: char_noise:0.02, char_noise:0.1, sw"}


@pytest.mark.parametrize(
    ("condition", "selected"),
    [
        ("char_noise:0.1", False),
        ("external:natural", False),
        ("attack_keys:0.1@search=random", True),
        ("keyboard_typo@like=attack_keys:0.1", True),
        ("Attack_Keys:0.1", True),
        *((name.removeprefix(LIBRARY), True) for name in registry.names("perturbation") if name.startswith(LIBRARY)),
        ("char_noise:0.1+input_reduction:0.3", True),
        ("external:attacked", True),
    ],
)
def test_the_rows_of_attacks_are_those_without_a_p(condition: str, selected: bool) -> None:
    """What the simulation calls like and searched has no p in a run."""
    assert is_selected(condition) == selected

"""benchmarks/series.py: ratios that moved further than the noise of their machine are marked, and no others."""

from __future__ import annotations

import pytest
from benchmarks import series
from benchmarks.series import Row, Work, changed, measured


def row(commit: str, ratio: float, apart: float = 1.02, machine: str = "a", case: str = "start") -> Row:
    """A row whose halves are a factor apart."""
    return Row("2026-01-01", commit, machine, case, ratio, ratio * apart, ratio)


def test_a_change_beyond_what_measured_the_same_is_marked() -> None:
    """5 % is marked where halves are 2 % apart; not where they, or two rows of one commit, are 6 % apart."""
    assert changed([row("1", 1.0), row("2", 1.01), row("3", 1.05)]) == [False, False, True]
    assert changed([row("1", 1.0), row("2", 1.0, 1.06), row("3", 1.05)]) == [False, False, False]
    assert changed([row("1", 1.0), row("1", 1.06), row("3", 1.08)]) == [False, False, False]


def test_kinds_of_machines_and_cases_are_apart() -> None:
    """A row is compared with those of its own machine and case alone; the first of them is no change."""
    rows = [row("1", 1.0), row("2", 2.0, machine="b"), row("3", 3.0, case="noise"), row("4", 1.0)]
    assert changed(rows) == [False] * 4


def test_ratios_are_of_medians_after_a_turn_that_does_not_count() -> None:
    """Of all turns, of the even and of the odd ones."""
    ours, peer = iter([99.0, 2.0, 4.0, 2.0, 4.0]), iter([1.0] * 5)
    case = Work("ours", lambda: next(ours)), Work("peer", lambda: next(peer))
    assert measured(case, turns=4) == (3.0, 2.0, 4.0)


def test_the_page_is_what_its_rows_say() -> None:
    """series.md and series.svg have the bytes that series.csv gives; every case is in it."""
    rows = series.read(series.ROWS.read_text("utf-8"))
    assert series.PAGE.read_text("utf-8") == series.page(rows)
    assert series.FIGURE.read_text("utf-8") == series.svg(rows)
    assert {each.case for each in rows} == set(series.cases())


@pytest.mark.parametrize("name", ["char_noise:0.1", "interval of a drop"])
def test_a_case_takes_time_on_both_sides(name: str) -> None:
    """Ours and the peer work; neither is 0."""
    ours, peer = series.cases()[name]
    assert ours.once() > 0
    assert peer.once() > 0

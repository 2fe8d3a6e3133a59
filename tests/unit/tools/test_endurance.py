"""A process that grows is found, one that only swings is not, and each process counts for itself."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from tools import endurance


def rounds(process: int, grows: float, draw: random.Random) -> list[tuple[float, ...]]:
    """Two hundred rounds of 18 seconds, of an allocator that swings by 20 MiB for several rounds, and a start."""
    rows: list[tuple[float, ...]] = []
    swing = 0.0
    for number in range(200):
        swing = draw.uniform(0, 20) if number % 7 == 0 else swing
        start = 100 * min(number / 30, 1)
        rows.append((process, number + 1, number / 200, 500 + start + grows * number + swing, 9, 16))
    return rows


@pytest.mark.parametrize(("grows", "found"), [(0.2, True), (0.0, False), (-0.2, False)])
def test_a_slope_is_that_of_what_is_kept(grows: float, found: bool) -> None:
    """A fifth of a MiB a round is 40 MiB an hour; the start is left out."""
    slope = endurance.slope(rounds(1, grows, random.Random(3)), 3)
    assert slope.low <= 200 * grows <= slope.high
    assert bool(slope.low > 0) == found
    assert slope.last - slope.first == pytest.approx(200 * grows * 0.8 * 19 / 20, abs=20)


def test_rounds_are_kept_continued_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one process after the other, until the minutes are over; with few rounds no slope is said."""
    monkeypatch.setattr(endurance, "FOLDER", tmp_path)
    monkeypatch.setitem(endurance.ROUNDS, "gate", lambda folder: (folder / "file").write_text("x") and None)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", "before")
    monkeypatch.setattr(endurance, "time", SimpleNamespace(monotonic=itertools.count(0, 60).__next__))
    for minutes in (2.5, 4.5, 2):
        endurance.repeat("gate", minutes)
    rows = endurance.rows_of(tmp_path / "gate.csv")
    assert [row[:2] for row in rows] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(row[3] > 1 and row[4] >= 3 and row[5] >= 1 for row in rows)
    monkeypatch.setattr(endurance, "FEWEST", 10**6)
    assert "fewer than" in endurance.page()

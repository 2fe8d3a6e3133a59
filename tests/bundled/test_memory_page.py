"""The committed page of benchmarks/memory.py is rendered again from the figures beside it, and the bar is met."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.memory import BAR, page

FIGURES = Path(__file__).parents[2] / "reports" / "benchmarks" / "memory.json"


def test_the_page_is_that_of_its_figures() -> None:
    """reports/benchmarks/memory.md has the bytes that memory.json gives."""
    assert page(json.loads(FIGURES.read_text(encoding="utf-8"))) == FIGURES.with_suffix(".md").read_text("utf-8")


def test_ten_times_the_task_runs_are_finished_in_hardly_more_memory() -> None:
    """The last label needs at most 1.2 times the memory of a tenth of the predictions."""
    cases = json.loads(FIGURES.read_text(encoding="utf-8"))[-1]["cases"]
    small, large = (cases[name] for name in ("small", "task-runs"))
    assert large["predictions"] >= 10 * small["predictions"]
    assert large["finish"]["mib"] <= BAR * small["finish"]["mib"]

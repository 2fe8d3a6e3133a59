"""Garbage in cycles: a run looks for it rarely, and Python as before afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.garbage import YOUNG, rarely_collected
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run import run as run_module
from robust_xtreme.run.run import evaluate


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[tuple[int, int, int]]:
    """The thresholds of a process, put back after a test."""
    before = gc.get_threshold()
    gc.set_threshold(500, 9, 8)
    yield gc.get_threshold()
    gc.set_threshold(*before)


def test_a_run_looks_for_cycles_rarely(
    thresholds: tuple[int, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the plan on, and after a run that ends with an error the thresholds are those of before."""
    seen = []

    def stopped(*_: object) -> None:
        seen.append(gc.get_threshold())
        raise SpecError("Stopped.")

    monkeypatch.setattr(run_module, "make_plan", stopped)
    with pytest.raises(SpecError, match="Stopped"):
        evaluate(RunSpec(out=str(tmp_path / "run")))
    assert seen == [(YOUNG, 9, 8)]
    assert gc.get_threshold() == thresholds


def test_the_last_of_several_runs_restores_the_thresholds(thresholds: tuple[int, int, int]) -> None:
    """Two runs of a process overlap: the first ends before the second, and does not restore them for it."""
    first, second = ExitStack(), ExitStack()
    first.enter_context(rarely_collected())
    second.enter_context(rarely_collected())
    first.close()
    assert gc.get_threshold() == (YOUNG, 9, 8)
    second.close()
    assert gc.get_threshold() == thresholds


@pytest.mark.parametrize("young", [0, YOUNG + 1])
def test_a_collector_that_works_less_stays(young: int) -> None:
    """A program that turned it off, or that raised the threshold further, keeps its setting."""
    gc.set_threshold(young, 9, 8)
    with rarely_collected():
        assert gc.get_threshold() == (young, 9, 8)

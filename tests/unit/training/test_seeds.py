"""Runs that differ in their seed: their folders, and what is refused."""

from __future__ import annotations

import pytest

from robust_xtreme.core.errors import SpecError
from robust_xtreme.run.fleets import Processes
from robust_xtreme.training.spec import StageSpec, TrainSpec
from robust_xtreme.training.stage import of_seeds, shares

_XNLI = StageSpec(tasks=("xnli",))
_TWO = Processes(("cpu", "cpu"), "cpu", "cpu", ())


def _spec(seed: int = 0, out: str = "", devices: int = 1, target: StageSpec = _XNLI) -> TrainSpec:
    return TrainSpec(data="mini", start="DIR", target=target, seed=seed, out=out, devices=devices)


def test_each_seed_has_a_folder() -> None:
    """The name that the run would have alone, or the one that is given with the seed at its end."""
    assert [str(run.folder) for run in of_seeds(_spec(seed=3), 2)] == ["runs/xnli-DIR-s3", "runs/xnli-DIR-s4"]
    assert [(run.seed, run.out) for run in of_seeds(_spec(out="here"), 2)] == [(0, "here-s0"), (1, "here-s1")]


def test_one_run_is_as_it_was() -> None:
    """Its folder has the name that is given."""
    assert of_seeds(_spec(out="here"), 1) == [_spec(out="here")]


@pytest.mark.parametrize(
    ("spec", "count", "line"),
    [
        (_spec(), 0, "--seeds 0"),
        (_spec(target=StageSpec(tasks=("xnli",), seed=1)), 2, "target has a seed"),
    ],
)
def test_seeds_that_would_all_be_the_same_are_refused(spec: TrainSpec, count: int, line: str) -> None:
    """So is none."""
    with pytest.raises(SpecError, match=line):
        of_seeds(spec, count)


def test_a_fleet_trains_runs_of_one_device() -> None:
    """Its actors have one device each."""
    assert "at most 2" in shares(of_seeds(_spec(), 3), _TWO)
    with pytest.raises(SpecError, match="--devices"):
        shares([_spec(devices=2)], _TWO)

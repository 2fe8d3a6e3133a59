"""Runs of `train` that differ in their seed alone: one after the other here, or by the actors of a fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

from robust_xtreme.core.errors import DiskError, SpecError, counted
from robust_xtreme.training.loop import Options, lines_of
from robust_xtreme.training.spec import Tell, TrainSpec
from robust_xtreme.training.stage import train
from robust_xtreme.workers.each import each, working_in
from robust_xtreme.workers.messages import Fleet, WorkerJob

_LINES: Final = 10


def of_seeds(spec: TrainSpec, count: int) -> list[TrainSpec]:
    """The run with each of `count` seeds, from its own on; with several, `out` ends with the seed.

    Raises SpecError for no seeds, and for a stage with a seed of its own, which all runs would have.
    """
    if count < 1:
        raise SpecError(f"--seeds {count} must be at least 1.")
    if count == 1:
        return [spec]
    for name, stage in spec.stages:
        if stage.seed >= 0:
            raise SpecError(f"--seeds {count}: {name} has a seed of its own, {stage.seed}. Leave it out.")
    seeds = range(spec.seed, spec.seed + count)
    return [replace(spec, seed=seed, out=f"{spec.out}-s{seed}" if spec.out else "") for seed in seeds]


def train_all(specs: Sequence[TrainSpec], options: Options, fleet: Fleet | None = None) -> list[Path]:
    """Train runs and return the folders of their last stages, in the order of the runs.

    The machines of a fleet share the current folder. A run whose actor is lost continues with another actor. Raises
    what `train` raises, and SpecError for a run of several devices on a fleet, each of whose actors has one.
    """
    if fleet is None:
        return [_here(number, specs, options) for number in range(len(specs))]
    options.tell(shares(specs, fleet))
    start = Path.cwd()
    jobs = [
        WorkerJob(number, str(spec.folder), _Run(spec, start, options.force), str(number))
        for number, spec in enumerate(specs)
    ]
    folders = [Path(folder) for folder in each(_trained, jobs, fleet, options.tell)]
    for folder in folders:
        if not folder.is_dir():
            raise DiskError(f"{folder} was written elsewhere: all machines share the folders of runs.")
    return folders


def _here(number: int, specs: Sequence[TrainSpec], options: Options) -> Path:
    if len(specs) > 1:
        options.tell(f"{specs[number].folder}: run {number + 1} of {len(specs)}")
    return train(specs[number], options)


def shares(specs: Sequence[TrainSpec], fleet: Fleet) -> str:
    """A line about what a fleet trains at once. Raises SpecError for runs of several devices."""
    if any(spec.devices > 1 for spec in specs):
        raise SpecError("With --on each run has one device. Leave --devices out.")
    return f"{counted(len(specs), 'run')}, at most {len(fleet.slots)} at once, one on each {fleet.device_name} device"


@final
@dataclass(frozen=True, slots=True)
class _Run:
    """What an actor trains; relative paths count from the folder `start`."""

    spec: TrainSpec
    start: Path
    force: bool


def _trained(run: _Run, tell: Tell) -> str:
    with working_in(run.start):
        return str(train(run.spec, Options(tell=tell, watch=lines_of(tell, _LINES), force=run.force)))

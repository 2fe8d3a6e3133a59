"""Runs a study: plan, compute what is missing, collect, write."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.core.errors import DiskError, Mismatch, RobustXtremeError, SpecError, UserError, plain
from robust_xtreme.core.run_spec import from_mapping
from robust_xtreme.core.sinks import one_line
from robust_xtreme.files import store
from robust_xtreme.files.new_files import appended
from robust_xtreme.run.fleets import fleet_of, joined
from robust_xtreme.run.run import Observer, evaluate
from robust_xtreme.studies.folder import FACTS, LOG, WRITTEN, Outcome, outcome, write
from robust_xtreme.studies.grid import RUNS, StudyCell
from robust_xtreme.studies.planning import StudyPlan, folder_of, plan_of
from robust_xtreme.studies.study_file import Study, read
from robust_xtreme.training.loop import Options
from robust_xtreme.training.spec import from_tables
from robust_xtreme.training.stage import train
from robust_xtreme.workers.devices import device_of
from robust_xtreme.workers.each import each, working_in
from robust_xtreme.workers.messages import Fleet, WorkerJob
from robust_xtreme.workers.processes import cores

Tell = Callable[[str], None]

COMPLETE: Final = "complete in "
"""What follows the name in the line about a finished cell."""


@final
@dataclass(frozen=True, slots=True)
class _Chain:
    """The cells of an arm with a seed, which share their first stages; `work` counts from the folder `start`."""

    cells: tuple[StudyCell, ...]
    work: Path
    start: Path
    offline: bool


@final
@dataclass(frozen=True, slots=True)
class FailedCell:
    """A cell that could not be computed, why, and whether that is a user's mistake."""

    name: str
    why: str
    mistake: bool


def compute(cells: Sequence[StudyCell], work: Path, fleet: Fleet, tell: Tell, offline: bool) -> list[FailedCell]:
    """Train and evaluate cells; those that are attacked come before those that read their texts.

    Each actor computes one chain at a time, on a CPU in one thread. A chain whose actor is lost continues with another
    one. A cell that fails is returned, and the others continue; only a full disk, and a failed attack that others
    read, end the study.
    """
    attacked = {cell.victim.name: cell.victim for cell in cells if cell.victim is not None}
    failed: list[FailedCell] = []
    for several in ([*attacked.values()], cells):
        todo = [cell for cell in several if not cell.complete(work)]
        if not failed:
            results = each(_computed, [*_pieces(todo, work, offline)], fleet, tell)
            failed += [cell for result in results for cell in result]
    return failed


def _pieces(cells: Sequence[StudyCell], work: Path, offline: bool) -> Iterator[WorkerJob]:
    chains: defaultdict[tuple[str, int], list[StudyCell]] = defaultdict(list)
    for cell in cells:
        chains[cell.arm, cell.seed].append(cell)
    for number, ((arm, seed), several) in enumerate(chains.items()):
        chain = _Chain(tuple(several), work, Path.cwd(), offline)
        yield WorkerJob(number, f"{arm}-s{seed}", chain, str(number), float(len(several)))


def _computed(chain: _Chain, tell: Tell) -> list[FailedCell]:
    """Compute the cells of a chain in an actor; returns those that failed, after which the others continue."""
    import torch

    torch.set_num_threads(1)
    failed: list[FailedCell] = []
    with working_in(chain.start):
        for cell in chain.cells:
            started = time.monotonic()
            try:
                compute_cell(cell, chain.work, chain.offline)
            except DiskError:
                raise
            except RobustXtremeError as error:
                failed.append(FailedCell(cell.name, one_line(str(error)), isinstance(error, UserError)))
                tell(f"{cell.name} failed: {failed[-1].why}")
            else:
                tell(f"{cell.name}: {COMPLETE}{time.monotonic() - started:.1f} s")
    return failed


def compute_cell(cell: StudyCell, work: Path, offline: bool) -> None:
    """Train a cell and evaluate it, or continue with that."""
    if cell.train:
        train(from_tables(training(cell, work, offline), cell.name), Options())
    evaluate(from_mapping(evaluation(cell, work, offline), cell.name), observer=Observer(), cache=False)


def training(cell: StudyCell, work: Path, offline: bool) -> dict[str, Any]:
    """The tables of a cell's run file."""
    return {**_plain(cell.train), "offline": offline, "out": str(cell.run(work))}


def evaluation(cell: StudyCell, work: Path, offline: bool) -> dict[str, Any]:
    """The keys of a cell's `eval`. Of the texts of an attack those of its own target are read."""
    kept = {key: value for key, value in cell.evaluate.items() if key != "model"}
    model = str(cell.run(work)) if cell.train else cell.evaluate["model"]
    return {
        "device": cell.train.get("device", "auto"),
        "data": cell.train.get("data", "auto"),
        **kept,
        "model": [f"{cell.target}={model}"],
        "tasks": [cell.target],
        "frozen": [str(cell.victim.evaluation(work))] if cell.victim else [],
        "offline": offline,
        "out": str(cell.evaluation(work)),
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()}


Watch = Callable[[str], None]
"""Called with each line of progress."""


@final
@dataclass(frozen=True, slots=True)
class Result:
    """A finished study: its folder, and what it found."""

    folder: Path
    outcome: Outcome


@plain()
def study(
    name: str | Path,
    *,
    out: str | Path = "",
    seeds: int | None = None,
    data: str | Path | None = None,
    devices: str | Sequence[str] | None = None,
    on: str | None = None,
    offline: bool = False,
) -> Outcome:
    """Run a study, or continue it, and return what it found.

    `name` is that of a study that ships with the program (`robust-xtreme study list`), or a file. `seeds` and `data`
    replace the file's keys; `devices` and `on` are those of `evaluate`, by default every GPU, or a process for each
    core. `.values` is a frame with a row for each run and cell, `.contrasts` with the differences between arms, their
    intervals over training seeds and what is claimed, `.sentences` says that in words; the folder `out`, by default
    `runs/study-NAME`, has them with the page. Raises what `train` and `evaluate` raise.
    """
    given = {"seeds": seeds, "data": None if data is None else str(data)}
    replaced: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return run(str(name), out=str(out), devices=devices, on=on, offline=offline, **replaced).outcome


def run(
    name: str,
    *,
    out: str = "",
    devices: str | Sequence[str] | None = None,
    on: str | None = None,
    offline: bool = False,
    begin: Callable[[StudyPlan], None] = lambda _: None,
    watch: Watch = lambda _: None,
    **given: Any,
) -> Result:
    """Compute the cells that are missing, and write the frames and the page of a study.

    `begin` gets the plan before anything is computed, `watch` each line of progress. `given` replaces top keys of the
    file. Raises what `train` and `evaluate` raise, Locked where another process computes the same study.
    """
    described = read(name, given)
    described = replace(described, seeds=_seeds(described, folder_of(described, out), "seeds" in given))
    _check_folder(folder_of(described, out), described.name)
    plan_of(described, folder_of(described, out))  # raises before there is a folder
    folder = store.make_folder(folder_of(described, out))
    with store.lock(folder):
        store.check_file(folder / LOG)
        planned = plan_of(described, folder)
        begin(planned)
        tell, failed = _logged(folder, watch), list[FailedCell]()
        if planned.todo:
            failed = _compute(planned, folder, _devices(described, joined(devices), on), on, offline, tell)
        if failed and not any(cell.complete(folder) for cell in _compared(planned)):
            raise _of_cells(failed)
        result = outcome(described, folder)
        write(result, folder)
    if failed:
        raise _of_cells(failed)
    return Result(folder, result)


def _seeds(study: Study, folder: Path, named: bool) -> int:
    """The number of seeds: that of the file, or more that the folder has already, where none is named."""
    path = folder / FACTS
    facts = store.read_json(path) if path.is_file() and not named else {}
    known = facts.get("seeds") if isinstance(facts, dict) else None
    return max(study.seeds, known) if isinstance(known, int) else study.seeds


def _check_folder(folder: Path, name: str) -> None:
    """Raise SpecError or Mismatch where a folder is a file, another study's, or has files that no study wrote."""
    if folder.exists() and not folder.is_dir():
        raise SpecError(f"{folder} is not a folder. Name another: --out DIR")
    facts = store.read_json(folder / FACTS) if (folder / FACTS).is_file() else None
    known = facts.get("name") if isinstance(facts, dict) else None
    if known is not None and known != name:
        raise Mismatch(f"{folder} has the study {known!r:.80}. Name another folder: --out DIR")
    theirs = [name for name in WRITTEN if (folder / name).exists()]
    if facts is None and theirs and not (folder / RUNS).is_dir():
        raise Mismatch(f"{folder / theirs[0]} is not the file of a study. Name another folder: --out DIR")


def _compared(planned: StudyPlan) -> list[StudyCell]:
    """The cells of arms, without those that are attacked."""
    return [cell for cell in planned.every if cell.arm in planned.study.arms]


def _compute(
    planned: StudyPlan, folder: Path, devices: str | None, on: str | None, offline: bool, watch: Watch
) -> list[FailedCell]:
    with fleet_of(planned.study.device, devices, on) as fleet:
        if fleet is None:
            raise ValueError("a study is computed by a fleet")
        return compute(_compared(planned), folder, fleet, watch, offline)


def _of_cells(failed: Sequence[FailedCell]) -> RobustXtremeError:
    """The error for the cells that failed: a user's mistake where all of them are."""
    first, more = failed[0], f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    what = f"{first.name}{more} failed, and the others are computed: {first.why}"
    return UserError(what) if all(cell.mistake for cell in failed) else RobustXtremeError(what)


def _devices(study: Study, devices: str | None, on: str | None) -> str | None:
    """The devices of a study: those given; else all GPUs, or a process for each core."""
    if devices is not None or on is not None:
        return devices
    if device_of(study.device) == "cuda":
        return "all"
    return ",".join(["cpu"] * cores())


def _logged(folder: Path, watch: Watch) -> Watch:
    """Progress that is written to the folder's log, too."""

    def tell(line: str) -> None:
        with appended(folder / LOG) as log:
            log.write(f"{one_line(line)}\n".encode())
        watch(line)

    return tell

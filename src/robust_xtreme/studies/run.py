"""Runs a study: plan, compute what is missing, collect, write."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robust_xtreme.core.errors import DiskError, RobustXtremeError, UserError, counted, plain
from robust_xtreme.core.run_spec import from_mapping
from robust_xtreme.core.sinks import one_line
from robust_xtreme.files import store
from robust_xtreme.files.new_files import appended
from robust_xtreme.models.predictors.loaded import device_of
from robust_xtreme.run.fleets import check_fleet, fleet_of, joined
from robust_xtreme.run.run import Observer, evaluate
from robust_xtreme.studies.folder import LOG, Outcome, outcome, write
from robust_xtreme.studies.planning import StudyPlan, described, plan_of
from robust_xtreme.studies.study_file import StudyCell
from robust_xtreme.training.loop import Options
from robust_xtreme.training.spec import Tell, from_tables
from robust_xtreme.training.stage import train
from robust_xtreme.workers.messages import Fleet, WorkerJob
from robust_xtreme.workers.processes import cores
from robust_xtreme.workers.supervisor import each, working_in


@dataclass(frozen=True, slots=True)
class _Chain:
    """The cells of an arm with a seed, which share their first stages; `work` counts from the folder `start`."""

    cells: tuple[StudyCell, ...]
    work: Path
    start: Path
    offline: bool


@dataclass(frozen=True, slots=True)
class FailedCell:
    """A cell that could not be computed, why, and whether that is a user's mistake."""

    name: str
    why: str
    mistake: bool


def compute(cells: Sequence[StudyCell], work: Path, fleet: Fleet, tell: Tell, offline: bool) -> list[FailedCell]:
    """Train and evaluate cells; those that are attacked come before those that read their texts.

    A cell that fails is returned, and the others continue; only a full disk, and a failed attack, end the study.
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
    """The chains of cells, seed by seed, of a seed the longest first."""
    chains: defaultdict[tuple[str, int], list[StudyCell]] = defaultdict(list)
    for cell in cells:
        chains[cell.arm, cell.seed].append(cell)
    for number, ((arm, seed), several) in enumerate(chains.items()):
        chain = _Chain(tuple(several), work, Path.cwd(), offline)
        yield WorkerJob(number, f"{arm}-s{seed}", chain, str(number), len(several) * 10.0 ** (cells[0].seed - seed))


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
                tell(f"{cell.name}: complete in {time.monotonic() - started:.1f} s")
    return failed


def compute_cell(cell: StudyCell, work: Path, offline: bool) -> None:
    """Train a cell and evaluate it, or continue with that."""
    if cell.train:
        train(from_tables(training(cell, work, offline), cell.name), Options())
    evaluate(from_mapping(evaluation(cell, work, offline), cell.name), observer=Observer(), cache=False)


def training(cell: StudyCell, work: Path, offline: bool) -> dict[str, Any]:
    """The tables of a cell's run file."""
    tables = {key: dict(value) if isinstance(value, Mapping) else value for key, value in cell.train.items()}
    return {**tables, "offline": offline, "out": str(cell.run(work))}


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


@plain()
def study(
    name: str | Path,
    *,
    out: str | Path = "",
    seeds: int | None = None,
    data: str | Path | None = None,
    start: str | Path | None = None,
    scale: str | None = None,
    devices: str | Sequence[str] | None = None,
    on: str | None = None,
    offline: bool = False,
) -> Outcome:
    """Run a study, or continue it, and return what it found.

    `name` is that of a study that ships with the program (`robust-xtreme study list`), or a file. `seeds`, `data` and
    `start`, the encoder, replace the file's keys; `scale` is one of its scales; `devices` and `on` are those of
    `evaluate`, by default every GPU, or a process for each core. `.values` is a frame with a row for each run and cell,
    `.contrasts` with the differences between arms, their intervals over training seeds and what is claimed,
    `.sentences` says that in words; the folder `out`, by default `runs/study-NAME_SCALE`, has them with the page.
    Raises what `train` and `evaluate` raise.
    """
    given = {"seeds": seeds, "data": data and str(data), "from": start and str(start), "scale": scale}
    replaced: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return run(str(name), out=str(out), devices=devices, on=on, offline=offline, **replaced)[1]


def run(
    name: str,
    *,
    out: str = "",
    devices: str | Sequence[str] | None = None,
    on: str | None = None,
    offline: bool = False,
    begin: Callable[[StudyPlan], None] = lambda _: None,
    watch: Tell = lambda _: None,
    **given: Any,
) -> tuple[Path, Outcome]:
    """Compute the cells that are missing, write the frames and the page of a study; returns its folder, too.

    `given` replaces top keys of the file. Raises what `train` and `evaluate` raise, Locked.
    """
    asked, folder = described(name, out, given)
    plan_of(asked, folder)  # raises before there is a folder, as devices do that are not there
    named = joined(devices)
    if named is not None:
        check_fleet(asked.device, named, on)
    store.make_folder(folder)

    def tell(line: str) -> None:
        with appended(folder / LOG) as log:
            log.write(f"{one_line(line)}\n".encode())
        watch(line)

    with store.lock(folder):
        store.check_file(folder / LOG)
        planned = plan_of(asked, folder)
        begin(planned)
        failed: list[FailedCell] = []
        compared = [cell for cell in planned.every if cell.arm in asked.arms]  # without those that are attacked
        if planned.todo:
            if named is None and on is None:  # all GPUs, or a process for each core
                named = "all" if device_of(asked.device) == "cuda" else ",".join(["cpu"] * cores())
            with fleet_of(asked.device, named, on) as fleet:
                assert fleet is not None
                failed = compute(compared, folder, fleet, tell, offline)
        complete = sum(cell.complete(folder) for cell in compared)
        if not failed or complete:
            result = outcome(asked, folder)
            write(result, folder)
    if failed:
        raise _of_cells(failed, complete)
    return folder, result


def _of_cells(failed: Sequence[FailedCell], complete: int) -> RobustXtremeError:
    """The error for the cells that failed beside the complete ones: a user's mistake where all of them are."""
    first, more = failed[0], f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    others = f", and {counted(complete, 'cell')} {'is' if complete == 1 else 'are'} complete" if complete else ""
    what = f"{first.name}{more} failed{others}: {first.why}"
    return UserError(what) if all(cell.mistake for cell in failed) else RobustXtremeError(what)

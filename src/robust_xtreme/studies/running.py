"""Trains and evaluates the cells of a study by the actors of a fleet; what is complete is kept."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.errors import DiskError, RobustXtremeError, UserError
from robust_xtreme.evaluation.run import Observer, evaluate
from robust_xtreme.evaluation.units.each import each
from robust_xtreme.evaluation.units.shared_folder import working_in
from robust_xtreme.evaluation.units.unit import Fleet, Piece
from robust_xtreme.run_spec import from_mapping
from robust_xtreme.sinks import one_line
from robust_xtreme.studies.grid import Cell
from robust_xtreme.training.loop import Options
from robust_xtreme.training.spec import from_tables
from robust_xtreme.training.stage import train

Tell = Callable[[str], None]

COMPLETE: Final = "complete in "
"""What follows the name in the line about a finished cell."""


@final
@dataclass(frozen=True, slots=True)
class _Chain:
    """The cells of an arm with a seed, which share their first stages; `work` counts from the folder `start`."""

    cells: tuple[Cell, ...]
    work: Path
    start: Path
    offline: bool


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """A cell that could not be computed, why, and whether that is a user's mistake."""

    name: str
    why: str
    mistake: bool


def compute(cells: Sequence[Cell], work: Path, fleet: Fleet, tell: Tell, offline: bool) -> list[Failed]:
    """Train and evaluate cells; those that are attacked come before those that read their texts.

    Each actor computes one chain at a time, on a CPU in one thread. A chain whose actor is lost continues with another
    one. A cell that fails is returned, and the others continue; only a full disk, and a failed attack that others
    read, end the study.
    """
    attacked = {cell.victim.name: cell.victim for cell in cells if cell.victim is not None}
    failed: list[Failed] = []
    for several in ([*attacked.values()], cells):
        todo = [cell for cell in several if not cell.complete(work)]
        if not failed:
            results = each(_computed, [*_pieces(todo, work, offline)], fleet, tell)
            failed += [cell for result in results for cell in result]
    return failed


def _pieces(cells: Sequence[Cell], work: Path, offline: bool) -> Iterator[Piece]:
    chains: defaultdict[tuple[str, int], list[Cell]] = defaultdict(list)
    for cell in cells:
        chains[cell.arm, cell.seed].append(cell)
    for number, ((arm, seed), several) in enumerate(chains.items()):
        chain = _Chain(tuple(several), work, Path.cwd(), offline)
        yield Piece(number, f"{arm}-s{seed}", str(number), float(len(several)), chain)


def _computed(chain: _Chain, tell: Tell) -> list[Failed]:
    """Compute the cells of a chain in an actor; returns those that failed, after which the others continue."""
    import torch

    torch.set_num_threads(1)
    failed: list[Failed] = []
    with working_in(chain.start):
        for cell in chain.cells:
            started = time.monotonic()
            try:
                compute_cell(cell, chain.work, chain.offline)
            except DiskError:
                raise
            except RobustXtremeError as error:
                failed.append(Failed(cell.name, one_line(str(error)), isinstance(error, UserError)))
                tell(f"{cell.name} failed: {failed[-1].why}")
            else:
                tell(f"{cell.name}: {COMPLETE}{time.monotonic() - started:.1f} s")
    return failed


def compute_cell(cell: Cell, work: Path, offline: bool) -> None:
    """Train a cell and evaluate it, or continue with that."""
    if cell.train:
        train(from_tables(training(cell, work, offline), cell.name), Options())
    evaluate(from_mapping(evaluation(cell, work, offline), cell.name), observer=Observer(), cache=False)


def training(cell: Cell, work: Path, offline: bool) -> dict[str, Any]:
    """The tables of a cell's run file."""
    return {**_plain(cell.train), "offline": offline, "out": str(cell.run(work))}


def evaluation(cell: Cell, work: Path, offline: bool) -> dict[str, Any]:
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

"""The cost of a study before it is run: its stages in seconds here or, where models are not here, in operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme import registry
from robust_xtreme.errors import counted
from robust_xtreme.noise.suites import asked
from robust_xtreme.run_spec import parse_limits
from robust_xtreme.specs import TaskSpec
from robust_xtreme.studies.grid import Cell
from robust_xtreme.studies.planning import Plan
from robust_xtreme.studies.running import training
from robust_xtreme.studies.study_file import Study
from robust_xtreme.training.estimate import Row, plan_of
from robust_xtreme.training.spec import from_tables

_LEARNING: Final = 6
"""Operations of forward and backward pass for each token and parameter (Kaplan et al. 2020, arXiv 2001.08361)."""

_TERA: Final = 1e12
_HOUR: Final = 3600
_MINUTE: Final = 60
_LENGTH: Final = 256
"""Tokens of an input whose tokenizer is not on this machine; an upper bound for most tasks."""


@final
@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that cells of an arm share, and in how many seeds it is to do."""

    arm: str
    row: Row
    seeds: int

    @property
    def tokens(self) -> int:
        """Tokens that it reads in one seed; without a tokenizer as many as its inputs can have."""
        return self.row.tokens or (self.row.steps or 0) * self.row.batch_size * _LENGTH

    @property
    def seconds(self) -> float | None:
        """Seconds on this machine in all seeds; None where it cannot be timed."""
        return None if self.row.seconds is None else self.row.seconds * self.seeds


def cost_lines(plan: Plan, work: Path) -> list[str]:
    """The cost of what is to do, a line for each kind of stage and one for all."""
    stages = [stage for stage in _stages(plan, work) if stage.row.steps]
    kinds = dict.fromkeys(stage.row.kind for stage in stages)
    lines = [_line(kind, [stage for stage in stages if stage.row.kind == kind]) for kind in kinds]
    return [*lines, _evaluations(plan), *([_total(plan, stages)] if stages else [])] if plan.todo else []


def _stages(plan: Plan, work: Path) -> Iterator[Stage]:
    """The stages of the chains of one seed, each once; a seed of another number costs the same."""
    learning: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in plan.todo:
        if cell.train:
            learning.setdefault((cell.arm, cell.target, cell.language), []).append(cell)
    known: set[tuple[str, str, str]] = set()
    for (arm, target, language), several in learning.items():
        spec = from_tables(training(several[0], work, True), several[0].name)
        for row in plan_of(spec, lambda _: None):
            shared = "" if row.kind == "target" else str(row.folder and row.folder.name)
            key = (arm, row.kind, shared or f"{target}{language}")
            if key not in known:
                known.add(key)
                yield Stage(arm, row, len(several))


def _line(kind: str, stages: list[Stage]) -> str:
    steps = sum((stage.row.steps or 0) * stage.seeds for stage in stages)
    tokens = sum(stage.tokens * stage.seeds for stage in stages)
    runs = sum(stage.seeds for stage in stages)
    return f"{kind.replace('_', ' ')}: {counted(runs, 'run')}, {steps:,} steps, about {tokens:,} tokens"


def _evaluations(plan: Plan) -> str:
    """How much is evaluated: runs, and predictions where the number of rows is limited."""
    several = [_predictions(cell) for cell in plan.todo]
    known = [number for number in several if number is not None]
    what = f"evaluation: {counted(len(several), 'run')}"
    return f"{what}, at most {sum(known):,} predictions" if len(known) == len(several) else what


def _predictions(cell: Cell) -> int | None:
    """The most predictions of a cell; None without a limit of rows."""
    task: TaskSpec = registry.load("task", cell.target)
    limits = parse_limits(str(cell.evaluate.get("limit", "")))
    rows = limits.get(cell.target, limits.get(""))
    languages = cell.evaluate.get("languages") or task.languages
    conditions = 1 + len(asked(cell.evaluate.get("perturb", ()))) + (cell.victim is not None)
    return rows and rows * len(languages) * conditions * int(cell.evaluate.get("seeds", 1))


def _total(plan: Plan, stages: list[Stage]) -> str:
    seconds = [stage.seconds for stage in stages]
    if None not in seconds:
        total = sum(second or 0.0 for second in seconds)
        return f"Training: about {_time(total)} of one device here for forward and backward passes."
    if plan.study.cost is None:
        return "Time: not known: a model is not on this machine, and the file has no table [cost]."
    return _operations(plan.study, stages)


def _operations(study: Study, stages: list[Stage]) -> str:
    """The time on the device of [cost], by operations for each token and parameter."""
    cost = study.cost
    if cost is None:
        raise ValueError("the study has a table [cost]")
    every = sum(
        _LEARNING * stage.tokens * stage.seeds * (study.arms[stage.arm].parameters or cost.parameters)
        for stage in stages
        if stage.arm in study.arms
    )
    hours = every / (cost.tflops * _TERA) / _HOUR
    return f"Training: about {every:.2g} operations, {hours:,.0f} hours of {cost.device} at {cost.tflops:g} TFLOP/s."


def _time(seconds: float) -> str:
    return f"{seconds / _HOUR:.1f} h" if seconds >= _HOUR else f"{max(1, round(seconds / _MINUTE))} min"

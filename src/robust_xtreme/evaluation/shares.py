"""What each device of a fleet would do in a run, for `eval --plan`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from robust_xtreme.errors import counted
from robust_xtreme.evaluation.distributed import unit_of
from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.evaluation.units.deck import forecast
from robust_xtreme.evaluation.units.unit import Piece

_NAMED: Final = 6
"""The most task runs of a device that its line names."""

_SLOTS: Final = 16
"""The most devices that have a line each."""


def shares(todo: Sequence[TaskRun], sizes: Sequence[float], slots: Sequence[str]) -> tuple[list[str], float]:
    """A line for each device with its task runs, and the size of the largest share, if sizes are as they are given."""
    units = [unit_of(number, *sized) for number, sized in enumerate(zip(todo, sizes, strict=True))]
    dealt = forecast(units, len(slots))
    lines = [_line(slot, of_slot) for slot, of_slot in zip(slots, dealt, strict=True) if of_slot]
    more = [f"and {len(lines) - _SLOTS} more devices"] if len(lines) > _SLOTS else []
    return [*lines[:_SLOTS], *more], max((sum(unit.size for unit in of_slot) for of_slot in dealt), default=0.0)


def _line(slot: str, units: Sequence[Piece]) -> str:
    predictions = sum(unit.payload.predictions for unit in units)
    labels = [unit.label for unit in units]
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return f"{slot}: {counted(predictions, 'prediction')}: {', '.join(labels[:_NAMED])}{more}"

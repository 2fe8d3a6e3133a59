"""Recipes: default values of a stage's spec, one TOML file each under `configs/recipes/`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import SpecError, UnknownName
from robust_xtreme.core.specs import TaskSpec, check_keys

MASKED_LM: Final = "masked_lm"
_ABOUT: Final = "about"
_MOST: Final = 10**9


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """Defaults of a stage: passes over the data or steps, units a step, learning rate, warm-up, weight decay.

    Units are examples in choice and retrieval, whose windows are learned together, and windows in other families.
    The warm-up is `warmup` steps, at most a tenth of all, or `warmup_share` of all. `max_length` 0 is the task's own.
    """

    epochs: int = 0
    steps: int = 0
    batch_size: int = 32
    lr: float = 1e-5
    warmup: int = 0
    warmup_share: float = 0.0
    weight_decay: float = 0.0
    max_length: int = 0

    def warm(self, steps: int) -> int:
        """The number of warm-up steps of a stage of `steps` steps."""
        return int(self.warmup_share * steps) if self.warmup_share else min(self.warmup, steps // 10)


def names() -> tuple[str, ...]:
    """The recipes that ship with the program."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def _folder() -> Path:
    return resources.folder("configs") / "recipes"


@cache
def recipe(name: str) -> Mapping[str, Recipe]:
    """The tables of a recipe, named or a TOML file, by the name of a task or of a family.

    Raises UnknownName, SpecError.
    """
    path = Path(name) if name.endswith(".toml") else _folder() / f"{name}.toml"
    if not path.is_file():
        raise UnknownName("recipe", name, names(), "robust-xtreme config list")
    tables = resources.toml(path)
    tables.pop(_ABOUT, None)
    return {table: _recipe(values, f"{path}: [{table}]") for table, values in tables.items()}


def _recipe(values: Any, location: str) -> Recipe:
    known = {field.name: field for field in dataclasses.fields(Recipe)}
    if not isinstance(values, dict):
        raise SpecError(f"{location} is not a table, as in [classification].")
    check_keys(values, known, (), location)
    for key, value in values.items():
        number = type(value) is int or (type(value) is float and known[key].type == "float")
        if not number or not 0 <= value <= _MOST:
            kind = "whole number" if known[key].type == "int" else "number"
            raise SpecError(f"{location}: the key {key!r} takes a {kind} from 0 to {_MOST:,}, not {value!r}.")
    return Recipe(**values)


def of_tasks(name: str, tasks: Iterable[TaskSpec]) -> Recipe:
    """The recipe of tasks that are learned together, each by its own table or by that of its family.

    For several tasks: the most epochs, the smallest batch and rate, the longest warm-up and texts, the strongest decay.
    Raises SpecError where a task has no table.
    """
    tables, parts = recipe(name), []
    for task in tasks:
        table = tables.get(task.name) or tables.get(task.family)
        if table is None:
            raise SpecError(f"The recipe {name} has no table for {task.name}, nor for its family {task.family}.")
        parts.append(table)
    return Recipe(
        epochs=max(part.epochs for part in parts),
        batch_size=min(part.batch_size for part in parts),
        lr=min(part.lr for part in parts),
        warmup=max(part.warmup for part in parts),
        warmup_share=max(part.warmup_share for part in parts),
        weight_decay=max(part.weight_decay for part in parts),
        max_length=max(part.max_length for part in parts),
    )


def of_text(name: str) -> Recipe:
    """The recipe of masked LM on plain text. Raises SpecError where it has no such table."""
    table = recipe(name).get(MASKED_LM)
    if table is None:
        raise SpecError(f"The recipe {name} has no table [{MASKED_LM}].")
    return table

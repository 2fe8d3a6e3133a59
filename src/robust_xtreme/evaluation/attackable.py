"""Which attacks have a meaning in which tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from robust_xtreme.attack import recipes
from robust_xtreme.errors import SpecError, nearest
from robust_xtreme.evaluation.attacking import needs_vectors, target_of
from robust_xtreme.models.on_disk import Located
from robust_xtreme.noise.engine.attack import LIBRARY, is_recipe
from robust_xtreme.predictors.predictor import Embedding, predictor_of
from robust_xtreme.specs import BITEXT, CANDIDATE, PerturbationSpec, TaskSpec
from robust_xtreme.targets.kinds import kind_of


def unanswerable(cell: PerturbationSpec, on: Sequence[PerturbationSpec], task: TaskSpec, model: Located) -> str:
    """Why an attack cannot ask for the answers to single queries in a task, for its target or for vectors; "": it can.

    `on` is the attack on each group of fields.
    """
    if (target := target_of(cell)) and target not in _classes(task):
        return f"it has no label {target!r}"
    if task.pool is not None and task.pool.search == BITEXT:
        return "its pairs are mined over all sentences at once"
    shared = task.pool is not None and any(CANDIDATE in each.fields for each in on)
    if shared:
        return f"all queries search the same {CANDIDATE}s (name @fields=query)"
    lacks = needs_vectors(cell) and not isinstance(predictor_of(model, task, _no_model), Embedding)
    return f"what predicts it with {model.name} has no vectors of texts for @similar" if lacks else ""


def _no_model() -> NoReturn:
    raise AssertionError("the weights are not needed for a plan")


def check_target(cell: PerturbationSpec, tasks: Sequence[TaskSpec]) -> None:
    """Raise SpecError, one line, where no task has the label that an attack wants as the answer."""
    target, labels = target_of(cell), dict.fromkeys(label for task in tasks for label in _classes(task))
    if target and target not in labels:
        what = f"No task here has the label {target!r} of {cell}.{nearest(target, labels)}"
        raise SpecError(f"{what} Known: {', '.join(labels) or 'none'}.")


def check_recipe(cell: PerturbationSpec) -> None:
    """Raise UserError, one line, where a recipe of TextAttack cannot be run on this machine."""
    if is_recipe(cell.name):
        recipes.check(cell.name.removeprefix(LIBRARY))


def _classes(task: TaskSpec) -> tuple[str, ...]:
    """The labels that an attack can want as the answer."""
    return task.labels if kind_of(task.family).indexed else ()

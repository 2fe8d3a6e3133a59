"""The settings of inference, which name a cell."""

from __future__ import annotations

from robust_xtreme.evaluation.plan import TaskRun
from robust_xtreme.models.representation import DEFAULT, Representation
from robust_xtreme.retrieval.embeddings import dtype_for
from robust_xtreme.run_spec import RunSpec
from robust_xtreme.specs import BITEXT


def check_settings(spec: RunSpec) -> None:
    """Raise SpecError where a run's representation is malformed."""
    _wanted(spec)


def inference(task_run: TaskRun, spec: RunSpec) -> str:
    """The settings of a task run's inference; tuned values are in the manifest."""
    pool = task_run.task.pool
    precision = f"precision={spec.precision}"
    if pool is None:
        return f"max_length={task_run.task.max_length} stride={task_run.task.stride} {precision}"
    size = task_run.model.config.get("hidden_size")
    dtype = dtype_for(task_run.candidates, size if isinstance(size, int) else 0).name
    named = {
        "max_length": f"{task_run.task.max_length}/{pool.max_length}",
        "representation": "head" if task_run.model.head else _representation(task_run, spec),
        "index": spec.index,
        "vectors": dtype,
        **({"threshold": "validation"} if pool.search == BITEXT else {}),
    }
    return " ".join([*(f"{name}={value}" for name, value in named.items()), precision])


def _representation(task_run: TaskRun, spec: RunSpec) -> str:
    """The representation, and its layer in this encoder, if the configuration has the number of layers."""
    wanted = _wanted(spec)
    layers = task_run.model.config.get("num_hidden_layers")
    return f"{wanted}(layer {wanted.at(layers)})" if isinstance(layers, int) else str(wanted)


def _wanted(spec: RunSpec) -> Representation:
    return Representation.parse(spec.representation) if spec.representation else DEFAULT

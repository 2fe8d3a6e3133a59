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


def inference(unit: TaskRun, spec: RunSpec) -> str:
    """The settings of a unit's inference; what they are tuned to is in the manifest."""
    pool = unit.task.pool
    precision = f"precision={spec.precision}"
    if pool is None:
        return f"max_length={unit.task.max_length} stride={unit.task.stride} {precision}"
    size = unit.model.config.get("hidden_size")
    dtype = dtype_for(unit.candidates, size if isinstance(size, int) else 0).name
    named = {
        "max_length": f"{unit.task.max_length}/{pool.max_length}",
        "representation": "head" if unit.model.head else _representation(unit, spec),
        "index": spec.index,
        "vectors": dtype,
        **({"threshold": "validation"} if pool.search == BITEXT else {}),
    }
    return " ".join([*(f"{name}={value}" for name, value in named.items()), precision])


def _representation(unit: TaskRun, spec: RunSpec) -> str:
    """The representation, and its layer in this encoder, where the configuration says how deep that is."""
    wanted = _wanted(spec)
    layers = unit.model.config.get("num_hidden_layers")
    return f"{wanted}(layer {wanted.at(layers)})" if isinstance(layers, int) else str(wanted)


def _wanted(spec: RunSpec) -> Representation:
    return Representation.parse(spec.representation) if spec.representation else DEFAULT

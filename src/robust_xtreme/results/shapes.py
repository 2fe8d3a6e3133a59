"""Whether JSON that was read from a file has the keys and types that its readers need."""

from __future__ import annotations

from typing import Any, Final

TASKS: Final = {
    str: {
        "metrics": [str, ...],
        "score?": [str],
        "perturbed": [[str]],
        "groups?": dict,
        "parallel_ids?": (str, type(None)),
    }
}
UNITS: Final = [{"task": str, "language": str}]
MODELS: Final = [{"task": str, "model": str, "identity": str}, ...]
MANIFEST: Final = {"files": dict, "spec": dict, "tasks": TASKS, "units": UNITS, "models": MODELS}
"""The manifest of a finished run."""


def fits(value: Any, shape: Any) -> bool:
    """Whether a value has a shape.

    A shape is a type, or several in a tuple; `[shape]`, a list of such entries, of at least one with `...` after it; or
    a mapping of keys to shapes, where a key that ends in ? may be absent, and `str` is any key of one or more.
    """
    if isinstance(shape, list):
        of_entries = isinstance(value, list) and len(value) >= len(shape) - 1
        return of_entries and all(fits(entry, shape[0]) for entry in value)
    if not isinstance(shape, dict):
        return isinstance(value, shape)
    if not isinstance(value, dict):
        return False
    if str in shape:
        return bool(value) and all(fits(entry, shape[str]) for entry in value.values())
    return all(_has(value, key, entry) for key, entry in shape.items())


def _has(value: dict[str, Any], key: str, shape: Any) -> bool:
    name = key.removesuffix("?")
    return fits(value[name], shape) if name in value else name != key

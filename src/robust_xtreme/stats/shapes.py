"""Whether JSON that was read from a file has the keys and types that its readers need."""

from typing import Any, Final

_TEXTS: Final = {str: str}
_PAIRS: Final = {"pairs": int, "items": int, "pairing": str, "clean_left": int, "noisy_left": int, "edited_only": bool}
TASKS: Final[Any] = {
    str: {
        "metrics": [str, ...],
        "perturbed": [[str]],
        "groups?": {str: [str]},
        "parallel_ids?": (str, type(None)),
        "family?": str,
        "score?": [str],
    },
    ...: None,
}
UNITS: Final[Any] = [{"task": str, "language": str, "split?": str, "data?": str, "rows?": int, "candidates?": int}]
MODELS: Final[Any] = [{"task": str, "model": str, "identity": str}, ...]
MANIFEST: Final[Any] = {
    **dict.fromkeys(("version?", "spec_hash?", "device?", "suite?", "halved?", "packs?", "language_models?"), str),
    **{key: [str] for key in ("notes?", "commands?", "overlap?", "own_data?", "runs?")},
    **dict.fromkeys(("files", "parts?", "licences?"), _TEXTS),
    "tasks": TASKS,
    "models": [{**MODELS[0], "trained_on?": [str]}, ...],
    "units": [{**UNITS[0], "labels?": [str], "files?": [_TEXTS], "external?": _PAIRS}],
    "spec": {"tasks?": [str], "languages?": [str], "perturb?": [str], "seeds?": int},
    "not_run?": [{"reason": str, "task": str, "language?": str, "detail?": str}],
    "noise_sources?": {str: {str: [str]}},
    "tuned?": {str: (int, float)},
    "batch_tokens?": int,
}
"""The manifest of a finished run."""


def fits(value: Any, shape: Any) -> bool:
    """Whether a value has a shape.

    A shape is a type, or several shapes in a tuple; `[shape]`, a list of such entries; or a mapping of keys to shapes,
    where a key that ends in ? may be absent, and `str` is any key. With `...` there is at least one entry.
    """
    if isinstance(shape, tuple):
        return any(fits(value, each) for each in shape)
    if isinstance(shape, list):
        of_entries = isinstance(value, list) and len(value) >= len(shape) - 1
        return of_entries and all(fits(entry, shape[0]) for entry in value)
    if not isinstance(shape, dict):
        return type(value) is shape
    if not isinstance(value, dict):
        return False
    if str in shape:
        return len(value) >= len(shape) - 1 and all(fits(entry, shape[str]) for entry in value.values())
    named = ((key.removesuffix("?"), key, entry) for key, entry in shape.items())
    return all(fits(value[name], entry) if name in value else name != key for name, key, entry in named)

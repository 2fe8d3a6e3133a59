"""Robustness of multilingual models on the tasks of XTREME-R: perturb, evaluate, measure degradation, report.

`evaluate`, `perturb` and `train` are loaded on first use, so that importing the package is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from robust_xtreme.api import evaluate as evaluate
    from robust_xtreme.api import perturb as perturb
    from robust_xtreme.api import train as train

__all__ = ["__version__", "evaluate", "perturb", "train"]
__version__ = "0.1.0"

_VERBS = ("evaluate", "perturb", "train")


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        return getattr(importlib.import_module("robust_xtreme.api"), name)
    raise AttributeError(f"module 'robust_xtreme' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_VERBS})

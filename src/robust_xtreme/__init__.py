"""Robustness of multilingual models on the tasks of XTREME-R: perturb, evaluate, measure degradation, report.

What it exports is loaded on first use, so that importing the package is cheap. The types are in `__init__.pyi`.
"""

import importlib as _importlib

__all__ = [
    "Baseline",
    "RunSpec",
    "__version__",
    "compare",
    "evaluate",
    "from_frame",
    "gate",
    "load",
    "perturb",
    "study",
    "train",
]
__version__ = "0.1.0"
_MODULES = {
    "Baseline": "robust_xtreme.gating.baselines",
    "from_frame": "robust_xtreme.exchange.importing.reading",
    "study": "robust_xtreme.studies.run",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'robust_xtreme' has no attribute {name!r}")
    with _importlib.import_module("robust_xtreme.core.errors").plain():
        return getattr(_importlib.import_module(_MODULES.get(name, "robust_xtreme.api")), name)


def __dir__() -> list[str]:
    return sorted(__all__)

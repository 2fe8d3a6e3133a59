"""Bundled files: found in the checkout first, then in the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from robust_xtreme.errors import RobustXtremeError

_PACKAGE: Final = Path(__file__).parent
_CHECKOUT: Final = _PACKAGE.parent.parent


def _is_checkout() -> bool:
    return _PACKAGE.parent.name == "src" and (_CHECKOUT / "pyproject.toml").is_file()


def folder(name: str) -> Path:
    """The bundled folder `perturbations` or `configs`.

    Raises RobustXtremeError where neither the checkout nor the package holds it (a broken installation).
    """
    candidates = [_CHECKOUT / name] if _is_checkout() else []
    candidates.append(_PACKAGE / "_bundled" / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise RobustXtremeError(f"The bundled folder {name!r} is missing from this installation of robust-xtreme.")


def mini(name: str) -> Path:
    """The folder `suite` or `model` of the embedded default. Raises RobustXtremeError where it is missing."""
    found = _PACKAGE / "_mini" / name
    if found.is_dir():
        return found
    raise RobustXtremeError(f"The embedded {name} of mini is missing from this installation of robust-xtreme.")

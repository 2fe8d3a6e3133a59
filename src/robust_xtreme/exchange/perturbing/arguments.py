"""The arguments that functions of Python that perturb share: a spec, a seed, folders of packs."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import SupportsIndex, cast

from robust_xtreme.core.errors import SpecError, UserError, shown
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.suites import keeping_names


def cell_of(function: str, spec: str, keep_names: bool) -> PerturbationSpec:
    """The perturbation at one strength that a function takes. Raises SpecError where a spec lists several."""
    parsed = PerturbationSpec.parse(spec)
    cell, *others = (keeping_names(parsed) if keep_names else parsed).cells()
    if others:
        raise SpecError(f"{str(parsed)!r} lists {1 + len(others)} strengths; {function} takes one, as in {cell}")
    return cell


def seed_of(function: str, seed: object, argument: str = "seed") -> int:
    """A seed, or another number, as an int; numpy's integers are accepted. Raises UserError naming the function."""
    if not isinstance(seed, bool):
        with suppress(TypeError):
            return operator.index(cast("SupportsIndex", seed))
    raise UserError(f"{function} takes a whole number as its {argument}, not {shown(seed)}.")


def folders_of(function: str, packs: object) -> Sequence[str | Path]:
    """The folders of packs, one or several. Raises UserError naming the function."""
    folders = [packs] if isinstance(packs, (str, Path)) else packs
    if not isinstance(folders, (list, tuple)) or not all(isinstance(folder, (str, Path)) for folder in folders):
        raise UserError(f"{function} takes packs=DIR or a list of folders, not {shown(packs)}")
    return folders

"""What a perturbed dataset depends on, as a fingerprint: the same in every process, another after every change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from robust_xtreme import __version__, resources
from robust_xtreme.datasets.condition import Condition
from robust_xtreme.examples import digest
from robust_xtreme.models.language_models import language_models
from robust_xtreme.noise.engine.noising import bound

_FORM: Final = "1"
"""Raised where the same arguments give other values."""


def fingerprint(dataset: str, condition: Condition) -> str:
    """The fingerprint (16 hex digits) of a dataset, by its own, under a condition. Raises ModelError."""
    return digest("perturb_dataset", _FORM, dataset, *_parts(condition))


def _parts(condition: Condition) -> Iterator[str]:
    yield from (__version__, _bundled(), str(condition.seed))
    yield from (f"column {name}" for name in condition.columns)
    yield from (f"language {condition.language}", f"languages {condition.language_column}", f"spans {condition.spans}")
    yield f"packs {condition.packs.identity}"
    for link in bound(condition.cell):
        # The shape has no folder of a language model: its content is what matters.
        yield "\n".join((*link.shape(), link.strength, link.axis, str(link.keeps_names)))
        yield _of_library(link.perturbation.name)
    yield from language_models([condition.cell])


def _of_library(name: str) -> str:
    """The version of the library whose function a perturbation is, as in `nlpaug.keyboard`; empty for our own."""
    library, dot, _ = name.partition(".")
    try:
        return version(library) if dot else ""
    except PackageNotFoundError:
        return ""


@cache
def _bundled() -> str:
    """The digest of all bundled linguistic data."""
    folder = resources.folder("perturbations")
    state = hashlib.blake2b(digest_size=8)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for part in (path.relative_to(folder).as_posix().encode(), path.read_bytes()):
            state.update(len(part).to_bytes(8, "little") + part)
    return state.hexdigest()

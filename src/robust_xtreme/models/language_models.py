"""The language models whose folders perturbations name, as in `masked_words@lm=DIR:0.1`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from robust_xtreme.core import registry
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.models.identity import identity, model_files, read_json


def language_models(specs: Iterable[PerturbationSpec]) -> tuple[str, ...]:
    """Their identities, sorted, each once. Raises ModelError."""
    named = [(registry.load("perturbation", link.name).free, link.params) for spec in specs for link in spec.links]
    folders = {Path(value).expanduser() for free, params in named for name, value in params if name in free}
    return tuple(sorted({identity(model_files(folder), read_json(folder / "config.json"), {}) for folder in folders}))

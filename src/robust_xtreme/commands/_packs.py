"""The option `--packs` of the commands that perturb: users' own linguistic data, found before the bundled ones."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated

import typer

from robust_xtreme.commands import _completion

Packs = Annotated[
    list[str] | None,
    typer.Option(
        "--packs",
        metavar="DIR",
        autocompletion=_completion.folder,
        help="Your own keyboards, alphabets, suites and others, KIND/NAME.toml, before the bundled ones. Repeatable.",
    ),
]


def using(folders: list[str] | None) -> AbstractContextManager[None]:
    """Look for packs there first while a command works. Raises UserError where one is not a folder of packs."""
    from robust_xtreme import packs

    if not folders:
        return packs.using()
    from robust_xtreme.noise import user_packs

    return user_packs.using(*folders)


def condition(incomplete: str) -> list[str]:
    """A perturbation with a strength, or a suite."""
    from robust_xtreme.noise.suites import names

    return [*_completion.one(incomplete, names()), *_completion.perturbation(incomplete)]

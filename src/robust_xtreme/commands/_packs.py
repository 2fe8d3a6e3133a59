"""The option `--packs` of the commands that perturb: users' linguistic data, searched before the bundled packs."""

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
        help="A folder of your own packs, KIND/NAME.toml, searched before the bundled ones. Repeatable.",
    ),
]


def using(folders: list[str] | None) -> AbstractContextManager[None]:
    """Search these folders for packs first. Raises UserError where one of them is not a folder of packs."""
    from robust_xtreme import packs

    if not folders:
        return packs.using()
    from robust_xtreme.noise import user_packs

    return user_packs.using(*folders)


def condition(incomplete: str) -> list[str]:
    """A perturbation with a strength, or a suite."""
    from robust_xtreme.noise.suites import names

    return [*_completion.matching(incomplete, names()), *_completion.perturbation(incomplete)]

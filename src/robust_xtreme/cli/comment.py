"""`robust-xtreme comment`: writes the report of a gate as one comment on a pull request of GitHub."""

import os
from pathlib import Path
from typing import Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._options import argument, option
from robust_xtreme.core.errors import DataError, UserError, counted
from robust_xtreme.core.resources import content
from robust_xtreme.core.sinks import echo

_LARGEST: Final = 1_000_000

File = Annotated[str, argument("FILE", "What gate -o FILE.md wrote.", _completion.any_file)]
OnlyEdit = Annotated[bool, option("--only-edit", "Edit the comment of an earlier run, but write no new one.")]


def comment(file: File, only_edit: OnlyEdit = False) -> None:
    """Write the report of a gate as one comment on the pull request that a GitHub workflow runs for.

    The comment of an earlier run is edited. The variables of the workflow name the pull request; GITHUB_TOKEN may write
    comments. For another event than a pull request nothing is written.

    Examples:

    robust-xtreme comment gate.md

    robust-xtreme comment gate.md --only-edit"""
    from robust_xtreme.gating.pull_request import of_workflow, put

    text = _text(Path(file))
    pull = of_workflow(os.environ)
    if pull is None:
        echo("No comment: the workflow does not run for a pull request.")
        return
    echo(f"The comment on pull request {pull.number} of {pull.repository} is {put(pull, text, only_edit)}.")


def _text(path: Path) -> str:
    """The report. Raises UserError where it is not one, where it cannot be read, and where it is too long."""
    from robust_xtreme.gating.outputs import MARKER
    from robust_xtreme.gating.pull_request import LONGEST

    try:
        text = content(path, _LARGEST).decode("utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(path, "is not UTF-8") from error
    if not text.startswith(MARKER):
        raise UserError(f"{path} is not the report of a gate. Write one: robust-xtreme gate RUN -o gate.md")
    if len(text) > LONGEST:
        what = f"{path} has {counted(len(text), 'character')}, and GitHub takes {LONGEST:,}"
        raise UserError(f"{what}. What gate -o gate.md writes is cut to that.")
    return text

"""`robust-xtreme compare`: the paired differences of two finished runs, with intervals and corrected tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._options import Overwriting, argument, option
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.sinks import echo

if TYPE_CHECKING:
    from pathlib import Path

    from robust_xtreme.gating.comparing import Comparison

_MOST: Final = 8
"""The rows of each table on the terminal, so that all take 80 lines at most."""

Before = Annotated[str, argument("BASELINE", "A finished run, or the name of a saved baseline.", _completion.folder)]
After = Annotated[str, argument("CANDIDATE", "A finished run on the same data and noise.", _completion.folder)]
Outputs = Annotated[
    list[str] | None, option("--out FILE", "A page (.html), text (.md), tables (.tex), or .csv, .json. Repeatable.")
]
Margin = Annotated[float | None, option("--equivalent POINTS", "Test whether differences are smaller, both ways.")]


def compare(
    baseline: Before, candidate: After, equivalent: Margin = None, output: Outputs = None, force: Overwriting = False
) -> None:
    """Compare two runs item by item: each cell, task and language, on clean and on perturbed text.

    A difference is candidate minus baseline, in points. Any two models are compared, also with other prompts, lengths
    or layers, which are named; runs on other data, noise or seeds are refused. The exit code is 0 where they could be
    compared, whatever the result; `robust-xtreme gate` fails on regressions.

    Examples:

    robust-xtreme compare runs/e5 runs/minilm

    robust-xtreme compare runs/old runs/new

    robust-xtreme compare runs/fp32 runs/int8 --equivalent 1

    robust-xtreme compare main runs/new -o difference.html -o difference.csv"""
    from robust_xtreme.cli._terminal import output as terminal
    from robust_xtreme.gating.baselines import side
    from robust_xtreme.gating.comparing import compare as compared
    from robust_xtreme.gating.outputs import COMPARED, targets, write_files
    from robust_xtreme.report.renderers.terminal import print_blocks

    files = targets(output or (), COMPARED, force)
    sides = {name: side(name) for name in (baseline, candidate)}
    comparison = compared(sides[baseline], sides[candidate], equivalent)
    if not output:
        print_blocks(terminal(), comparison.blocks(_MOST, is_brief=True))
    runs = [name for name, each in sides.items() if not each.saved_at]
    if not runs and (page := next((path for path, suffix in files.items() if suffix == ".html"), None)):
        raise UserError(f"{page} would be the page of a run, and both are saved baselines. Write text instead: .md")
    for path in write_files(files, lambda suffix, folder: _written(comparison, runs, suffix, folder)):
        echo(str(path))


def _written(comparison: Comparison, runs: list[str], suffix: str, folder: Path) -> bytes:
    """The content of a file by its suffix; a page is that of the runs, with what they were compared with."""
    from robust_xtreme.cli._page import results_of, written
    from robust_xtreme.gating.outputs import comparison_written

    if suffix != ".html":
        return comparison_written(comparison, suffix)
    return written(*results_of(runs), suffix, comparison=comparison, folder=folder)

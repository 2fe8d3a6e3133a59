"""`robust-xtreme factorial`: what prompts, dimensions and precision cost, and how much more they do under noise."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._errors import PLANNING
from robust_xtreme.cli._next import again, show_next
from robust_xtreme.cli._options import argument, option, passed, with_keys
from robust_xtreme.core.errors import FailedCells
from robust_xtreme.core.run_spec import FACTORS, RunSpec
from robust_xtreme.core.sinks import echo

if TYPE_CHECKING:
    from robust_xtreme.studies.factorial import FactorialDesign

_MOST: Final = 30
"""The rows of the table on the terminal; the page and the frames have the others."""


@with_keys(RunSpec, without=("model",), several=FACTORS)
def factorial(
    model: Annotated[str, argument("MODEL", "A folder, a hub name, mini, or a function.", _completion.model)],
    *,
    plan: Annotated[bool, option("--plan --dry-run", "Print the runs and what they take; change nothing.")] = False,
    quiet: Annotated[bool, option("--quiet -q", "Print only what was found.")] = False,
    verbose: Annotated[bool, option("--verbose -v", "Print every step, and the traceback of an error.")] = False,
    **keys: Any,
) -> None:
    """Evaluate a model at all combinations of its settings, clean and under noise, and say what each level costs.

    Several levels of prompts, dims, precision, representation or normalise make a factor, the first being the
    reference: with commas, prompts by repeating the option. The same command continues a stopped design.

    Examples:

    robust-xtreme factorial mini --precision fp32,bf16 --perturb char_noise:0.1

    robust-xtreme factorial MODEL --tasks tatoeba --representation mean:12/12,cls:12 --perturb char_noise:0.1 --plan"""
    from robust_xtreme.cli._terminal import observing, output
    from robust_xtreme.report.renderers.terminal import print_blocks
    from robust_xtreme.studies.factorial import design_of, effect_table, run, summary

    design = design_of({**passed(keys, ("tasks", "languages")), "model": model})
    if plan:
        _plan(design)
        return
    result = run(design, partial(observing, quiet, verbose))
    print_blocks(output(), [*summary(result), effect_table(result.headline.head(_MOST))])
    for name in ("report.md", "report.html", "effects.csv"):
        echo(str(design.folder / name))
    if result.failed:
        raise FailedCells(f"Not all of the design was measured: {result.left_out[0]}. The effects are of the others.")


def _plan(design: FactorialDesign) -> None:
    from robust_xtreme.run.estimate import estimate

    echo(str(design))
    for number, spec in enumerate(design.runs.values(), 1):
        echo(f"\nRun {number} of {len(design.runs)}: {spec.out}")
        for line in estimate(spec):
            echo(line)
    show_next(*again(without=PLANNING))

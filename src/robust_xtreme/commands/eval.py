"""`robust-xtreme eval`: evaluates models on clean and perturbed tasks in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from robust_xtreme.commands._lists import several
from robust_xtreme.commands._options import with_keys
from robust_xtreme.run_spec import RunSpec

_LISTS: Final = ("tasks", "languages")

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A run.toml or a file of configs/runs; options override its keys; paths are those of the working folder.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Start over, also in the folder of an earlier run.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute all predictions, and keep none for later runs.")]
PlanOnly = Annotated[
    bool, typer.Option("--plan", help="Print what the run computes and its time, and compute nothing.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the final table.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every step, and the traceback of an error.")]


@with_keys(RunSpec)
def eval(
    *,
    config: Config = None,
    force: Force = False,
    no_cache: NoCache = False,
    plan: PlanOnly = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    **keys: Any,
) -> None:
    """Evaluate a model on clean and perturbed text in one run; the same command continues a stopped run.

    Examples:

    robust-xtreme eval --perturb char_noise:0.1

    robust-xtreme eval --tasks xtreme-r --perturb char_noise:0.1

    robust-xtreme eval --model xnli=OWNER/NAME --languages sw,en --perturb char_noise:0.1

    robust-xtreme eval --model runs/panx --data DIR --tasks panx --languages sw,yo --perturb char_noise:0.1

    robust-xtreme eval --model xnli=runs/mnli --model panx=runs/panx --data DIR --perturb char_noise:0.05,0.1 --seeds 3

    robust-xtreme eval --config runs/eval-0123456789abcdef/run.toml --plan"""
    spec = _spec(keys, config)
    if plan:
        _print_plan(spec)
    else:
        _run(spec, force, not no_cache, quiet, verbose)


def _spec(words: dict[str, Any], config: Path | None) -> RunSpec:
    """The run of the options; keys without an option come from the file or are defaults."""
    from robust_xtreme.run_spec import from_mapping, from_toml

    words |= {name: several(name, words[name]) for name in _LISTS}
    given = {name: value for name, value in words.items() if value is not None and value is not False and value != []}
    return from_mapping(given, "eval") if config is None else from_toml(config, **given)


def _print_plan(spec: RunSpec) -> None:
    from robust_xtreme.commands._progress import show_plan
    from robust_xtreme.evaluation.estimate import estimate

    show_plan(estimate(spec))


def _run(spec: RunSpec, force: bool, cache: bool, quiet: bool, verbose: bool) -> None:
    from robust_xtreme.commands._progress import observing, show_result
    from robust_xtreme.errors import FailedCells

    with observing(quiet, verbose) as observer:
        from robust_xtreme.evaluation.run import evaluate

        result = evaluate(spec, force=force, cache=cache, observer=observer)
    show_result(result, spec, quiet)
    if result.failed:
        raise FailedCells(
            f"{len(result.failed)} cells failed: the model's scores are not finite. They are named in "
            f"{result.folder / 'report.md'}; the other cells are written."
        )

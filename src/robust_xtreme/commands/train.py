"""`robust-xtreme train`: trains an encoder in up to four stages, from a file or options."""

from __future__ import annotations

from typing import Any, Final

from robust_xtreme.commands import _train_options as options
from robust_xtreme.commands._errors import PLANNING
from robust_xtreme.commands._next import after_training, again, show_next
from robust_xtreme.commands._options import passed, with_keys
from robust_xtreme.sinks import echo
from robust_xtreme.training.spec import StageSpec, TrainSpec

_LISTS: Final = ("task", "intermediate", "reported", "languages", "log")


@with_keys(StageSpec, TrainSpec)
def train(
    file: options.File = "",
    task: options.Task = None,
    intermediate: options.Intermediate = None,
    scratch: options.Scratch = None,
    allow_overlap: options.Allow = False,
    intermediate_steps: options.FirstSteps = None,
    mlm_steps: options.MlmSteps = None,
    *,
    seeds: options.Seeds = 1,
    on: options.On = None,
    plan: options.PlanOnly = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    **keys: Any,
) -> None:
    """Train an encoder in up to four stages: masked LM, images with captions, intermediate tasks, the target.

    The same command continues a stopped run. Runs in the same parent folder share equal stages: a stage that another
    run has trained is not trained again. FILE has a table for each stage; options set the same keys, with or without
    FILE. The number of epochs is fixed: without --select dev no weights are selected on validation data. Examples:

    robust-xtreme train paper_base --data DIR --out runs/paper-base --plan

    robust-xtreme train --task xnli --from-scratch small --text DIR/flores --data DIR --out runs/xnli

    robust-xtreme train --intermediate squad,mnli --task tydiqa --from OWNER/NAME --data hub --recipe x-stilts

    robust-xtreme train paper_base --data DIR --out runs/paper-base --seeds 5 --on ray
    """
    from robust_xtreme.commands._options import show_outside_packs
    from robust_xtreme.training.run_file import spec_of

    words = {"task": task, "intermediate": intermediate, "scratch": scratch, "allow_overlap": allow_overlap, **keys}
    steps = {"intermediate_steps": intermediate_steps, "mlm_steps": mlm_steps}
    spec = spec_of(file, passed({**words, **steps}, _LISTS), show_outside_packs)
    if plan:
        _plan(spec, seeds, on, force, quiet)
    else:
        _train(spec, seeds, on, force, quiet, verbose)


def _train(spec: TrainSpec, seeds: int, on: str | None, force: bool, quiet: bool, verbose: bool) -> None:
    from robust_xtreme.commands._train_shown import watching
    from robust_xtreme.evaluation.fleets import fleet_of
    from robust_xtreme.seeds import of_seeds, train_all

    specs = of_seeds(spec, seeds)
    with (
        watching(force, quiet, verbose, spec.devices > 1 or on is not None) as shown,
        fleet_of(spec.device, on=on) as fleet,
    ):
        folders = train_all(specs, shown, fleet)
    for folder in folders:
        echo(str(folder))
    if not quiet:
        show_next(*after_training(specs[0], folders[0]))


def _plan(spec: TrainSpec, seeds: int, on: str | None, force: bool, quiet: bool) -> None:
    from robust_xtreme.commands._train_shown import show_plan, watching
    from robust_xtreme.evaluation.fleets import NOT_STARTED, fleet_of
    from robust_xtreme.seeds import of_seeds, shares
    from robust_xtreme.training.estimate import plan_of

    specs = of_seeds(spec, seeds)
    with watching(False, quiet, False) as shown, fleet_of(spec.device, on=on, starts=False) as fleet:
        rows = [row for each in specs for row in plan_of(each, shown.tell, force, shown.notice)]
        show_plan(rows)
        if on:
            echo(shares(specs, fleet) if fleet else NOT_STARTED)
    fetched = ("--offline",) if any(row.examples is None for row in rows) else ()
    show_next(*again(without=(*PLANNING, *fetched)))

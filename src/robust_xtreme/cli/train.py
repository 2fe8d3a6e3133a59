"""`robust-xtreme train`: trains an encoder in up to four stages, from a file or options."""

from typing import Annotated, Any

from robust_xtreme.cli import _completion
from robust_xtreme.cli._errors import PLANNING
from robust_xtreme.cli._next import after_training, again, show_next
from robust_xtreme.cli._options import argument, option, passed, show_outside_packs, with_keys
from robust_xtreme.core.sinks import echo
from robust_xtreme.training.spec import BEFORE, HOW, LEARNED, SIZE_NAMES, StageSpec, TrainSpec

File = Annotated[
    str, argument("FILE", "A run's file, or a name of `config list`; options override its keys.", _completion.run_file)
]
Task = Annotated[
    str | None,
    option(
        "--tasks A,B", "The target, as in `list tasks`; several are learned together.", _completion.learned, LEARNED
    ),
]
Intermediate = Annotated[
    str | None,
    option(
        "--intermediate A,B", "Learned together before it, as in `list intermediate`.", _completion.learned, LEARNED
    ),
]
Scratch = Annotated[
    str | None,
    option(
        "--from-scratch SIZE",
        "A new encoder and tokenizer of --text, small or tiny.",
        _completion.words(SIZE_NAMES),
        LEARNED,
    ),
]
Allow = Annotated[bool, option("--allow-overlap", "The same as --overlap allow: results are stamped.", panel=LEARNED)]
FirstSteps = Annotated[
    int | None, option("--intermediate-steps N", "Steps of that stage. Default: the recipe's.", panel=BEFORE)
]
MlmSteps = Annotated[
    int | None,
    option("--mlm-steps N", "Steps of masked LM before all. Default: 1200 from scratch, else 0.", panel=BEFORE),
]
Seeds = Annotated[
    int, option("--seeds N", "So many runs, from --seed on, each in its own folder. Default: 1.", panel=HOW)
]
On = Annotated[
    str | None,
    option("--on ray[:ADDRESS]", "Train --seeds on a Ray cluster that shares folders. Extra: ray.", panel=HOW),
]
PlanOnly = Annotated[bool, option("--plan", "Print stages, steps, tokens and time, and train nothing.", panel=HOW)]
Force = Annotated[
    bool, option("--force", "Start the last stage over, also in the folder of an earlier run.", panel=HOW)
]
Quiet = Annotated[bool, option("--quiet -q", "Print only the run's folder.", panel=HOW)]
Verbose = Annotated[
    bool, option("--verbose -v", "Print each hundredth of a stage, and the traceback of errors.", panel=HOW)
]


@with_keys(StageSpec, TrainSpec)
def train(
    file: File = "",
    task: Task = None,
    intermediate: Intermediate = None,
    scratch: Scratch = None,
    allow_overlap: Allow = False,
    intermediate_steps: FirstSteps = None,
    mlm_steps: MlmSteps = None,
    *,
    seeds: Seeds = 1,
    on: On = None,
    plan: PlanOnly = False,
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    **keys: Any,
) -> None:
    """Train an encoder in up to four stages: masked LM, images with captions, intermediate tasks, the target.

    The same command continues a stopped run. Runs in the same parent folder share equal stages: a stage that another
    run has trained is not trained again. FILE has a table for each stage; options set the same keys, with or without
    FILE. The number of epochs is fixed: without --select dev no weights are selected on validation data. Examples:

    robust-xtreme train paper_base --data DIR --out runs/paper-base --plan

    robust-xtreme train --tasks xnli --from-scratch small --text DIR/flores --data DIR --out runs/xnli

    robust-xtreme train --intermediate squad,mnli --tasks tydiqa --from OWNER/NAME --data hub --recipe x-stilts

    robust-xtreme train paper_base --data DIR --out runs/paper-base --seeds 5 --on ray
    """
    from robust_xtreme.training.values import spec_of

    words = {"task": task, "intermediate": intermediate, "scratch": scratch, "allow_overlap": allow_overlap, **keys}
    words |= {"intermediate_steps": intermediate_steps, "mlm_steps": mlm_steps}
    given = passed(words, ("task", "intermediate", "reported", "languages", "log"))
    spec = spec_of(file, given, show_outside_packs)
    from robust_xtreme.training.stage import of_seeds  # which loads torch

    specs = of_seeds(spec, seeds)
    if plan:
        _plan(specs, on, force, quiet)
    else:
        _train(specs, on, force, quiet, verbose)


def _train(specs: list[TrainSpec], on: str | None, force: bool, quiet: bool, verbose: bool) -> None:
    from robust_xtreme.cli._train_shown import watching
    from robust_xtreme.run.fleets import fleet_of
    from robust_xtreme.training.stage import train_all

    several = specs[0].devices > 1 or on is not None
    with watching(force, quiet, verbose, several) as shown, fleet_of(specs[0].device, on=on) as fleet:
        folders = train_all(specs, shown, fleet)
    for folder in folders:
        echo(str(folder))
    if not quiet:
        show_next(*after_training(specs[0], folders[0]))


def _plan(specs: list[TrainSpec], on: str | None, force: bool, quiet: bool) -> None:
    from robust_xtreme.cli._train_shown import show_plan, watching
    from robust_xtreme.run.fleets import NOT_STARTED, fleet_of
    from robust_xtreme.training.estimate import plan_of
    from robust_xtreme.training.stage import check_machine, shares

    if on is None:
        check_machine(specs[0])
    with watching(False, quiet, False) as shown, fleet_of(specs[0].device, on=on, starts=False) as fleet:
        rows = [row for each in specs for row in plan_of(each, shown.tell, force, shown.notice)]
        show_plan(rows)
        if on:
            echo(shares(specs, fleet) if fleet else NOT_STARTED)
    fetched = ("--offline",) if any(row.examples is None for row in rows) else ()
    show_next(*again(without=(*PLANNING, *fetched)))

"""`robust-xtreme train`: an encoder, pretrained or from scratch, through up to three stages, from a file or options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from robust_xtreme.commands import _train_options as options
from robust_xtreme.commands._lists import several

if TYPE_CHECKING:
    from robust_xtreme.training.spec import TrainSpec

_LISTS: Final = ("task", "intermediate", "reported", "languages", "log")
_NOT_SPEC: Final = ("file", "plan", "force", "quiet", "verbose")
"""What says how a run is shown or begun, and not what it computes."""


def train(
    file: options.File = "",
    task: options.Task = None,
    intermediate: options.Intermediate = None,
    data: options.Data = None,
    encoder: options.From = None,
    revision: options.Revision = None,
    scratch: options.Scratch = None,
    text: options.Words = None,
    out: options.Out = None,
    recipe: options.Recipe = None,
    seed: options.Seed = None,
    reported: options.Reported = None,
    overlap: options.Overlap = None,
    allow_overlap: options.Allow = False,
    epochs: options.Epochs = None,
    steps: options.Steps = None,
    batch_size: options.BatchSize = None,
    lr: options.Rate = None,
    limit: options.Limit = None,
    perturb: options.Perturb = None,
    packs: options.Packs = None,
    select: options.Select = None,
    sampling: options.Sampling = None,
    mixing: options.Mixing = None,
    languages: options.Languages = None,
    translated: options.Translated = None,
    control: options.Control = None,
    intermediate_steps: options.FirstSteps = None,
    mlm_steps: options.MlmSteps = None,
    offline: options.Offline = False,
    device: options.Device = None,
    devices: options.Devices = None,
    strategy: options.Strategy = None,
    precision: options.Precision = None,
    accumulate: options.Accumulate = None,
    clip: options.Clip = None,
    schedule: options.Schedule = None,
    optimizer: options.Optimizer = None,
    lora: options.Lora = None,
    log: options.Log = None,
    plan: options.PlanOnly = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train an encoder in up to three stages: masked LM, intermediate tasks, the target; one head for each task.

    The same command goes on where it stopped. Runs from scratch beside each other share the masked-LM stage, and all
    runs take the stages that others beside them have trained. FILE has a table for each stage; options stand for its
    keys, and do without it. Epochs are fixed: nothing is selected on held-out data without --select dev. Examples:

    robust-xtreme train paper_base --data DIR --out runs/paper-base --plan

    robust-xtreme train --task xnli --from-scratch small --text DIR/flores --data DIR --out runs/xnli

    robust-xtreme train --intermediate squad,mnli --task tydiqa --from OWNER/NAME --data hub --recipe x-stilts
    """
    _do(_spec(file, dict(locals())), plan, force, quiet, verbose)


def _do(spec: TrainSpec, plan: bool, force: bool, quiet: bool, verbose: bool) -> None:
    if plan:
        _plan(spec, quiet)
    else:
        _train(spec, force, quiet, verbose)


def _spec(file: str, words: dict[str, Any]) -> TrainSpec:
    """The run that file and words ask for; what was not said is left to the file and the defaults."""
    from robust_xtreme.commands._train_files import spec_of

    words |= {name: several(name, words[name]) for name in _LISTS}
    return spec_of(file, {name: value for name, value in words.items() if name not in _NOT_SPEC})


def _train(spec: TrainSpec, force: bool, quiet: bool, verbose: bool) -> None:
    from robust_xtreme import api
    from robust_xtreme.commands._train_shown import watching

    with watching(force, quiet, verbose, spec.devices > 1) as shown:
        folder = api.train(spec, shown)
    typer.echo(str(folder))


def _plan(spec: TrainSpec, quiet: bool) -> None:
    from robust_xtreme.commands._train_shown import show_plan, watching
    from robust_xtreme.training.estimate import plan_of

    with watching(False, quiet, False) as shown:
        rows = plan_of(spec, shown.tell)
    show_plan(rows)

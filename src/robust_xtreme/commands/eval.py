"""`robust-xtreme eval`: a model answers tasks clean and perturbed in one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from robust_xtreme.commands import _completion
from robust_xtreme.commands._lists import several
from robust_xtreme.commands._packs import Packs, condition

if TYPE_CHECKING:
    from robust_xtreme.run_spec import RunSpec

_LISTS: Final = ("tasks", "languages")
_NOT_SPEC: Final = ("config", "force", "no_cache", "plan", "quiet", "verbose")
"""Options that say how a run is shown or begun, and not what it computes."""

Model = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME | TASK=NAME",
        autocompletion=_completion.model,
        help="mini (the default), a run of `train`, or a transformers checkpoint: a folder or a hub name. Repeatable.",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR | mini | hub",
        autocompletion=_completion.data,
        help="The tasks' release files. Default: mini for the model mini, else ROBUST_XTREME_DATA, else the hub.",
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--labels", metavar="TASK=A,B,C", help="A checkpoint's classes in its order. Repeatable."),
]
Revision = Annotated[
    list[str] | None, typer.Option("--revision", metavar="SHA | TASK=SHA", help="Of models from the hub. Repeatable.")
]
RemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run the code that a checkpoint brings along. Off by default.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Open no connection: what is not on this machine is missing.")]
Tasks = Annotated[
    str | None,
    typer.Option(
        "--tasks",
        metavar="A,B",
        autocompletion=_completion.tasks,
        help="Tasks, families, or xtreme-r, xtreme, low-resource. Default: every task that a model has a head for.",
    ),
]
Languages = Annotated[
    str | None,
    typer.Option(
        "--languages",
        metavar="A,B",
        autocompletion=_completion.languages,
        help="Default: every language found. MLQA also takes de@en, German questions on English texts.",
    ),
]
SplitName = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="SPLIT",
        autocompletion=_completion.split,
        help="auto (test where it has labels), test, validation or train.",
    ),
]
Perturb = Annotated[
    list[str] | None,
    typer.Option(
        "--perturb",
        metavar="SPEC",
        autocompletion=condition,
        help="Such as char_noise:0.05,0.1@fields=question, or a suite, such as @surface. Repeatable.",
    ),
]
Seeds = Annotated[int | None, typer.Option("--seeds", metavar="N", help="Draws of the noise for each cell.")]
Limit = Annotated[
    str | None,
    typer.Option("--limit", metavar="N,TASK=N", help="Rows of each language, whole clusters: 300,xquad=150."),
]
Representation = Annotated[
    str | None,
    typer.Option(
        "--representation",
        metavar="SPEC",
        autocompletion=_completion.representation,
        help="A text in retrieval without a head: mean:14/24 (the default), cls:12, mean:8@specials=out.",
    ),
]
Index = Annotated[
    str | None,
    typer.Option(
        "--index",
        metavar="NAME",
        autocompletion=_completion.index,
        help="exact (the default), or ivf or hnsw: faster, and no headline.",
    ),
]
Device = Annotated[
    str | None, typer.Option("--device", metavar="DEVICE", autocompletion=_completion.device, help="auto, cpu or cuda.")
]
BatchTokens = Annotated[
    int | None, typer.Option("--batch-tokens", metavar="N", help="Tokens of a batch, padding included.")
]
Out = Annotated[str | None, typer.Option("--out", metavar="DIR", help="Default: runs/eval-HASH, by what is computed.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A run.toml or a file of configs/runs; words win. Paths count from where you are.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Start over, whatever the folder holds of an earlier run.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute everything, and keep no predictions for later.")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Print what would be computed, and compute nothing.")]
Overlap = Annotated[
    bool, typer.Option("--allow-overlap", help="Evaluate on what the model was trained on, and stamp those cells.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the final table only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every step, and the traceback of an error.")]


def eval(
    model: Model = None,
    data: Data = None,
    tasks: Tasks = None,
    languages: Languages = None,
    split: SplitName = None,
    perturb: Perturb = None,
    packs: Packs = None,
    seeds: Seeds = None,
    limit: Limit = None,
    device: Device = None,
    batch_tokens: BatchTokens = None,
    out: Out = None,
    config: Config = None,
    force: Force = False,
    no_cache: NoCache = False,
    plan: PlanOnly = False,
    allow_overlap: Overlap = False,
    labels: Labels = None,
    revision: Revision = None,
    trust_remote_code: RemoteCode = False,
    offline: Offline = False,
    representation: Representation = None,
    index: Index = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Evaluate a model clean and perturbed in one run; the same command goes on where it was stopped.

    Examples:

    robust-xtreme eval --perturb char_noise:0.1

    robust-xtreme eval --tasks xtreme-r --perturb char_noise:0.1

    robust-xtreme eval --model xnli=OWNER/NAME --languages sw,en --perturb char_noise:0.1

    robust-xtreme eval --model runs/panx --data DIR --tasks panx --languages sw,yo --perturb char_noise:0.1

    robust-xtreme eval --model xnli=runs/mnli --model panx=runs/panx --data DIR --perturb char_noise:0.05,0.1 --seeds 3

    robust-xtreme eval --config runs/eval-0123456789abcdef/run.toml --plan"""
    spec = _spec(dict(locals()), config)
    if plan:
        _print_plan(spec)
    else:
        _run(spec, force, not no_cache, quiet, verbose)


def _spec(words: dict[str, Any], config: Path | None) -> RunSpec:
    """The run that the words of the command line ask for; what was not said is left to the file and the defaults."""
    from robust_xtreme.run_spec import from_mapping, from_toml

    words |= {name: several(name, words[name]) for name in _LISTS}
    said = {name: value for name, value in words.items() if name not in _NOT_SPEC}
    given = {name: value for name, value in said.items() if value is not None and value is not False and value != []}
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

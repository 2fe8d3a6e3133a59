"""`robust-xtreme export`: hands a finished run to other programs: a card, trackers, or JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from robust_xtreme.commands import _completion
from robust_xtreme.commands._options import argument, option
from robust_xtreme.errors import UserError
from robust_xtreme.sinks import echo

if TYPE_CHECKING:
    from robust_xtreme.report.view import Results

_FOLDERS: Final = {"--mlflow": "mlruns", "--wandb": "wandb"}

Run = Annotated[str, argument("RUN", "The folder of a finished run.", _completion.folder)]
Card = Annotated[bool, option("--model-card", "A model card with every level as model-index, for the hub.")]
Mlflow = Annotated[bool, option("--mlflow", "A run in a store of MLflow's files; needs robust-xtreme[mlflow].")]
Jsonl = Annotated[bool, option("--jsonl", "JSON lines of every item, which `robust-xtreme import` reads.")]
Wandb = Annotated[bool, option("--wandb", "An offline run of Weights & Biases; needs robust-xtreme[wandb].")]
Output = Annotated[
    str | None,
    option("--output -o PATH", "The file of the card or lines (default: stdout), or the folder (mlruns, wandb)."),
]
Force = Annotated[bool, option("--force", "Overwrite the file that is there.")]


def export(
    run: Run,
    model_card: Card = False,
    mlflow: Mlflow = False,
    wandb: Wandb = False,
    jsonl: Jsonl = False,
    output: Output = None,
    force: Force = False,
) -> None:
    """Hand a finished run to other programs, in one of their formats; nothing is sent anywhere.

    A card or tracker gets the headline metric of every task and language, clean and under each noise, and the drop. The
    numbers are those of scores.csv and deltas.csv, unrounded.

    Examples:

    robust-xtreme export runs/new --model-card -o README.md

    robust-xtreme export runs/new --mlflow

    robust-xtreme export runs/new --wandb -o tracked

    robust-xtreme export runs/new --jsonl -o items.jsonl"""
    from robust_xtreme.report.document import finished

    given = {"--model-card": model_card, "--mlflow": mlflow, "--wandb": wandb, "--jsonl": jsonl}
    wanted = [name for name, is_given in given.items() if is_given]
    if len(wanted) != 1:
        others = " and ".join(wanted) or "none"
        raise UserError(f"export takes one of --model-card, --mlflow, --wandb and --jsonl, not {others}.")
    results = finished(Path(run))
    if model_card:
        _write_card(results, output, force)
    elif jsonl:
        _write_lines(Path(run), results, output, force)
    else:
        _track(wanted[0], Path(run), results, Path(output or _FOLDERS[wanted[0]]))


def _write_card(results: Results, output: str | None, force: bool) -> None:
    from robust_xtreme.exporting.model_card import model_card
    from robust_xtreme.gating.target import target, write

    if output is None:
        echo(model_card(results), end="")
        return
    path = target(output, force)
    write(path, model_card(results).encode("utf-8", "backslashreplace"))
    echo(str(path))


def _write_lines(run: Path, results: Results, output: str | None, force: bool) -> None:
    """Write the items of a run, a line each."""
    from robust_xtreme.exporting.rows import lines
    from robust_xtreme.gating.target import target
    from robust_xtreme.perturbing.output import Goal, written

    path = None if output is None else target(output, force)
    with written([Goal("-o", output or "-", path)]) as (write,):
        for line in lines(run, results):
            write(line)
    if path:
        echo(str(path))


def _track(name: str, run: Path, results: Results, folder: Path) -> None:
    from robust_xtreme.exporting.trackers import to_mlflow, to_wandb, tracked

    content = tracked(run, results)
    if name == "--mlflow":
        echo(f"{folder}: run {to_mlflow(content, folder)}")
    else:
        echo(to_wandb(content, folder))

"""`robust-xtreme train`: fine-tune an encoder, or a small one from scratch, on one task or several together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from robust_xtreme.commands import _completion

if TYPE_CHECKING:
    from rich.console import Console

    from robust_xtreme.training.loop import Options, Progress

_LINES: Final = 10

Task = Annotated[
    str,
    typer.Option(
        "--task",
        metavar="A,B",
        autocompletion=_completion.learned,
        help="The task to learn, as in `list tasks`; several are learned together.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DIR | mini | hub",
        autocompletion=_completion.data,
        help="The tasks' release files, or a suite of your own.",
    ),
]
From = Annotated[
    str, typer.Option("--from", metavar="DIR", help="A transformers encoder (safetensors), or a run of `train`.")
]
Scratch = Annotated[
    str, typer.Option("--from-scratch", metavar="SIZE", help="A new encoder instead: small (3 x 192) or tiny (1 x 32).")
]
Words = Annotated[
    str, typer.Option("--text", metavar="PATH", help="From scratch: plain text (a file or folder) to learn to read on.")
]
Out = Annotated[str, typer.Option("--out", metavar="DIR", help="Default: runs/TASK-FROM-sSEED.")]
Epochs = Annotated[
    int, typer.Option("--epochs", metavar="N", help="Passes over the data. Default: the recipe's.", show_default=False)
]
Steps = Annotated[
    int, typer.Option("--steps", metavar="N", help="Steps in all, instead of --epochs.", show_default=False)
]
BatchSize = Annotated[
    int, typer.Option("--batch-size", metavar="N", help="Inputs a step. Default: the recipe's.", show_default=False)
]
Rate = Annotated[
    float,
    typer.Option("--lr", metavar="RATE", help="The highest learning rate. Default: the recipe's.", show_default=False),
]
MlmSteps = Annotated[
    int | None, typer.Option("--mlm-steps", metavar="N", help="From scratch: steps of masked LM first. Default: 1200.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of weights, order and dropout.")]
Limit = Annotated[
    int, typer.Option("--limit", metavar="N", help="Train on at most N examples, whole clusters.", show_default=False)
]
Reported = Annotated[
    str,
    typer.Option(
        "--reported",
        metavar="A,B",
        autocompletion=_completion.learned,
        help="Tasks whose data must not be trained on. Default: all found.",
    ),
]
Allow = Annotated[
    bool, typer.Option("--allow-overlap", help="Train on data that evaluated splits contain; results are stamped.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Open no connection: what is not on this machine is missing.")]
Device = Annotated[
    str, typer.Option("--device", metavar="DEVICE", autocompletion=_completion.device, help="auto, cpu or cuda.")
]
Force = Annotated[bool, typer.Option("--force", help="Start over, whatever the folder holds of an earlier run.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the run's folder only.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="A line for every hundredth, and the traceback of errors.")
]


def train(
    task: Task,
    data: Data = "",
    encoder: From = "",
    scratch: Scratch = "",
    text: Words = "",
    out: Out = "",
    epochs: Epochs = 0,
    steps: Steps = 0,
    batch_size: BatchSize = 0,
    lr: Rate = 0.0,
    mlm_steps: MlmSteps = None,
    seed: Seed = 0,
    limit: Limit = 0,
    reported: Reported = "",
    allow_overlap: Allow = False,
    offline: Offline = False,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a model for one task, or one with a head for each of several; the same command goes on where it stopped.

    Nothing is selected on held-out data: the number of epochs is fixed. Runs from scratch beside each other share the
    masked-LM stage, runs/scratch-SIZE-HASH.

    Examples:

    robust-xtreme train --task panx --from DIR/xlm-roberta-base --data DIR --out runs/panx

    robust-xtreme train --task xnli --from-scratch small --text DIR/flores --data DIR --out runs/xnli

    robust-xtreme train --task xnli,panx --from DIR/xlm-roberta-base --data DIR --out runs/both
    """
    from robust_xtreme import api
    from robust_xtreme.training.spec import MLM_STEPS, TrainSpec

    spec = TrainSpec(
        task=task,
        data=data,
        out=out,
        encoder=encoder,
        scratch=scratch,
        text=text,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        mlm_steps=MLM_STEPS if mlm_steps is None else mlm_steps,
        limit=limit,
        reported=tuple(name for name in reported.replace(",", " ").split() if name),
        allow_overlap=allow_overlap,
        device=device,
        offline=offline,
    )
    with _watching(force, quiet, verbose) as options:
        folder = api.train(spec, options)
    typer.echo(str(folder))


@contextmanager
def _watching(force: bool, quiet: bool, verbose: bool) -> Iterator[Options]:
    """Who shows how the run goes, on stderr: a bar on a terminal, plain lines otherwise."""
    from rich.console import Console

    from robust_xtreme.training.loop import Options

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    if quiet:
        yield Options(force=force)
    elif console.is_terminal:
        with _bar(console, force) as options:
            yield options
    else:
        lines = _Lines(console, 10 * _LINES if verbose else _LINES)
        yield Options(tell=console.print, watch=lines.watch, force=force)


@contextmanager
def _bar(console: Console, force: bool) -> Iterator[Options]:
    from rich import progress as bars

    from robust_xtreme.training.loop import Options

    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
    with bars.Progress(*columns, bars.TimeRemainingColumn(), console=console) as shown:
        tasks: dict[str, bars.TaskID] = {}

        def watch(at: Progress) -> None:
            if at.stage not in tasks:
                tasks[at.stage] = shown.add_task(at.stage, total=at.steps)
            shown.update(tasks[at.stage], completed=at.step, description=f"{_name(at)} loss {at.loss:.3f}")

        yield Options(tell=shown.console.print, watch=watch, force=force)


class _Lines:
    """A line for each of `parts` parts of a stage."""

    def __init__(self, console: Console, parts: int) -> None:
        self.console = console
        self.parts = parts

    def watch(self, at: Progress) -> None:
        """Print a line where a part is done."""
        if at.step * self.parts // at.steps > (at.step - 1) * self.parts // at.steps:
            self.console.print(f"{_name(at)}: step {at.step:,} of {at.steps:,}, loss {at.loss:.4f}")


def _name(at: Progress) -> str:
    return at.stage.replace("_", " ")

"""What `eval` prints: a progress bar on a terminal, plain lines otherwise, the plan, and the table at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from robust_xtreme.evaluation.estimate import Estimate
    from robust_xtreme.evaluation.run import Evaluation, Observer

_WIDE = 160


@contextmanager
def observing(quiet: bool, verbose: bool) -> Iterator[Observer]:
    """Who shows how a run goes, on stderr."""
    from robust_xtreme.evaluation.run import Observer

    console = Console(stderr=True, markup=False, highlight=False)
    if quiet:
        yield Observer()
    elif console.is_terminal:
        with _bar(console) as progress:
            yield _on_bar(progress, verbose)
    else:
        yield Observer(say=lambda line: console.print(line, soft_wrap=True))


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _on_bar(progress: Progress, verbose: bool) -> Observer:
    from robust_xtreme.evaluation.run import Observer

    bar = progress.add_task("reading", total=None)
    return Observer(
        say=lambda line: progress.console.print(line) if verbose or "halved" in line else None,
        total=lambda predictions: progress.update(bar, total=predictions),
        unit=lambda label: progress.update(bar, description=label),
        advance=lambda predictions: progress.advance(bar, predictions),
    )


def _out() -> Console:
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def show_result(result: Evaluation) -> None:
    """The table of a finished run, and where its report is."""
    from robust_xtreme.reporting._page import show

    console = _out()
    show(console, result.scores, result.deltas, result.manifest)
    console.print(f"Report: {result.folder / 'report.md'}", soft_wrap=True)


def show_plan(estimate: Estimate) -> None:
    """Cells, rows, tokens and the estimated time of a run."""
    console = _out()
    for line in estimate.lines():
        console.print(line, soft_wrap=True)

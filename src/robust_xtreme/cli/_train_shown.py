"""Prints the progress of `train` (a bar on a terminal, else lines) and the table of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import MofNCompleteColumn, TaskID, TimeRemainingColumn
from rich.table import Column

from robust_xtreme.cli._terminal import bar, fits, messages, output, print_line, print_stacked, table_of
from robust_xtreme.core.errors import counted
from robust_xtreme.training.loop import Options, Progress, lines_of, name_of

if TYPE_CHECKING:
    from robust_xtreme.training.estimate import EstimateRow

_LINES: Final = 10
_WIDE: Final = 1000
_SEVERAL: Final = 4
_UNKNOWN: Final = "not known"
_COLUMNS: Final = (
    "stage", "learns", "languages", "examples", "epochs", "steps", "batch", "tokens", "time", "embeddings", "state",
    "folder",
)  # fmt: skip
_NUMBERS: Final = ("examples", "epochs", "steps", "batch", "tokens", "time")


@contextmanager
def watching(force: bool, quiet: bool, verbose: bool, several: bool = False) -> Iterator[Options]:
    """Progress callbacks that print to stderr: a bar on a terminal, else lines.

    Where `several` processes train, another process prints, always lines.
    """
    console = messages()
    if quiet:
        yield Options(force=force, notice=partial(print_line, console))
    elif console.is_terminal and not several:
        with _bar(console, force) as options:
            yield options
    else:
        tell = partial(print_line, console)
        yield Options(tell=tell, watch=lines_of(tell, 10 * _LINES if verbose else _LINES), force=force)


@contextmanager
def _bar(console: Console, force: bool) -> Iterator[Options]:
    with bar(console, MofNCompleteColumn(), TimeRemainingColumn(), transient=False) as shown:
        tasks: dict[str, TaskID] = {}

        def watch(at: Progress) -> None:
            if at.stage not in tasks:
                tasks[at.stage] = shown.add_task(at.stage, total=at.steps)
            shown.update(tasks[at.stage], completed=at.step, description=f"{name_of(at)} loss {at.loss:.3f}")

        yield Options(tell=partial(print_line, shown.console), watch=watch, force=force)


def show_plan(rows: Sequence[EstimateRow]) -> None:
    """Print the stages of a run and their total to stdout; without a terminal at full width."""
    console = output()
    if not console.is_terminal:
        console.width = max(_WIDE, console.width)
    print_plan(console, rows)


def print_plan(console: Console, rows: Sequence[EstimateRow]) -> None:
    """Print a table or, where the console is too narrow, an entry for each stage; then the total."""
    columns = [Column(name, justify="right" if name in _NUMBERS else "left", overflow="fold") for name in _COLUMNS]
    cells = [_cells(row) for row in rows]
    table = table_of(columns, cells)
    has_room = fits(console, table, _WIDE)
    if has_room:
        console.print(table)
    else:
        print_stacked(console, _COLUMNS, cells)
    console.print(_total(rows), soft_wrap=has_room)


def _cells(row: EstimateRow) -> tuple[str, ...]:
    return (
        row.kind.replace("_", " "),
        ", ".join(row.learns),
        " ".join(row.languages) if len(row.languages) <= _SEVERAL else f"{len(row.languages)} languages",
        _about(row.examples, row.counted),
        f"{row.epochs:,}" if row.epochs else "",
        _about(row.steps, row.exact),
        f"{row.batch_size:,}" if row.batch_size else "",
        _about(row.tokens, exact=False),
        _duration(row.seconds),
        row.rows,
        "cached" if row.cached else f"{row.done:,} steps done" if row.done else "to do",
        _UNKNOWN if row.folder is None else str(row.folder),
    )


def _about(number: float | None, exact: bool = True) -> str:
    return _UNKNOWN if number is None else f"{'' if exact or not number else '~'}{number:,}"


def _duration(seconds: float | None) -> str:
    match seconds:
        case None:
            return _UNKNOWN
        case 0:
            return "0"
        case _ if seconds < 60:
            return "under 1 min"
        case _ if seconds < 3600:
            return f"~{seconds / 60:.0f} min"
        case _:
            return f"~{seconds / 3600:.1f} h"


def _total(rows: Sequence[EstimateRow]) -> str:
    """The total of the stages that are still to train."""
    todo = [row for row in rows if not row.cached]
    if not todo:
        return "complete: nothing to train"
    steps = _about(_sum([row.steps and row.steps - row.done for row in todo]), all(row.exact for row in todo))
    tokens = _about(_sum([row.tokens for row in todo]), exact=False)
    time = _duration(_sum([row.seconds for row in todo]))
    done = f"{len(rows) - len(todo)} of {counted(len(rows), 'stage')} exist already; "
    return f"{done}still to train: steps {steps}, tokens {tokens}, time {time}"


def _sum(numbers: Sequence[float | None]) -> float | None:
    """The sum; None where one of the numbers is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None

"""Prints the progress of `train` (a bar on a terminal, else lines) and the table of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

    from robust_xtreme.training.estimate import Row
    from robust_xtreme.training.loop import Options, Progress

_LINES: Final = 10
_WIDE: Final = 1000
_MINUTE, _HOUR = 60, 3600
_UNKNOWN: Final = "not known"
_COLUMNS: Final = ("stage", "learns", "languages", "examples", "steps", "batch", "tokens", "time", "state", "folder")
_NUMBERS: Final = ("examples", "steps", "batch", "tokens", "time")


@contextmanager
def watching(force: bool, quiet: bool, verbose: bool, several: bool = False) -> Iterator[Options]:
    """Progress callbacks that print to stderr: a bar on a terminal, else lines.

    Where `several` processes train, another process prints, always lines.
    """
    from rich.console import Console

    from robust_xtreme.training.loop import Options

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    if quiet:
        yield Options(force=force)
    elif console.is_terminal and not several:
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
    """Prints a line for each of `parts` equal parts of a stage."""

    def __init__(self, console: Console, parts: int) -> None:
        self.console = console
        self.parts = parts

    def watch(self, at: Progress) -> None:
        """Print a line where a part is complete."""
        if at.step * self.parts // at.steps > (at.step - 1) * self.parts // at.steps:
            self.console.print(f"{_name(at)}: step {at.step:,} of {at.steps:,}, loss {at.loss:.4f}")


def _name(at: Progress) -> str:
    return at.stage.replace("_", " ")


# ---------------------------------------------------------------------------------------------------------------- plan


def show_plan(rows: Sequence[Row]) -> None:
    """Print the stages of a run and their total to stdout; without a terminal at full width."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = max(_WIDE, console.width)
    print_plan(console, rows)


def print_plan(console: Console, rows: Sequence[Row]) -> None:
    """Print a table or, where the console is too narrow, an entry for each stage."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    room = console.measure(table, options=console.options.update(max_width=_WIDE)).maximum
    if room <= console.width:
        console.print(table)
    else:
        _stacked(console, rows)
    console.print(_total(rows), soft_wrap=room <= console.width)


def _stacked(console: Console, rows: Sequence[Row]) -> None:
    """Print the rows of the table as entries, one below the other."""
    from rich.text import Text

    from robust_xtreme.commands.list import entry

    for row in rows:
        stage, *cells = _cells(row)
        console.print(Text(stage, "bold"))
        for column, text in zip(_COLUMNS[1:], cells, strict=True):
            if text:
                entry(console, f"{column}: {text}")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.kind.replace("_", " "),
        ", ".join(row.learns),
        " ".join(row.languages) if len(row.languages) <= _SEVERAL else f"{len(row.languages)} languages",
        _about(row.examples, row.counted),
        _about(row.steps, row.exact),
        f"{row.batch_size:,}" if row.batch_size else "",
        _about(row.tokens, exact=False),
        _duration(row.seconds),
        "cached" if row.cached else "to do",
        _UNKNOWN if row.folder is None else str(row.folder),
    )


_SEVERAL: Final = 4


def _about(number: int | None, exact: bool = True) -> str:
    return _UNKNOWN if number is None else f"{'' if exact or not number else '~'}{number:,}"


def _duration(seconds: float | None) -> str:
    match seconds:
        case None:
            return _UNKNOWN
        case 0:
            return "0"
        case _ if seconds < _MINUTE:
            return "under 1 min"
        case _ if seconds < _HOUR:
            return f"~{seconds / _MINUTE:.0f} min"
        case _:
            return f"~{seconds / _HOUR:.1f} h"


def _total(rows: Sequence[Row]) -> str:
    """The total of the stages that are still to train."""
    todo = [row for row in rows if not row.cached]
    known = all(row.steps is not None for row in todo)
    steps = _about(sum(row.steps or 0 for row in todo) if known else None, all(row.exact for row in todo))
    tokens = _about(
        sum(row.tokens or 0 for row in todo) if all(row.tokens is not None for row in todo) else None, False
    )
    seconds = [row.seconds for row in todo]
    time = _duration(sum(second or 0.0 for second in seconds) if None not in seconds else None)
    done = f"{len(rows) - len(todo)} of {len(rows)} stages exist already; "
    return f"{done}still to train: {steps} steps, {tokens} tokens, {time}"

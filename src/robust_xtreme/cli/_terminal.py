"""What the commands print on a terminal: tables, entries where it is too narrow for them, JSON; and their progress."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from robust_xtreme.core.run_spec import RunSpec, parse_sets
from robust_xtreme.core.sinks import echo, json_text, one_line, printed, terminal, visible
from robust_xtreme.report.progress import matters

if TYPE_CHECKING:
    from robust_xtreme.report.evaluation import Evaluation
    from robust_xtreme.report.view import Results
    from robust_xtreme.run.run import Observer
    from robust_xtreme.studies.planning import StudyPlan


WIDE: Final = 160


class Terminal(Console):
    """A console that shows control characters as codes, and in a pipe has no blanks at the ends of lines."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The segments of what is printed."""
        for segment in Console.render(self, renderable, options):
            yield segment if segment.control else segment._replace(text=terminal(segment.text))

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """The lines of what is printed, when their widths are settled."""
        text = Console._render_buffer(self, buffer)
        return printed(text if self.is_terminal else re.sub(" +\n", "\n", text))


def output(width: int = WIDE) -> Console:
    """The console of stdout: as wide as the terminal, or `width` columns without one."""
    console = Terminal(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = width
    return console


def messages() -> Console:
    """The console of stderr."""
    return Terminal(stderr=True, markup=False, highlight=False, emoji=False)


def print_line(console: Console, line: str) -> None:
    """Print a line of progress; a line break in it is shown, too."""
    console.print(one_line(line), soft_wrap=True)


def bar(console: Console, *counts: ProgressColumn, transient: bool = True) -> Progress:
    """A progress bar with counts on its right."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), *counts)
    return Progress(*columns, console=console, transient=transient)


@contextmanager
def steps(
    first: str, *counts: ProgressColumn, total: float | None = None, quiet: bool = False
) -> Iterator[Callable[..., None]]:
    """A bar on a terminal's stderr, nothing elsewhere: gives what updates it, by the arguments of `Progress.update`."""
    console = messages()
    if quiet or not console.is_terminal:
        yield lambda **_: None
        return
    with bar(console, *counts) as progress:
        yield partial(progress.update, progress.add_task(first, total=total))


def table_of(columns: Iterable[Column], rows: Iterable[Sequence[str | Text]]) -> Table:
    """A table without lines."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    return table


def fits(console: Console, table: Table, widest: int = WIDE) -> bool:
    """Whether a table has its full width on a console."""
    return console.measure(table, options=console.options.update(max_width=widest)).maximum <= console.width


def print_stacked(console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print the rows of a table as entries, one below the other."""
    for first, *cells in rows:
        console.print(Text(first, "bold"))
        for column, text in zip(columns[1:], cells, strict=True):
            if text:
                print_entry(console, f"{column}:\n{indent(text, '  ')}" if "\n" in text else f"{column}: {text}")


def print_entry(console: Console, line: str) -> None:
    """Print a line of an entry, indented where it wraps."""
    console.print(Padding(Text(line, overflow="fold"), (0, 0, 0, 2), expand=False))


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    echo(json_text(value, indent=1))


_LOADING: Final = "loading torch"
_READING: Final = (
    "clean, and perturbed or noisy: the metric's level in points from 0 to 100; change: perturbed minus clean.",
    "An interval that contains 0 does not show a change. edits: the share of characters that the noise changed.",
    "Every other column: the legend at the end of the report.",
)
_SILENT: Final = {
    "no edits": "the noise edits no text of the cell, so no change is claimed.",
    "inert": "the model's tokenizer undid the noise, so no change is claimed.",
    "selected on the outcome": "attacks, and what is compared with them, edit only what is right on clean text, which "
    "can be lost and never gained, so no change is claimed.",
}
"""The reasons why a cell claims nothing, as the table names them."""


_RECENT: Final = 30.0
"""Seconds over which the pace is taken, and after which there is another line where there is no terminal."""

_FIRST: Final = 0.05
_SETTLED: Final = 1.0
"""Seconds from which on there is a pace."""

_FEW: Final = 10


class Pace:
    """Predictions a second over the last half minute, and the time left; `clock` gives seconds.

    The time left is that at this pace, or an estimate, `left`: as it is until a share `_FIRST` of it is done, then
    times how much slower than estimated the run was until now.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()
        self._begun = 0.0, 0.0

    def text(self, done: float, total: float, left: float | None = None) -> str:
        """Both as text, each where it is known yet."""
        now, seen = self._clock(), self._seen
        if left is not None and left > self._begun[1]:
            self._begun = now, left
        if not seen or done != seen[-1][1]:
            seen.append((now, done))
        while len(seen) > 2 and now - seen[1][0] > _RECENT:  # one older than that stays: a slow model says little
            seen.popleft()
        spent, made = now - seen[0][0], done - seen[0][1]
        speed = made / spent if spent >= _SETTLED and made > 0 else 0.0
        begun, whole = self._begun
        if left is None:
            if not speed:
                return ""
            left = (total - done) / speed
        elif whole - left > _FIRST * whole:
            left *= (now - begun) / (whole - left)
        shown = (f"{speed:,.0f}/s " if speed >= _FEW else f"{speed:.1f}/s ") if speed else ""
        return f"{shown}{timedelta(seconds=round(max(0.0, left)))} left"


class PaceColumn(ProgressColumn):
    """The pace beside a bar; that of the end stays while the results are written."""

    max_refresh = 0.5

    def __init__(self) -> None:
        ProgressColumn.__init__(self)
        self._pace, self._text = Pace(), ""

    def render(self, task: Task) -> Text:
        """The pace, once the number of predictions is known."""
        if task.total is not None and not task.finished:
            self._text = self._pace.text(task.completed, task.total, task.fields.get("left"))
        return Text(self._text, style="progress.data.speed")


class Lines:
    """Lines with count and pace, one in half a minute, where there is no terminal."""

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._clock, self._pace = tell, clock, Pace(clock)
        self._shown, self._done, self._total = clock(), 0, 0
        self._left: float | None = None

    def total(self, predictions: int) -> None:
        """Begin to count."""
        self._shown, self._total = self._clock(), predictions
        self._pace.text(0, predictions)

    def left(self, seconds: float) -> None:
        """Take the plan's estimate of what is left."""
        self._left = seconds

    def advance(self, predictions: int) -> None:
        """Count, and tell the pace where it is time for that."""
        self._done += predictions
        pace = self._pace.text(self._done, self._total, self._left)
        if pace and self._clock() - self._shown >= _RECENT:
            self._shown = self._clock()
            self._tell(f"{self._done:,} of {self._total:,} predictions, {pace}")


@contextmanager
def observing(quiet: bool, verbose: bool) -> Iterator[Observer]:
    """Progress callbacks that print to stderr; on a terminal a bar appears before torch is loaded."""
    console = messages()
    if console.is_terminal and not quiet:
        with bar(console, MofNCompleteColumn(), PaceColumn()) as progress:
            yield _on_bar(progress, verbose)
        return
    from robust_xtreme.run.run import Observer

    tell = partial(print_line, console)
    if quiet:
        yield Observer(notice=tell)
    else:
        lines = Lines(tell)
        yield Observer(say=tell, total=lines.total, advance=lines.advance, left=lines.left)


def _on_bar(progress: Progress, verbose: bool) -> Observer:
    task = progress.add_task(_LOADING, total=None)
    progress.refresh()
    from robust_xtreme.run.run import Observer

    progress.update(task, description="reading")
    return Observer(
        say=lambda line: print_line(progress.console, line) if verbose or matters(line) else None,
        total=lambda predictions: progress.update(task, total=predictions),
        task_run=lambda label: progress.update(task, description=label),
        advance=lambda predictions: progress.advance(task, predictions),
        left=lambda seconds: progress.update(task, left=seconds),
        notice=partial(print_line, progress.console),
    )


def show_result(result: Evaluation, spec: RunSpec, quiet: bool = False) -> Results:
    """Print the table of a finished run, with its heading, how to read it, and the path of the report; returns it."""
    from robust_xtreme.report.cells import perturbed
    from robust_xtreme.report.document import results_of, show

    console = output()
    results = results_of(result.folder)
    console.print(visible(head(spec, result.manifest)), soft_wrap=not console.is_terminal)
    show(console, results)
    if results.deltas.height and not quiet:
        console.print()
        reasons = set(perturbed(results).get_column("no_claim"))
        silent = [f"{reason}: {line}" for reason, line in _SILENT.items() if reason in reasons]
        kinds = results.averages.get_column("kind")
        over_tasks = results.averages.filter(kinds.is_in(("benchmark", "tasks", "categories")))
        if over_tasks.get_column("missing").is_not_null().any():
            silent.insert(0, "Averages over tasks are over the cells that exist; the report names the missing ones.")
        console.print("\n".join([" ".join(_READING), *silent]), soft_wrap=not console.is_terminal)
    console.print(f"\nReport: {result.folder / 'report.md'}", soft_wrap=True)
    console.print(f"Page: {result.folder / 'report.html'}", soft_wrap=True)
    return results


def head(spec: RunSpec, manifest: Mapping[str, Any]) -> str:
    """The heading of a run: model, data, tasks, languages and noise."""
    units = manifest["units"]
    tasks = ", ".join(dict.fromkeys(unit["task"] for unit in units))
    languages = list(dict.fromkeys(unit["language"] for unit in units))
    several = f"{len(languages)} languages" if len(languages) > 1 else languages[0]
    sets = (*(f"external:{name}" for name in parse_sets(spec.external)), *(f"frozen {run}" for run in spec.frozen))
    noise = ", ".join((*spec.perturb, *sets)) or "clean (no noise: add --perturb char_noise:0.1)"
    seeds = f", {spec.seeds} draws of the noise" if spec.perturb and spec.seeds > 1 else ""
    return f"Model {', '.join(spec.model)} on {spec.data}: {tasks}; {several}; {noise}{seeds}"


_COMPLETE: Final = "complete in "


@dataclass(slots=True)  # counts what is complete
class StudyProgress:
    """Prints a plan and progress to stderr."""

    quiet: bool
    total: int = 0
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    shown: Any = None
    task: Any = None
    console: Any = field(default_factory=messages)

    def begin(self, planned: StudyPlan) -> None:
        """Print the plan with its cost, and start to count."""
        from robust_xtreme.studies.planning import cost_lines

        self.total = len(planned.todo)
        if not self.quiet:
            for line in (*planned.lines(), *cost_lines(planned)):
                print_line(self.console, line)
        self.started = time.monotonic()
        if self.total and self.console.is_terminal and not self.quiet:
            self.shown = bar(self.console, MofNCompleteColumn(), TimeRemainingColumn(), transient=False)
            self.shown.start()
            self.task = self.shown.add_task(planned.study.name, total=self.total)

    def watch(self, line: str) -> None:
        """Count a complete cell, and print its line."""
        if _COMPLETE in line:
            self.done += 1
        if self.quiet:
            return
        if self.shown is not None:
            self.shown.update(self.task, completed=self.done, description=line.partition(": ")[0])
        elif _COMPLETE in line:
            left = (time.monotonic() - self.started) / self.done * (self.total - self.done)
            more = f"; about {max(1, round(left / 60))} min left" if self.done < self.total else ""
            print_line(self.console, f"[{self.done} of {self.total}] {line.partition(': ')[2]}{more}")
        else:
            print_line(self.console, line)


@contextmanager
def watching(quiet: bool) -> Iterator[StudyProgress]:
    """What shows the progress of a study, until the context ends."""
    progress = StudyProgress(quiet)
    try:
        yield progress
    finally:
        if progress.shown is not None:
            progress.shown.stop()

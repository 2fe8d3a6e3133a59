"""Shows the progress of a study: the plan, then a bar on a terminal or lines, with the time that is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from rich.progress import MofNCompleteColumn, TimeRemainingColumn

from robust_xtreme.cli._terminal import bar, messages, print_line

if TYPE_CHECKING:
    from robust_xtreme.studies.planning import StudyPlan

_COMPLETE: Final = "complete in "
_MINUTE: Final = 60


@final
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
            print_line(self.console, f"[{self.done} of {self.total}] {line.partition(': ')[2]}{self._left()}")
        else:
            print_line(self.console, line)

    def _left(self) -> str:
        left = (time.monotonic() - self.started) / self.done * (self.total - self.done)
        return f"; about {max(1, round(left / _MINUTE))} min left" if self.done < self.total else ""

    def end(self) -> None:
        """End the bar."""
        if self.shown is not None:
            self.shown.stop()


@contextmanager
def watching(quiet: bool) -> Iterator[StudyProgress]:
    """What shows the progress of a study, until the context ends."""
    shown = StudyProgress(quiet)
    try:
        yield shown
    finally:
        shown.end()

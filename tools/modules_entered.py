"""Which modules of the package a reader opens to follow one task run, and how often the reader goes back up.

A task run is one task in one language under all its conditions: examples prepared, answered, scored and written. The
modules are listed in the order in which the run first enters them. It *descends* when the module entered last calls the
next one, and *climbs back* when an earlier module does, because the reader then returns to a file read before. Modules
of vocabulary (types, languages, packs, draws, errors) are left out: a reader looks those up and does not follow them.

    python -m tools.modules_entered --task xnli --language sw
"""

from __future__ import annotations

import sys
import tempfile
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from types import FrameType
from typing import Any, Final, final

from rich.console import Console
from rich.table import Table

from robust_xtreme import evaluate

PACKAGE: Final = "robust_xtreme."
STAGES: Final = frozenset({"computed", "answer", "_take"})
"""The functions of a run through which every task run passes."""
VOCABULARY: Final = frozenset({"core"})


@final
@dataclass(slots=True)  # filled while the run continues
class Trace:
    """Modules in the order of their first call within a task run, each with the module that called it."""

    callers: dict[str, str] = field(default_factory=dict)
    stages: set[str] = field(default_factory=set)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Record a call; what `sys.setprofile` asks for."""
        name = _module(frame)
        if event != "call" or name in self.callers or not name or frame.f_code.co_name == "<module>":
            return
        frames = [frame, *_outer(frame)]
        if stages := STAGES.intersection(each.f_code.co_name for each in frames):
            self.stages |= stages
            self.callers[name] = next((_module(outer) for outer in frames[1:] if _module(outer)), "")

    @property
    def climbs(self) -> list[tuple[str, str]]:
        """The modules entered from an earlier module than the last one, each after its caller."""
        return [(self.callers[name], name) for last, name in pairwise(self.callers) if self.callers[name] != last]


def _module(frame: FrameType) -> str:
    """The module that a frame runs, without the package's name; empty where it is not ours or is vocabulary."""
    name = str(frame.f_globals.get("__name__", ""))
    short = name.removeprefix(PACKAGE)
    return short if short != name and short.partition(".")[0] not in VOCABULARY else ""


def _outer(frame: FrameType) -> Iterator[FrameType]:
    """The frames that wait for a frame, innermost first."""
    outer = frame.f_back
    while outer is not None:
        yield outer
        outer = outer.f_back


def traced(task: str, language: str) -> Trace:
    """The trace of one embedded task run; an untraced run before it imports everything and fills caches."""
    trace = Trace()
    for profile in (None, trace):
        with tempfile.TemporaryDirectory() as folder:
            threading.setprofile(profile)
            sys.setprofile(profile)
            try:
                evaluate(
                    tasks=[task], languages=[language], perturb=["char_noise:0.1"], limit=20, out=folder, cache=False
                )
            finally:
                sys.setprofile(None)
                threading.setprofile(None)
    return trace


def main() -> None:
    """Print the modules that one task run enters."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--task", default="xnli")
    parser.add_argument("--language", default="sw")
    asked = parser.parse_args()
    trace = traced(asked.task, asked.language)
    if missing := STAGES - trace.stages:
        raise SystemExit(f"The run has no stage {', '.join(sorted(missing))}; STAGES lists them.")
    climbed = {name for _, name in trace.climbs}
    table = Table("", "module", "entered from", "climbs back")
    for number, (name, caller) in enumerate(trace.callers.items(), 1):
        table.add_row(str(number), name, caller, "yes" if name in climbed else "")
    console = Console()
    console.print(table)
    console.print(f"{len(trace.callers)} modules entered, {len(trace.climbs)} climbs back")


if __name__ == "__main__":
    main()

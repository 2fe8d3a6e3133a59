"""Checks that each planted fault is caught by the tests named for it: `python -m tools.faults`.

The project is copied, the tests named are run once on the unchanged copy, then each fault is planted in it in turn and
its tests are run. Exit code 0: every fault is caught.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from tools.faults.copies import ROOT, Copy, copied
from tools.faults.faults import Fault, chosen, problems, read

CAUGHT: Final = "caught"
_SECONDS: Final = 30.0
_FAILED: Final = 1
_TAIL: Final = 3000
_OTHERWISE: Final = {0: "MISSED", None: "MISSED: too slow", 4: "no such test", 5: "no such test"}


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on a fault: `caught`, or why not; and the seconds that its tests took."""

    fault: Fault
    verdict: str
    seconds: float
    output: str = ""


def check(copy: Copy, fault: Fault, seconds: float) -> Outcome:
    """Plant one fault and run its tests."""
    try:
        with copy.planted(fault):
            code, took, output = copy.test(fault.tests, seconds)
    except (OSError, ValueError) as error:
        return Outcome(fault, "does not apply", 0.0, str(error))
    verdict = CAUGHT if code == _FAILED else _OTHERWISE.get(code, "MISSED: the tests cannot be run")
    return Outcome(fault, verdict, took, output)


def check_all(copy: Copy, faults: Sequence[Fault], seconds: float, console: Console) -> list[Outcome]:
    """Plant each fault in turn; a bar on a terminal, else a line a fault."""
    outcomes: list[Outcome] = []
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        for fault in progress.track(faults, description="faults"):
            outcomes.append(check(copy, fault, seconds))
            if not console.is_terminal:
                console.print(f"{outcomes[-1].seconds:6.1f} s  {outcomes[-1].verdict:10}  {fault.name}", soft_wrap=True)
    return outcomes


def unchanged(copy: Copy, faults: Sequence[Fault], console: Console) -> bool:
    """Whether the tests of the faults pass on the unchanged copy; what they print is shown where they do not."""
    tests = tuple(dict.fromkeys(test for fault in faults for test in fault.tests))
    code, took, output = copy.test(tests, _SECONDS * max(4, len(tests)), cached=True)
    console.print(f"{len(tests)} tests on the unchanged source: {took:.0f} s", soft_wrap=True)
    if code:
        console.print(f"They must pass before a fault is planted:\n{output[-_TAIL:]}", soft_wrap=True)
    return code == 0


def table(outcomes: Sequence[Outcome]) -> Table:
    """A row a fault."""
    rows = Table("fault", "package", "", "seconds", box=None, pad_edge=False)
    for outcome in outcomes:
        rows.add_row(outcome.fault.name, outcome.fault.package, outcome.verdict, f"{outcome.seconds:.1f}")
    return rows


def report(outcomes: Sequence[Outcome], console: Console) -> int:
    """Print the table and what was not caught; the exit code."""
    missed = [outcome for outcome in outcomes if outcome.verdict != CAUGHT]
    console.print(table(outcomes))
    for outcome in missed:
        console.print(f"\n{outcome.fault.name}: {outcome.fault.breaks}\n{outcome.output[-_TAIL:]}", soft_wrap=True)
    console.print(f"{len(outcomes) - len(missed)} of {len(outcomes)} faults are caught.")
    return 1 if missed else 0


def main() -> int:
    """Check every planted fault, or those named."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=main.__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this fault; can be repeated")
    parser.add_argument("--package", action="append", default=[], metavar="NAME", help="the faults of this package")
    parser.add_argument("--list", action="store_true", help="print the faults and stop")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="what the tests of one fault may take (30)")
    parser.add_argument("--no-clean", action="store_true", help="leave out the run on the unchanged source")
    words = parser.parse_args()
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 120)
    faults = read()
    if wrong := list(problems(faults, ROOT)):
        console.print("\n".join(wrong), soft_wrap=True)
        return 1
    faults = chosen(faults, words.only, words.package)
    if words.list or not faults:
        console.print("\n".join(f"{fault.name} ({fault.package}): {fault.breaks}" for fault in faults), soft_wrap=True)
        return 0 if faults else 2
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, copied(Path(folder)) as copy:
        if not words.no_clean and not unchanged(copy, faults, console):
            return 1
        return report(check_all(copy, faults, words.seconds, console), console)


if __name__ == "__main__":
    sys.exit(main())

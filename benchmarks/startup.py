"""How long `robust-xtreme --help` takes, beside a bare interpreter and the limit of 0.5 seconds.

    python benchmarks/startup.py

Prints medians over fresh processes, the first (with a cold disk cache) left out: wall time, which a busy machine
stretches, and processor time, which it does not.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 0.5
RUNS = 15
PROGRAM = str(Path(sys.executable).parent / "robust-xtreme")


def seconds(command: list[str]) -> tuple[float, float]:
    """The wall time and the processor time of one process."""
    before, start = _processor(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start, _processor() - before


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def medians(command: list[str]) -> tuple[float, float]:
    """The median times over several processes, after one that warms the disk cache."""
    seconds(command)
    wall, processor = zip(*(seconds(command) for _ in range(RUNS)), strict=True)
    return statistics.median(wall), statistics.median(processor)


def main() -> None:
    """Print the table; exit 1 where the help is slower than its limit."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import typer, rich": [sys.executable, "-c", "import typer, rich"],
        "robust-xtreme --help": [PROGRAM, "--help"],
        "robust-xtreme eval --help": [PROGRAM, "eval", "--help"],
        "robust-xtreme list languages": [PROGRAM, "list", "languages"],
        "robust-xtreme list perturbations": [PROGRAM, "list", "perturbations"],
    }
    figures = {name: medians(command) for name, command in commands.items()}
    print(f"{'':34} {'wall':>8} {'processor':>11}")
    for name, (wall, processor) in figures.items():
        print(f"{name:34} {wall:6.3f} s {processor:9.3f} s")
    slow = figures["robust-xtreme --help"][0] > LIMIT
    print(f"{'limit for --help':34} {LIMIT:6.3f} s  {'TOO SLOW' if slow else 'kept'}")
    raise SystemExit(int(slow))


if __name__ == "__main__":
    main()

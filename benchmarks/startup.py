"""How long `robust-xtreme --help` takes, beside a bare interpreter and the limit of 0.5 seconds.

    python benchmarks/startup.py

Prints medians over fresh processes, the first (with a cold disk cache) left out.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 0.5
RUNS = 15
PROGRAM = str(Path(sys.executable).parent / "robust-xtreme")


def seconds(command: list[str]) -> float:
    """The wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def median(command: list[str]) -> float:
    """The median wall time over several processes, after one that warms the disk cache."""
    seconds(command)
    return statistics.median(seconds(command) for _ in range(RUNS))


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
    figures = {name: median(command) for name, command in commands.items()}
    for name, value in figures.items():
        print(f"{name:34} {value:6.3f} s")
    slow = figures["robust-xtreme --help"] > LIMIT
    print(f"limit for --help                   {LIMIT:6.3f} s   {'TOO SLOW' if slow else 'kept'}")
    raise SystemExit(int(slow))


if __name__ == "__main__":
    main()

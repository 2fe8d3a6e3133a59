"""Evaluates search systems on clean and noisy queries, in stages that are resumed, and writes reports/search.

    python -m tools.search --data DIR [--plan] [--out runs/search]

Each stage is a command of robust-xtreme; a finished one is skipped, and a stopped one continues where it was. `--plan`
prints the stages with their time on two idle cores, and runs nothing.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.real.__main__ import plan, run_all
from tools.real.stages import EVAL, FIGURES, READ, ROOT, Size, Stage
from tools.search.page import SYSTEMS, System
from tools.search.systems import ENCODERS

OUT: Final = Path("runs/search")
CONFIGS: Final = Path("configs/search")
REPORT: Final = Path("reports/search")
PREDICTIONS: Final = 34_000
"""Queries of each run, clean and noisy, as `eval --plan` counts them."""


def stages(data: Path, out: Path) -> Iterator[Stage]:
    """The stages in their order: the data, a run of each system, and the page."""
    yield Stage("data", FIGURES, ("tools.search.data", str(data), str(out / "data")), out / "data")
    for system in SYSTEMS:
        yield evaluation(system, out)
    runs = tuple(system.run for system in SYSTEMS)
    yield Stage("page", FIGURES, ("tools.search.page", str(out), str(REPORT)), out, runs)


def evaluation(system: System, out: Path) -> Stage:
    """The run of a system."""
    config = CONFIGS / f"{system.config}.toml"
    words = ["eval", "--config", str(config), "--data", str(out / "data"), "--out", str(out / system.run), "--quiet"]
    words += [word for model in system.models for word in ("--model", model)]
    words += ["--precision", system.precision] if system.precision else []
    size = Size(round(READ * system.minutes * 60), predictions=PREDICTIONS)
    return Stage(system.run, EVAL, tuple(words), out / system.run, ("data",), config, size)


def main() -> None:
    """Run or plan the stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of release files: Tatoeba and LAReQA")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--plan", action="store_true")
    words = parser.parse_args()
    every = list(stages(words.data, words.out))
    if words.plan:
        plan(every, words.out)
        return
    if Path.cwd() != ROOT:
        raise SystemExit(f"Its commands name files of the checkout. Run it in {ROOT}")
    missing = [name for name in ("multilingual-e5-small", "all-minilm-l6-v2") if not (ENCODERS / name).is_dir()]
    if missing:
        raise SystemExit(f"{ENCODERS / missing[0]} is not there. Write it first: make encoders")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(run_all(every, words.out))


if __name__ == "__main__":
    main()

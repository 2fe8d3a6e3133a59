"""What the simulations share: options, processes, draws of clusters, and tables as csv, a row a design."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from robust_xtreme.report.blocks import Block, Code, Prose

Design = TypeVar("Design")
Result = TypeVar("Result")

LARGE: Final = 1 / 20
"""The share of items above which a cluster is in each draw."""


def drawn_clusters(
    items: Any, shape: tuple[int, int], draw: np.random.Generator, by_chance: bool = False
) -> tuple[Any, Any]:
    """The clusters (draws, G) of draws with replacement, and how many times the sums of each count (G, 1).

    `items` (K,) are those of the clusters of the population. One with more than `LARGE` of them is in each draw once,
    and counts as often as others of the population are drawn, (G-1)/(K-1) times where it is the only one, so that it
    keeps its share of the items. `by_chance`: it is drawn as any other.
    """
    large = np.flatnonzero((items > LARGE * items.sum()) & (not by_chance))
    others = np.setdiff1d(np.arange(len(items)), large)
    at = others[draw.integers(0, len(others), shape)]
    at[:, : len(large)] = large
    times = np.ones((shape[1], 1))
    times[: len(large)] = (shape[1] - len(large)) / len(others)
    return at, times


def parser(documentation: str, samples: str, default: int, table: Path) -> argparse.ArgumentParser:
    """The options of a simulation: `--SAMPLES`, the number of samples a design, `--jobs` and `--csv`."""
    options = argparse.ArgumentParser(description=documentation.split("\n", maxsplit=1)[0])
    options.add_argument(f"--{samples}", type=int, default=default)
    options.add_argument("--jobs", type=int, default=1, help="processes; the figures do not depend on their number")
    options.add_argument("--csv", type=Path, default=table)
    return options


def simulated(
    simulate: Callable[[Design], Result], designs: Iterable[Design], jobs: int, shown: Callable[[Result], str]
) -> list[Result]:
    """The result of each design, in order, from several processes; a line for each is printed on stderr."""
    results = []
    with ProcessPoolExecutor(jobs) as pool:
        for result in pool.map(simulate, designs):
            results.append(result)
            print(shown(result), file=sys.stderr, flush=True)
    return results


def command(module: str, arguments: Sequence[str] | None) -> str:
    """The command line that a page names: of the arguments given, else of those of this process."""
    return f"python -m benchmarks.simulations.{module} " + " ".join(sys.argv[1:] if arguments is None else arguments)


def about(documentation: str | None, made_by: str) -> tuple[Block, ...]:
    """How a page begins: what the documentation of a module says, with the command line in the place of its own."""
    title, _, *what = (documentation or "").strip().split("\n\n")
    return Prose(title), Code((made_by,)), Prose("\n\n".join(what))


def write(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """The table as csv."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a csv of `write`."""
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))

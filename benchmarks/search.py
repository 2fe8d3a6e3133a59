"""How fast the nearest candidates are found: exact search beside a plain matmul and top-k.

    python benchmarks/search.py [--count 100000] [--dim 256] [--queries 1000] [--runs 3] [--out reports/benchmarks]

Vectors of length 1 from a fixed seed, with most of their variance in 32 directions, as those of sentences have; k = 20.
All times are of one thread's processor time, for the best of the runs, which take turns. The peer has all scores at
once and leaves the order of ties open: `torch.topk(queries @ candidates.T, k)` in float32. The bar: exact search is at
least as fast as the peer.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import torch

from robust_xtreme.models.retrieval.search import search
from robust_xtreme.report.blocks import Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

K: Final = 20
DIRECTIONS: Final = 32
SPREAD: Final = 0.05
LEAST: Final = 1.0
SEED: Final = 0
Array = np.ndarray[Any, Any]


def vectors(count: int, dim: int) -> Array:
    """Vectors (count, dim) float32 of length 1 around a plane of a few directions."""
    draw = np.random.default_rng(SEED)
    values = draw.standard_normal((count, DIRECTIONS), np.float32) @ draw.standard_normal((DIRECTIONS, dim), np.float32)
    values += SPREAD * DIRECTIONS**0.5 * draw.standard_normal((count, dim), np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return values


def seconds(work: Callable[[], object]) -> float:
    """The processor time that some work took."""
    start = time.process_time()
    work()
    return time.process_time() - start


def beside(queries: Array, candidates: Array, runs: int) -> tuple[float, float]:
    """The best times of exact search and of its peer, which take turns."""
    left, right = torch.from_numpy(queries), torch.from_numpy(candidates)
    ours, peer = [], []
    for _ in range(runs):
        ours.append(seconds(lambda: search(queries, candidates, K, device="cpu")))
        peer.append(seconds(lambda: torch.topk(left @ right.T, K)))
    return min(ours), min(peer)


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    return {
        "device": "CPU, one core",
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "other load": f"{max(0.0, os.getloadavg()[0] - 1):.1f} processes",
        "python": platform.python_version(),
        "faiss": version("faiss-cpu"),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def measure(count: int, dim: int, queries: int, runs: int) -> dict[str, Any]:
    """All figures, in one thread."""
    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    every = vectors(count + queries, dim)
    wanted, candidates = every[:queries].copy(), every[queries:]
    about = machine()
    exact, peer = beside(wanted, candidates, runs)
    shape = {"candidates": count, "dim": dim, "queries": queries, "k": K}
    return {"about": about, **shape, "peer": peer, "exact": exact}


def page(record: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    what = (
        f"`python benchmarks/search.py`: {record['queries']} queries in {record['candidates']} candidates of "
        f"{record['dim']} dimensions, float32, k = {record['k']}; processor time, best runs. The peer "
        "is `torch.topk(queries @ candidates.T, k)`."
    )
    about = "; ".join(f"{key}: {value}" for key, value in record["about"].items()) + "."
    rows = (_row("plain matmul and top-k", record["peer"], record), _row("exact", record["exact"], record))
    table = grid(("search", "seconds", "queries/s", "times the peer's speed"), rows, 1)
    bar = f"Exact search: {ratio(record):.2f} times the speed of the peer (bar {LEAST:.0f})."
    blocks = (Prose(what), Paragraph(about), table, Paragraph(bar))
    return markdown.render(ReportPage("Search: the nearest candidates", blocks))


def _row(name: str, taken: float, record: Mapping[str, Any]) -> tuple[str, ...]:
    return name, f"{taken:.3f}", f"{record['queries'] / taken:.0f}", f"{record['peer'] / taken:.2f}"


def ratio(record: Mapping[str, Any]) -> float:
    """How many times as fast as the peer exact search is."""
    return float(record["peer"] / record["exact"])


def write(folder: Path, record: Mapping[str, Any]) -> None:
    """The page and its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "search.md").write_text(page(record), encoding="utf-8")
    (folder / "search.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Print the page; with --out write it there beside its figures; exit 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    record = measure(arguments.count, arguments.dim, arguments.queries, arguments.runs)
    print(page(record))
    if arguments.out:
        write(arguments.out, record)
    raise SystemExit(int(ratio(record) < LEAST))


if __name__ == "__main__":
    main()

"""How fast joint intervals are resampled: counts times sums of clusters, beside scipy's bootstrap of single items.

    python -m benchmarks.resampling [--tasks 10] [--languages 50] [--items 1000] [--resamples 10000] [--out DIR]

The predictions of two models for the items of each task and language differ in 15 %; items are in clusters, within
which these are correlated by 0.3, and the languages of a task have the same clusters. From them come the intervals of
all differences that are valid at once, by the functions of the program: sums of clusters, errors by the jackknife, and
the max-t quantile of the resamples, which all cells share. The peer is `scipy.stats.bootstrap` of the mean difference
of each cell (`vectorized=True`, percentiles) on single items, with the fastest of some values of `batch`.

All times are of one thread's processor time, for the best of the runs, which take turns; set OMP_NUM_THREADS=1. The
bar: 20 times as fast as the peer on float64, in clusters of three. With `--device cuda` the resampling is timed there,
too, by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

from robust_xtreme.core.metric import named
from robust_xtreme.report.blocks import Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.stats import intervals
from robust_xtreme.stats.intervals import CPU, ArrayBackend, Moments
from robust_xtreme.stats.resampling import MOST_BYTES, Member, keys, simultaneous_quantiles, weights

ACCURACY: Final = named("accuracy")

LEAST: Final = 20.0
BATCHES: Final = (1, 2, 4, 8, 16, 64)
CLUSTERS: Final = (3, 5)
"""The items of a cluster; the first is that of the bar."""
SEED: Final = 0
_RIGHT, _DIFFERING, _CORRELATION = 0.7, 0.15, 0.3
_MIB: Final = 2**20
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """Right answers of two models, bool arrays (tasks, languages, items), and the items of a cluster."""

    before: Array
    after: Array
    size: int

    @property
    def clusters(self) -> Array:
        """The cluster of each item, from 0."""
        return np.arange(self.before.shape[-1]) // self.size


def sample(shape: tuple[int, int, int], size: int) -> Sample:
    """Answers of which 15 % differ, as often for the better as for the worse; correlated by 0.3 within clusters."""
    draw = np.random.default_rng(SEED)
    cluster = np.arange(shape[-1]) // size
    before, alone, together = (draw.random(shape, np.float32) for _ in range(3))
    changes = np.where(draw.random(shape, np.float32) < _CORRELATION**0.5, together[..., cluster], alone)
    right = before < _RIGHT
    after = np.where(changes < _DIFFERING / 2, False, np.where(changes > 1 - _DIFFERING / 2, True, right))
    before = np.where(changes < _DIFFERING / 2, True, np.where(changes > 1 - _DIFFERING / 2, False, right))
    return Sample(before, after, size)


# ------------------------------------------------------------------------------------------------------ what is timed


def joint(answers: Sample, resamples: int, backend: ArrayBackend = CPU) -> Array:
    """The bounds of all differences that are valid at once, (2, cells), from the answers."""
    moments = [_moments(answers, task) for task in range(len(answers.before))]
    family = [member for task, each in enumerate(moments) for member in _members(each, task)]
    quantiles = simultaneous_quantiles(family, resamples=resamples, backend=backend)
    return np.concatenate([intervals.difference_bounds(CPU, each, quantiles)[1:] for each in moments], -1)


def _moments(answers: Sample, task: int) -> Moments:
    after, before = (_sums(side[task], answers.clusters) for side in (answers.after, answers.before))
    return intervals.difference(CPU, after, before, ACCURACY.reduce)


def _sums(right: Array, codes: Array) -> Array:
    """The sums of accuracy, (languages, 1, G, 2)."""
    rows = np.stack([right, np.ones_like(right)], -1).astype(np.float64)
    return np.stack([intervals.cluster_sums(cell, codes, int(codes[-1]) + 1) for cell in rows])[:, None]


def _members(moments: Moments, task: int) -> list[Member]:
    names = keys([f"{task}/{cluster}" for cluster in range(moments.deviations.shape[-1])])
    each = zip(moments.deviations, moments.jump, strict=True)
    return [Member(partial(np.asarray, deviations), float(jump), names) for deviations, jump in each]


def peer(differences: Array, resamples: int, batch: int) -> Any:
    """scipy's intervals and standard errors of the mean of each row."""
    return stats.bootstrap(
        (differences,),
        np.mean,
        vectorized=True,
        axis=-1,
        n_resamples=resamples,
        batch=batch,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """The time that some work took, by default of the processor."""
    start = clock()
    work()
    return clock() - start


def best_batch(differences: Array, resamples: int) -> int:
    """The value of `batch` with which a hundredth of the work is fastest."""
    few = max(resamples // 100, 1)
    return min(BATCHES, key=lambda batch: min(seconds(partial(peer, differences, few, batch)) for _ in range(3)))


# ------------------------------------------------------------------------------------------------------ all figures


def measure(shape: tuple[int, int, int], resamples: int, runs: int, device: str) -> dict[str, Any]:
    """All figures, in one thread."""
    answers = {size: sample(shape, size) for size in CLUSTERS}
    first = answers[CLUSTERS[0]]
    differences = (first.after.astype(np.int8) - first.before).reshape(-1, shape[-1])
    peers = {kind: differences.astype(kind) for kind in ("float64", "int8")}
    batches = {kind: best_batch(values, resamples) for kind, values in peers.items()}
    works: dict[str, Callable[[], object]] = {
        **{str(size): partial(joint, each, resamples) for size, each in answers.items()},
        **{kind: partial(peer, values, resamples, batches[kind]) for kind, values in peers.items()},
    }
    times = np.min([[seconds(work) for work in works.values()] for _ in range(runs)], 0)
    return {
        "about": machine(),
        **dict(zip(("tasks", "languages", "items"), shape, strict=True)),
        "resamples": resamples,
        "batch": batches,
        "seconds": dict(zip(works, map(float, times), strict=True)),
        "cuda": _timed_on_cuda(first, resamples) if device == "cuda" else None,
        "mib": peak(works[str(CLUSTERS[0])]),
        "errors": errors(first, resamples),
    }


def on_cuda() -> ArrayBackend:
    """The backend whose weights and sums are on a GPU."""
    import torch

    return ArrayBackend(torch, lambda values: torch.from_numpy(values).to("cuda"), lambda values: values.cpu().numpy())


def _timed_on_cuda(answers: Sample, resamples: int) -> dict[str, Any]:
    """The device, and how long resampling takes with it, after a first time."""
    import torch

    work = partial(joint, answers, resamples, on_cuda())
    work()
    return {"device": torch.cuda.get_device_name(), "seconds": seconds(work, time.perf_counter)}


def peak(work: Callable[[], object]) -> float:
    """The most memory that some work allocates at a time, in MiB."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / _MIB
    finally:
        tracemalloc.stop()


def errors(answers: Sample, resamples: int) -> dict[str, float]:
    """Median ratios of standard errors over the languages of the first task.

    `resampled`: of resampled differences to the jackknife, by cluster. `scipy`: of scipy's to the jackknife of single
    items. `clustered`: of the jackknife by cluster to that of single items.
    """
    single = Sample(answers.before, answers.after, 1)
    by_cluster, by_item = (np.sqrt(_moments(each, 0).variance) for each in (answers, single))
    differences = answers.after[0].astype(np.float64) - answers.before[0]
    theirs = 100 * peer(differences, resamples, BATCHES[0]).standard_error
    pairs = {"resampled": (_spread(answers, resamples), by_cluster), "scipy": (theirs, by_item)}
    pairs["clustered"] = (by_cluster, by_item)
    return {name: float(np.median(left / right)) for name, (left, right) in pairs.items()}


def _spread(answers: Sample, resamples: int) -> Any:
    """The standard deviation of the resampled differences of the first task, (languages,)."""
    after, before = (_sums(side[0], answers.clusters)[:, 0] for side in (answers.after, answers.before))
    names = [f"0/{cluster}" for cluster in range(after.shape[-2])]
    blocks = [
        ACCURACY.reduce(block @ after) - ACCURACY.reduce(block @ before)
        for block in weights(keys(names), resamples=resamples)
    ]
    return np.std(np.concatenate(blocks, -1), axis=-1)


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    return {
        "device": "CPU, one core",
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
        "other load": f"{max(0.0, os.getloadavg()[0] - 1):.1f} processes",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": version("scipy"),
    }


def ratio(record: Mapping[str, Any], kind: str = "float64", size: int = CLUSTERS[0]) -> float:
    """How many times as fast as the peer joint intervals are."""
    return float(record["seconds"][kind] / record["seconds"][str(size)])


# ------------------------------------------------------------------------------------------------------------ the page


def page(record: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    cells = record["tasks"] * record["languages"]
    what = (
        f"`python -m benchmarks.resampling`: {record['resamples']:,} resamples of {cells * record['items']:,} "
        f"predictions in {cells} cells ({record['tasks']} tasks of {record['languages']} languages); processor time, "
        "best runs. The peer is `scipy.stats.bootstrap(vectorized=True)` of single items, with the fastest `batch`; "
        "its intervals are of each cell alone. Ours are of clusters, and valid for all cells at once."
    )
    about = "; ".join(f"{key}: {value}" for key, value in record["about"].items()) + "."
    rows = [_row(record, kind, f"scipy on {kind}, batch {record['batch'][kind]}") for kind in record["batch"]]
    rows += [_row(record, str(size), f"joint, clusters of {size}") for size in CLUSTERS]
    head = ("resampling", "seconds", "times scipy's speed on float64", "on int8")
    tail = Prose("\n\n".join((_bar(record), _memory(record), _errors(record), _cuda(record))))
    blocks = (Prose(what), Paragraph(about), grid(head, rows, 1), tail)
    return markdown.render(ReportPage("Resampling: joint intervals", blocks))


def _row(record: Mapping[str, Any], name: str, shown: str) -> tuple[str, ...]:
    taken = record["seconds"][name]
    return shown, f"{taken:.3f}", *(f"{record['seconds'][kind] / taken:.1f}" for kind in record["batch"])


def _bar(record: Mapping[str, Any]) -> str:
    return f"Clusters of {CLUSTERS[0]}: {ratio(record):.1f} times the speed of the peer on float64 (bar {LEAST:.0f})."


def _memory(record: Mapping[str, Any]) -> str:
    return f"Most memory at a time: {record['mib']:.1f} MiB; the weights have at most {MOST_BYTES // _MIB} MiB."


def _errors(record: Mapping[str, Any]) -> str:
    errors = record["errors"]
    return (
        f"Standard errors, medians of one task: resampled {errors['resampled']:.3f} times the jackknife's by cluster; "
        f"scipy's {errors['scipy']:.3f} times the jackknife's of single items, which by cluster is "
        f"{errors['clustered']:.2f} times as great."
    )


def _cuda(record: Mapping[str, Any]) -> str:
    if record["cuda"] is None:
        return "CUDA was not measured here; `--device cuda` measures it."
    return f"With {record['cuda']['device']}: {record['cuda']['seconds']:.3f} seconds by the clock."


def write(folder: Path, record: Mapping[str, Any]) -> None:
    """The page and its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "resampling.md").write_text(page(record), encoding="utf-8")
    (folder / "resampling.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the page; with --out write it there beside its figures; exit 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--languages", type=int, default=50)
    parser.add_argument("--items", type=int, default=1000, help="of a cell")
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    record = measure((given.tasks, given.languages, given.items), given.resamples, given.runs, given.device)
    print(page(record))
    if given.out:
        write(given.out, record)
    raise SystemExit(int(ratio(record) < LEAST))


if __name__ == "__main__":
    main()

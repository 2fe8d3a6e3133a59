"""How much memory a finished run needs by its predictions: final files, scores, averages and report of made-up rows.

    python -m benchmarks.memory [--cases task-runs items] [--label before] [--small] [--out reports/benchmarks]

Task runs of XNLI, XCOPA, PAN-X and XQuAD are made up and written with the writer of runs, as by a run that was stopped
before it finished: a row of PREDICTIONS for each item, clean and under four conditions, and rows of STATS of each
metric, of chance and of a shallow predictor. A process of its own then finishes the run, and another compares it with
itself item by item, as `gate` does. Each case is measured with 300,000 predictions and with ten times as many: ten
times the task runs (the bar: at most 1.2 times the memory), or as many task runs and cells of ten times the noise seeds
or items, each of which is then ten times as large. `--small` leaves out the larger size, which versions that keep
all rows in memory need 22 GiB for. Figures are kept under a label; those of other labels stay.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks._host_memory import peak_of
from benchmarks._memory_case import Case

from robust_xtreme.report.blocks import Block, Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

SMALL: Final = Case(5, 3_000, 1, "")
CASES: Final[Mapping[str, Case]] = {
    "task-runs": replace(SMALL, languages=50),
    "seeds": replace(SMALL, seeds=12),
    "items": replace(SMALL, items=30_000),
}
"""The larger size of each case; the smaller one is that of all."""

STAGES: Final = ("finish", "compare")
BAR: Final = 1.2
ROOT: Final = Path(__file__).parents[1]
_ABOUT: Final = (
    "`python -m benchmarks.memory`: made-up task runs, written by the writer of runs; *finish* merges them, scores",
    "them, averages them and writes the report, *compare* compares the finished run with itself item by item, each in",
    "a process of its own. *task-runs*: ten times as many task runs of the same size. *seeds*, *items*: as many task",
    "runs and cells, with more noise seeds or ten times the items.",
)
_COLUMNS: Final = ("case", "label", "stage", "predictions", "MiB", "ratio", "seconds", "of processor time")


def main() -> None:
    """Measure, print the page of all labels, and write it down where --out is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--label", default=time.strftime("%Y-%m-%d"), help="what the figures are kept under")
    parser.add_argument("--small", action="store_true", help="300,000 predictions alone")
    parser.add_argument("--out", type=Path, help="a folder for the figures")
    words = parser.parse_args()
    record = measure(words.cases, words.label, words.small)
    path = words.out / "memory.json" if words.out else None
    kept = json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else []
    records = merged(kept, record)
    print(page(records))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(page(records), encoding="utf-8")


def merged(records: Sequence[dict[str, Any]], record: dict[str, Any]) -> list[dict[str, Any]]:
    """The records with a new one: cases that its label has already are replaced, and others stay."""
    others = [kept for kept in records if kept["label"] != record["label"]]
    earlier = next((kept for kept in records if kept["label"] == record["label"]), record)
    cases = {**earlier["cases"], **record["cases"]}
    whole = {**record, "cases": {name: cases[name] for name in ("small", *CASES) if name in cases}}
    return [*others, whole]


def measure(cases: Sequence[str], label: str, small: bool) -> dict[str, Any]:
    """The figures of the smaller size and of the larger size of each case, and what they were measured with."""
    sizes = {"small": SMALL, **({} if small else {name: CASES[name] for name in cases})}
    about = {
        "cores": os.cpu_count(),
        "versions": f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("torch", "polars", "numpy")),
    }
    return {"label": label, **about, "cases": {name: _measured(name, case) for name, case in sizes.items()}}


def _measured(name: str, case: Case) -> dict[str, Any]:
    """The predictions of a case, and the figures of each stage."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "case.json"
        given.write_text(json.dumps(asdict(replace(case, out=str(Path(folder) / "run")))), encoding="utf-8")
        print(f"{name} ...", file=sys.stderr)
        _process("make", given)
        return {"predictions": case.predictions, **{stage: _process(stage, given) for stage in STAGES}}


def _process(stage: str, given: Path) -> dict[str, float]:
    """The peak of memory of a process in MiB, and its seconds by the clock and of processor time."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks._memory_case", stage, str(given)], cwd=ROOT)
    peak = peak_of(process)
    if process.returncode:
        raise SystemExit(f"{stage} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"mib": peak, "seconds": round(time.perf_counter() - start, 1), "processor": round(processor, 1)}


def page(records: Sequence[Mapping[str, Any]]) -> str:
    """The records of all labels as Markdown."""
    blocks: list[Block] = [Prose("\n".join(_ABOUT))]
    blocks += [Paragraph(f"{record['label']}: {record['versions']}, {record['cores']} cores.") for record in records]
    blocks += [grid(_COLUMNS, [row for record in records for row in _rows(record)], 3), Prose(_legend())]
    return markdown.render(ReportPage("Memory by the number of predictions", tuple(blocks)))


def _legend() -> str:
    return (
        "*MiB*: the peak of memory that the process has to itself. *ratio*: to 300,000 predictions; the bar for ten\n"
        f"times as many in task runs of the same size is {BAR}. Other work may share the machine: seconds by the\n"
        "clock do not compare."
    )


def _rows(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    small = record["cases"].get("small")
    for name, case in record["cases"].items():
        for stage in filter(case.__contains__, STAGES):
            figures = case[stage]
            ratio = f"{figures['mib'] / small[stage]['mib']:.2f}" if small else ""
            seconds = (f"{figures['seconds']:,.1f}", f"{figures['processor']:,.1f}")
            yield name, record["label"], stage, f"{case['predictions']:,}", f"{figures['mib']:,}", ratio, *seconds


if __name__ == "__main__":
    main()

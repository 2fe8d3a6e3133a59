"""Ratios to a peer, commit by commit: `python -m benchmarks.series` adds rows to reports/benchmarks/series.csv.

Small cases of what has pages of its own, in processor time of one core, so that a busy machine matters little. Ours and
the peer take turns; the ratio is of their medians. It is taken of the even and of the odd turns, too. How far these two
are apart, or two rows of the same commit, is the noise of a kind of machine (A/A). A ratio is marked where it is
further from the median of the rows of other commits before it than anything that measured the same until then.
`--page` draws the page alone.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import platform
import random
import resource
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from robust_xtreme.core.examples import Text
from robust_xtreme.core.metric import named
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.report.blocks import Heading, Prose, ReportPage, Table, TableCell, TableColumn
from robust_xtreme.report.renderers import markdown
from robust_xtreme.stats.intervals import estimate_difference

ROOT: Final = Path(__file__).parents[1]
PROGRAM: Final = str(Path(sys.executable).parent / "robust-xtreme")
ROWS: Final = ROOT / "reports" / "benchmarks" / "series.csv"
PAGE: Final = ROWS.with_suffix(".md")
FIGURE: Final = ROWS.with_suffix(".svg")
TURNS: Final = 10
SENTENCE: Final = "Habari ya asubuhi, jina langu ni Juma na ninaishi karibu na ziwa kubwa la Afrika. "
CLUSTERS: Final = 20_000
NOISES: Final = ("char_noise:0.1", "keyboard_typo:0.1", "casing:0.1")

_HEAD: Final = """\
Ours beside a peer, commit by commit (`python -m benchmarks.series`; `make bench` runs it, too): processor time of ours
over that of the peer, so lower is better. *A/A*: how far two halves of the same measurement are apart, in %. A ratio
has **changed** where it is further from the median of the rows of other commits before, on the same kind of machine,
than two halves or two rows of one commit were there until then.

![Ratios by row, a line for each case and kind of machine](series.svg)
"""


@final
@dataclass(frozen=True, slots=True)
class Row:
    """A ratio of a case at a commit, and those of its even and of its odd turns."""

    date: str
    commit: str
    machine: str
    case: str
    ratio: float
    even: float
    odd: float

    @property
    def apart(self) -> float:
        """How far the two halves are apart, as a logarithm."""
        return abs(math.log(self.even / self.odd))


# --------------------------------------------------------------------------------------------------------------- cases


@final
@dataclass(frozen=True, slots=True)
class Work:
    """What is measured, in words, and a function that does it once and says the seconds of the processor it took."""

    what: str
    once: Callable[[], float]


Case = tuple[Work, Work]
"""Ours and the peer."""


def cases() -> dict[str, Case]:
    """The cases by name; what they work on is made before."""
    texts = [Text(f"series/{number}", "sw", SENTENCE * 3) for number in range(400)]
    draws = np.random.default_rng(0)
    right = draws.binomial(3, 0.7, (2, 1, CLUSTERS)).astype(float)
    clean, noisy = (np.stack([each, np.full_like(each, 3)], -1) for each in right)
    reduce = named("accuracy").reduce
    size = f"{len(texts)} texts of {len(SENTENCE) * 3} characters"
    loop = Work("a plain Python loop that doubles a tenth of their characters", _timed(lambda: _loop(texts)))
    of_noise = {name: (Work(f"{name} in {size}", _noising(name, texts)), loop) for name in NOISES}
    interval = _timed(lambda: [estimate_difference(clean, noisy, reduce) for _ in range(10)])
    sort = _timed(lambda: [np.sort(clean[..., 0]) for _ in range(10)])
    ours = Work(f"the difference of two accuracies over {CLUSTERS:,} clusters, with its interval", interval)
    of_stats = {"interval of a drop": (ours, Work(f"np.sort of {CLUSTERS:,} numbers", sort))}
    of_help = {"--help": (_process("robust-xtreme --help"), _process('python -c "import typer, rich"'))}
    return {**of_help, **of_noise, **of_stats}


def _process(line: str) -> Work:
    """A command line, in a process of its own, whose processor time is counted."""
    program, *words = shlex.split(line)
    command = [{"robust-xtreme": PROGRAM, "python": sys.executable}[program], *words]

    def once() -> float:
        start = _children_seconds()
        subprocess.run(command, check=True, capture_output=True)
        return _children_seconds() - start

    return Work(line, once)


def _children_seconds() -> float:
    """The processor time of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _noising(name: str, texts: Sequence[Text]) -> Callable[[], float]:
    spec = PerturbationSpec.parse(name)
    return _timed(lambda: noise_texts(texts, spec, 0))


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return once


def _loop(texts: Sequence[Text]) -> list[str]:
    """The plainest noise: a tenth of the characters doubled, by a loop."""
    draw = random.Random(0).random
    return ["".join(letter + letter if draw() < 0.1 else letter for letter in text.value) for text in texts]


def measured(case: Case, turns: int = TURNS) -> tuple[float, float, float]:
    """The ratio of medians over all turns, over the even and over the odd ones; a turn before them is not counted."""
    ours, peer = case
    pairs = [(ours.once(), peer.once()) for _ in range(turns + 1)][1:]

    def ratio(taken: Sequence[tuple[float, float]]) -> float:
        return statistics.median(first for first, _ in taken) / statistics.median(second for _, second in taken)

    return ratio(pairs), ratio(pairs[::2]), ratio(pairs[1::2])


# ---------------------------------------------------------------------------------------------------------------- page


def read(text: str) -> list[Row]:
    """The rows of series.csv, oldest first."""
    numbers = ("ratio", "even", "odd")
    rows: list[dict[str, Any]] = [*csv.DictReader(text.splitlines())]
    return [Row(**row | {name: float(row[name]) for name in numbers}) for row in rows]


def changed(rows: Sequence[Row]) -> list[bool]:
    """Whether the ratio of each row is further from those of other commits before than what measured the same."""
    marks = []
    last = {row.commit: at for at, row in enumerate(rows)}
    for row in rows:
        there = [each for each in rows[: last[row.commit] + 1] if (each.case, each.machine) == (row.case, row.machine)]
        before = [each.ratio for each in there if each.commit != row.commit]
        moved = abs(math.log(row.ratio / statistics.median(before))) if before else 0.0
        marks.append(moved > noise(there))
    return marks


def noise(rows: Sequence[Row]) -> float:
    """The largest distance, as a logarithm, of two halves of a row, or of two rows of one commit."""
    pairs = (pair for pair in combinations(rows, 2) if pair[0].commit == pair[1].commit)
    return max([row.apart for row in rows] + [abs(math.log(one.ratio / other.ratio)) for one, other in pairs])


def page(rows: Sequence[Row]) -> str:
    """The page, in Markdown: what each case is of, and the rows, newest first."""
    columns = tuple(
        TableColumn(name, right=name in ("ratio", "A/A")) for name in ("date", "commit", "case", "ratio", "A/A", "")
    )
    sides = tuple((name, ours.what, peer.what) for name, (ours, peer) in cases().items())
    blocks: list[Heading | Table] = [Table(tuple(map(TableColumn, ("case", "ours", "peer"))), sides)]
    for machine in dict.fromkeys(row.machine for row in rows):
        of = [(row, mark) for row, mark in zip(rows, changed(rows), strict=True) if row.machine == machine]
        cells = tuple(tuple[str | TableCell, ...](_cells(row, mark)) for row, mark in reversed(of))
        blocks += [Heading(machine), Table(columns, cells)]
    return markdown.render(ReportPage("Ratios, commit by commit", (Prose(_HEAD), *blocks)))


def _cells(row: Row, mark: bool) -> Iterator[str]:
    yield from (row.date, row.commit, row.case)
    yield from (f"{row.ratio:.3g}", f"{100 * math.expm1(row.apart):.1f} %", "changed" if mark else "")


def svg(rows: Sequence[Row]) -> str:
    """A panel for each case, a line for each kind of machine: the ratio relative to the first one there, by row."""
    names, machines = (list(dict.fromkeys(getattr(row, part) for row in rows)) for part in ("case", "machine"))
    size = f'viewBox="0 0 640 {110 * len(names)}" font-family="sans-serif" font-size="11"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>']
    for at, name in enumerate(names):
        top = 110 * at
        parts += [
            f'<text x="8" y="{top + 16}" fill="#57606a">{name}: ratio over that of the first row</text>',
            f'<path d="M40 {top + 65}H630" stroke="#d0d7de"/><text x="8" y="{top + 69}" fill="#57606a">1</text>',
            *(_line([row for row in rows if (row.case, row.machine) == (name, kind)], top) for kind in machines),
        ]
    return "\n".join([*parts, "</svg>\n"])


def _line(rows: Sequence[Row], top: int) -> str:
    step = 580 / max(1, len(rows) - 1)
    points = [
        (45 + step * at, top + 65 - 40 * _between(math.log2(row.ratio / rows[0].ratio))) for at, row in enumerate(rows)
    ]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#0969da"/>' for x, y in points)
    return f'<polyline fill="none" stroke="#0969da" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>{dots}'


def _between(value: float) -> float:
    return max(-1.0, min(1.0, value))


# ------------------------------------------------------------------------------------------------------------- command


def machine() -> str:
    """The kind of this machine: its processor, by family and model where Linux says them, its cores, and the Python."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").partition("\n\n")[0].splitlines() if info.is_file() else []
    known = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = known.get("model name", platform.machine())
    kind = f"{name} {known['cpu family']}/{known['model']}" if {"cpu family", "model"} <= known.keys() else name
    return f"{kind}, {os.cpu_count()} cores, Python {platform.python_version()}"


def commit() -> str:
    """The last commit of what is measured, with a + where it has changed since."""
    folders = ("--", "src", "benchmarks", "perturbations")
    words = (("log", "-1", "--format=%h", "--abbrev=8", *folders), ("status", "--porcelain", *folders))
    last, now = (
        subprocess.run(("git", *each), cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
        for each in words
    )
    return f"{last}{'+' if now else ''}"


def main() -> None:
    """Measure each case, add the rows, and draw the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true", help="draw the page of the rows that are there")
    if not parser.parse_args().page:
        when, kind = datetime.now(UTC).date().isoformat(), machine()
        made = [
            Row(when, commit(), kind, name, *(round(each, 5) for each in measured(case)))
            for name, case in cases().items()
        ]
        is_new = not ROWS.is_file()
        with ROWS.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerows(map(asdict, made))
    rows = read(ROWS.read_text("utf-8"))
    PAGE.write_text(page(rows), encoding="utf-8")
    FIGURE.write_text(svg(rows), encoding="utf-8")
    for row, mark in [*zip(rows, changed(rows), strict=True)][-len({row.case for row in rows}) :]:
        print(f"{row.case:22} {row.ratio:8.3f}  A/A {100 * math.expm1(row.apart):.1f} %{'  changed' if mark else ''}")


if __name__ == "__main__":
    main()

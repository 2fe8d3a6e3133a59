"""Evaluates, trains or gates again and again in one process, and says whether it grows: `python -m tools.endurance`.

    python -m tools.endurance run eval --minutes 60       # or another of ROUNDS; continues where it was stopped
    python -m tools.endurance run eval --as settings      # with the settings of `SETTINGS`, see docs/endurance.md
    python -m tools.endurance run eval --as control       # and reads files of weights whole, see tools/control.py
    python -m tools.endurance page                        # of all that ran: docs/endurance.md

Each round is new: its own folders and its own cache, which are removed after it. After each round and a collection of
garbage, the memory, the open descriptors and the threads of the process are kept in reports/endurance/NAME.csv; a run
that is continued begins another process, whose rounds count for themselves. Memory is counted three times: the blocks
that Python has in use, of up to 512 bytes each; what the C library (glibc) has given out, to larger objects, to numpy
and to torch; and what is resident, which alone contains what polars has, from an allocator of its own, and what
allocators keep for later. It differs by up to 22 MiB from round to round, and once by 63, so that its lowest values
are shown, too. The first fifth of a process's rounds is left out, as caches of libraries fill; the others are divided
into 20 parts, and the slope is that of their means, or lowest values, with Student's interval of 95 %; so is that of
the last half of the rounds. Parts beside each other are still alike (their residuals correlate by up to 0.8), so that
intervals are too narrow, and a step is in them as a slope.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import gc
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats
from tools.control import read_whole

from robust_xtreme.files.new_files import write_all
from robust_xtreme.report.blocks import Paragraph, Prose, ReportPage, Table, TableColumn
from robust_xtreme.report.renderers import markdown

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "reports" / "endurance"
PAGE: Final = ROOT / "docs" / "endurance.md"
MODEL: Final = ROOT / "src" / "robust_xtreme" / "_mini" / "model"
MEASURED: Final = {
    "blocks": "blocks of Python, thousands",
    "used": "in use of glibc, MiB",
    "rss": "resident memory, MiB",
    "descriptors": "descriptors",
    "threads": "threads",
}
ROUND: Final = 1
HOURS: Final = 2
SETTINGS: Final = {
    "MALLOC_ARENA_MAX": "1",
    "POLARS_OOC_MEMORY_BUDGET_MB": "1",
    "POLARS_OOC_SPILL_MIN_BYTES": str(2**50),
}
"""One arena of glibc; and polars always looks for what to write to disk, which removes contexts that ended from its
table, but never finds as much as it may write."""
WAYS: Final = ("installed", "settings", "control")
INTERNED: Final = 2**18
"""So many strings, used once, give Python's table of interned strings the size that names of files give it later."""
HEADS: Final = ("process", "round", "hours", *MEASURED)
WARM: Final = 0.2
LATE: Final = 0.5
PARTS: Final = 20
FEWEST: Final = 100
"""The rounds that a process needs for a slope: a fifth of them warms up, and a part has four, of the last half two."""


@dataclass(frozen=True, slots=True)
class Slope:
    """How much a measure grows in an hour, with its interval, and its value of the first and the last part."""

    estimate: float
    low: float
    high: float
    first: float
    last: float


class _Mallinfo(ctypes.Structure):
    """`struct mallinfo2` of glibc: `hblkhd` bytes are in use in maps of their own, `uordblks` in the heaps."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "rest", "top")
    )


def measured() -> tuple[float, ...]:
    """What `MEASURED` names, of this process. Linux with glibc only."""
    gc.collect()
    asked = ctypes.CDLL(None).mallinfo2
    asked.restype = _Mallinfo
    heap = asked()
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    memory = (
        sys.getallocatedblocks() / 1000,
        (heap.uordblks + heap.hblkhd) / 2**20,
        int(status["VmRSS"].split()[0]) / 1024,
    )
    return *memory, len([*Path("/proc/self/fd").iterdir()]), int(status["Threads"])


def evaluated(folder: Path) -> None:
    """Two tasks of the embedded model in two languages under one noise, with all files and the page."""
    import robust_xtreme

    run = robust_xtreme.evaluate(
        tasks=["xnli", "panx"], languages=["sw", "de"], perturb="char_noise:0.1", limit="90", out=str(folder / "run")
    )
    assert run.deltas.height


def trained(folder: Path) -> None:
    """A few steps of a target stage, from scratch."""
    import robust_xtreme

    text = folder / "text.txt"
    shutil.copyfile(ROOT / "configs" / "train" / "made_up.txt", text)
    start: dict[str, Any] = {"from": "scratch", "size": "tiny", "text": str(text), "data": "mini", "device": "cpu"}
    robust_xtreme.train(**start, target={"tasks": ["panx"], "steps": 4}, batch_size=8, out=str(folder / "run"))


def gated(folder: Path) -> None:
    """The run in the folder above, made once, against itself by a margin of equivalence, and their comparison."""
    import robust_xtreme

    run = folder.parent / "run"
    if not run.is_dir():
        evaluated(folder.parent)
    assert robust_xtreme.gate(str(run), str(run), equivalent=2.0).verdicts.height
    robust_xtreme.compare(str(run), str(run)).frame.write_csv(folder / "compare.csv")


def read(_: Path) -> None:
    """The weights that `evaluated` reads, by safetensors alone."""
    import safetensors

    for name in ("model/model", "heads/xnli", "heads/panx"):
        with safetensors.safe_open(MODEL / f"{name}.safetensors", "pt") as file:
            for tensor in file.keys():  # noqa: SIM118 - no mapping
                file.get_tensor(tensor)


def queried(folder: Path) -> None:
    """A thousand queries of polars, each of a file of three rows."""
    import polars as pl

    path = folder / "three.parquet"
    pl.DataFrame({"a": [1, 2, 3]}).write_parquet(path)
    for _ in range(1000):
        pl.scan_parquet(path).filter(pl.col("a") > 1).collect()


def tokenized(_: Path) -> None:
    """Ten tokenizers, each of which encodes a word."""
    from tokenizers import Tokenizer

    for _number in range(10):
        Tokenizer.from_file(str(MODEL / "model" / "tokenizer.json")).encode_batch(["a"])


ROUNDS: Final[dict[str, Callable[[Path], None]]] = {
    "eval": evaluated,
    "train": trained,
    "gate": gated,
    "weights": read,
    "queries": queried,
    "tokenizers": tokenized,
}


def kept_in(name: str, way: str) -> Path:
    """The file of the rounds of one kind, one way."""
    return FOLDER / (f"{name}.csv" if way == WAYS[0] else f"{name}-{way}.csv")


def repeat(name: str, minutes: float, way: str = WAYS[0]) -> None:
    """Rounds of one kind until its rows have so many minutes in all, each with a row in its file."""
    path = kept_in(name, way)
    if way == "control":
        read_whole()
    path.parent.mkdir(parents=True, exist_ok=True)
    known = rows_of(path) if path.is_file() else []
    process = 1 + max((int(row[0]) for row in known), default=0)
    spent = sum(max(row[2] for row in known if row[0] == each) for each in {row[0] for row in known})
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if not known:
            writer.writerow(HEADS)
        number = 0
        os.environ["ROBUST_XTREME_CACHE"] = f"{folder}/cache"
        while (hours := (time.monotonic() - begun) / 3600) < minutes / 60 - spent:
            number += 1
            with tempfile.TemporaryDirectory(dir=folder) as made:
                ROUNDS[name](Path(made))
            shutil.rmtree(f"{folder}/cache", ignore_errors=True)
            for count in range(INTERNED if number == 1 else 0):
                sys.intern(f"a name of a file, number {count}")
            writer.writerow((process, number, f"{hours:.5f}", *(f"{value:.3f}" for value in measured())))
            file.flush()


def rows_of(path: Path) -> list[tuple[float, ...]]:
    """The rows of a file of rounds."""
    with path.open(newline="", encoding="utf-8") as file:
        return [tuple(map(float, row)) for row in csv.reader(file) if row[0] != HEADS[0]]


def slope(
    rows: Sequence[tuple[float, ...]],
    column: int,
    of: Callable[[Any], float] = np.mean,
    over: int = HOURS,
    after: float = WARM,
) -> Slope:
    """The slope of a column over hours, or rounds, of the means of parts after the first fifth, or of their lowest."""
    parts = np.array_split(np.array(rows[int(after * len(rows)) :]), PARTS)
    times, values = np.array([(part[:, over].mean(), of(part[:, column])) for part in parts]).T
    if not np.ptp(values):
        return Slope(0.0, 0.0, 0.0, values[0], values[-1])
    line = stats.linregress(times, values)
    half = float(stats.t.ppf(0.975, PARTS - 2)) * line.stderr
    return Slope(line.slope, line.slope - half, line.slope + half, values[0], values[-1])


def table() -> tuple[tuple[str, ...], ...]:
    """A row for each process of each kind and each measure, and of resident memory for its lowest."""
    rows = []
    for name, way in product(ROUNDS, WAYS):
        path = kept_in(name, way)
        every = rows_of(path) if path.is_file() else []
        for process in sorted({row[0] for row in every}):
            own = [row for row in every if row[0] == process]
            called = name if way == WAYS[0] else f"{name}, {way}"
            head = (called, f"{len(own):,}", f"{60 * own[-1][HOURS]:.0f}")
            for column, (measure, what) in enumerate(MEASURED.items(), 3):
                rows.append((*head, what, *_shown(own, column)))
                if measure == "rss":
                    rows.append((*head, "its lowest of each part", *_shown(own, column, np.min)))
    return tuple(rows)


def _shown(rows: Sequence[tuple[float, ...]], column: int, of: Callable[[Any], float] = np.mean) -> tuple[str, ...]:
    if len(rows) < FEWEST:
        return "", "", f"fewer than {FEWEST} rounds", "", ""
    found, late = slope(rows, column, of), slope(rows, column, of, after=LATE)
    hours = (f"{each.estimate:+.2f} [{each.low:+.2f}, {each.high:+.2f}]" for each in (found, late))
    return f"{found.first:.1f}", f"{found.last:.1f}", *hours, f"{slope(rows, column, of, ROUND, LATE).estimate:+.4f}"


def page() -> str:
    """The page, in Markdown."""
    heads = (
        "repeated",
        "rounds",
        "minutes",
        "measure",
        "first part",
        "last part",
        "slope an hour",
        "of its last half",
        "a round of that",
    )
    columns = tuple(TableColumn(name, right=name not in ("repeated", "measure")) for name in heads)
    about = " ".join((__doc__ or "").partition("Each round is new")[2].split())
    return markdown.render(
        ReportPage("Endurance", (Paragraph(f"Each round is new{about}"), Table(columns, table()), Prose(_HOW)))
    )


_HOW: Final = """\
`eval` is two tasks in two languages under one noise, 90 items each, with all files and the page; `train` four steps
from scratch; `gate` such a run against itself, and a comparison. Three more use one library each: `weights` reads the
weights of `eval` by safetensors, `queries` is a thousand queries of polars, `tokenizers` are ten, each of which encodes
a word. By `python -m tools.endurance` with the versions of the lock, two threads, beside other work on two cores, on
2026-11-30: `eval`, `train` and `gate` at f75a36e5, three others at ba1f41d6, those with settings and controls with
`src` of 9fe06f52. Other work differed, so that rounds are better compared than hours. *Settings* are the environment
variables MALLOC_ARENA_MAX=1, POLARS_OOC_MEMORY_BUDGET_MB=1 and POLARS_OOC_SPILL_MIN_BYTES=1125899906842624; *control*
has them, too, and reads files of weights whole.

**Descriptors are flat, and threads but for one that comes once; resident memory is flat with the settings, but for what
two libraries keep.** Without them it rises by 1.4 % for `eval`, 0.3 % for `train` and 1.3 % for `gate` from the first
part to the last. With them, in the last half of the hour, `gate` does not rise; `eval` rises by 4 KiB a round, which is
what safetensors keeps, and not in its control, where safetensors keeps nothing; `train` rises by 3 KiB a round, of
which safetensors has 1.3 and what glibc has in use 1.5. A command is a process of its own, so that this concerns long
sessions of Python.

**Three libraries keep something as long as a process lives.** Polars 2.1.0: 16 bytes of each context of a query (those
of `queries` have one; resident memory alone shows it), until a query looks for something to write to disk. With the
settings queries look, as more than one MiB is in use, and write nothing, as nothing is large enough. Safetensors 0.8.0:
two integers, 64 bytes, of each tensor that it reads for torch, 64 of them in `weights` and in `eval` (the blocks show
it; the control of `weights` has none). Tokenizers 0.23.3: about 450 bytes of each that encoded a word, more of a text
(glibc shows it), which is the likely cause of what glibc shows for `train`.

**Arenas of glibc are the likely cause of what else `eval` adds.** Without the settings its lowest resident memory rises
by 3 MiB from minute 9 to 44, then by 8 MiB until minute 50, and not after it, while Python and glibc have hardly more
in use: glibc has up to eight arenas a core, and each keeps what a thread once needed. With the settings, of which one
allows one arena, `eval` has 110 MiB less; it reaches 669 MiB in minute 23, falls for one round of minute 27 by 63 MiB,
and is 666 MiB after it, of a cause that is not known.

Python's table of interned strings (names of files) doubles once in a process, by 3.7 MiB: in round 566 of `eval`, where
it is most of what glibc shows, and in round 39 of `train`; `gate` has no such step, and the others have the larger
table from their first round on. A thread that comes or goes is a worker of polars' runtime, by its name: one in `gate`,
in its 1,890th round, in `queries`, in `eval` and in its control. One block of Python stays of each `train` in its
control, of a cause that is not known.

The rows of each round: reports/endurance.
"""


def main() -> None:
    """Run one kind, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="rounds of one kind")
    run.add_argument("name", choices=ROUNDS)
    run.add_argument("--as", dest="way", choices=WAYS, default=WAYS[0], help="one of three ways, see above")
    run.add_argument("--minutes", type=float, default=60.0, help="how long, in all (default: 60)")
    commands.add_parser("page", help="write docs/endurance.md")
    options = parser.parse_args()
    if options.command == "run":
        if options.way != WAYS[0] and not SETTINGS.items() <= os.environ.items():
            os.execve(sys.executable, sys.orig_argv, os.environ | SETTINGS)
        repeat(options.name, options.minutes, options.way)
    else:
        write_all({PAGE: page().encode()})


if __name__ == "__main__":
    main()

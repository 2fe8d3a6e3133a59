"""Evaluates, trains or gates again and again in one process, and says whether it grows: `python -m tools.endurance`.

    python -m tools.endurance run eval --minutes 60       # or another of ROUNDS; continues where it was stopped
    python -m tools.endurance run eval --control          # without what libraries are known to keep
    python -m tools.endurance page                        # of all that ran: docs/endurance.md

Each round is new: its own folders and its own cache, which are removed after it. After each round the memory, the
open descriptors and the threads of the process are kept in reports/endurance/NAME.csv; a run that is continued begins
another process, whose rounds count for themselves. Memory is counted three times: how many blocks Python has in use,
what is in use of glibc (the arrays of numpy and torch), and what is resident, which contains what allocators keep for
later. The first fifth of a process's rounds is left out, as caches of libraries fill; the others are divided into 20
blocks of time, and the slope is that of the means of the blocks over hours, with Student's interval of 95 %, as rounds
beside each other are alike.
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
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats
from tools.control import keep_nothing

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
CONTROL: Final = "-control"
INTERNED: Final = 2**18
"""So many strings, used once, give Python's table of interned strings the size that names of files give it later."""
HEADS: Final = ("process", "round", "hours", *MEASURED)
WARM: Final = 0.2
BLOCKS: Final = 20
FEWEST: Final = 100
"""The rounds that a process needs for a slope: a fifth of them warms up, and a block has four."""


@dataclass(frozen=True, slots=True)
class Slope:
    """How much a measure grows in an hour, with its interval, and its mean over the first and the last block."""

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
    """A task of the embedded model under one noise, with all files and the page."""
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


def repeat(name: str, minutes: float, *, control: bool = False) -> None:
    """Rounds of one kind until its rows have so many minutes in all, each with a row in its file."""
    path = FOLDER / f"{name}{CONTROL if control else ''}.csv"
    if control:
        keep_nothing()
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


def slope(rows: Sequence[tuple[float, ...]], column: int) -> Slope:
    """The slope of a column over hours, of the means of blocks of the rounds after the first fifth."""
    kept = np.array(rows[int(WARM * len(rows)) :])
    blocks = np.array([block[:, [2, column]].mean(axis=0) for block in np.array_split(kept, BLOCKS)])
    if not np.ptp(blocks[:, 1]):
        return Slope(0.0, 0.0, 0.0, blocks[0, 1], blocks[-1, 1])
    line = stats.linregress(blocks[:, 0], blocks[:, 1])
    half = float(stats.t.ppf(0.975, BLOCKS - 2)) * line.stderr
    return Slope(line.slope, line.slope - half, line.slope + half, blocks[0, 1], blocks[-1, 1])


def table() -> tuple[tuple[str, ...], ...]:
    """A row for each process of each kind and each measure."""
    rows = []
    for name in [each + end for end in ("", CONTROL) for each in ROUNDS]:
        path = FOLDER / f"{name}.csv"
        every = rows_of(path) if path.is_file() else []
        for process in sorted({row[0] for row in every}):
            own = [row for row in every if row[0] == process]
            for column, what in enumerate(MEASURED.values(), 3):
                minutes = f"{60 * own[-1][2]:.0f}"
                rows.append((name.replace(CONTROL, ", control"), f"{len(own):,}", minutes, what, *_shown(own, column)))
    return tuple(rows)


def _shown(rows: Sequence[tuple[float, ...]], column: int) -> tuple[str, str, str, str]:
    if len(rows) < FEWEST:
        return "", "", f"fewer than {FEWEST} rounds", ""
    found = slope(rows, column)
    each = f"{found.estimate * rows[-1][2] / len(rows):+.4f}"
    return (
        f"{found.first:.1f}",
        f"{found.last:.1f}",
        f"{found.estimate:+.2f} [{found.low:+.2f}, {found.high:+.2f}]",
        each,
    )


def page() -> str:
    """The page, in Markdown."""
    heads = ("repeated", "rounds", "minutes", "measure", "first block", "last block", "slope an hour", "a round")
    columns = tuple(TableColumn(name, right=name not in ("repeated", "measure")) for name in heads)
    about = " ".join((__doc__ or "").partition("Each round is new")[2].split())
    return markdown.render(
        ReportPage("Endurance", (Paragraph(f"Each round is new{about}"), Table(columns, table()), Prose(_HOW)))
    )


_HOW: Final = """\
`eval` is two tasks in two languages under one noise, 90 items each, with all files and the page; `train` four steps
from scratch; `gate` such a run against itself, and a comparison. Alone are three libraries that they use: `weights`
reads the weights of `eval` by safetensors, `queries` is a thousand queries of polars, `tokenizers` are ten, each of
which encodes a word. By `python -m tools.endurance`, beside other work on two cores, with as many threads.

HOW
"""


def main() -> None:
    """Run one kind, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="rounds of one kind")
    run.add_argument("name", choices=ROUNDS)
    run.add_argument("--control", action="store_true", help="without what libraries are known to keep")
    run.add_argument("--minutes", type=float, default=60.0, help="how long, in all (default: 60)")
    commands.add_parser("page", help="write docs/endurance.md")
    options = parser.parse_args()
    if options.command == "run":
        repeat(options.name, options.minutes, control=options.control)
    else:
        write_all({PAGE: page().encode()})


if __name__ == "__main__":
    main()

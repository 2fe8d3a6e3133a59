"""How long `import` takes and how much memory it needs: 1,000,000 rows of JSON lines in ten conditions.

    python -m benchmarks.importing [--rows 1000000] [--out reports/benchmarks]

Three files are made up, each with clean rows and nine conditions: *labels* of XNLI in five languages; *scores* that are
all different, in one language; *answers* of questions, whose texts are compared. `robust-xtreme import` reads each in a
process of its own, from the file to the report. The bars: 30 seconds by the clock on 2 cores, 2,048 MiB.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks._host_memory import peak_of

from robust_xtreme.report.blocks import Block, Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

SECONDS, MIB = 30.0, 2_048.0
CONDITIONS: Final = (
    *("clean", *(f"char_noise:{share}" for share in ("0.02", "0.05", "0.1", "0.2", "0.3"))),
    *(f"keyboard_typo:{share}" for share in ("0.02", "0.05", "0.1", "0.2")),
)
LABELS: Final = ("entailment", "neutral", "contradiction")
WORDS: Final = ("the", "red", "house", "stands", "on", "a", "hill", "beside", "two", "old", "trees", "and", "river")
ROOT: Final = Path(__file__).parents[1]
_COLUMNS: Final = ("rows of", "rows", "MB", "seconds", "of processor time", "MiB", "bars")


def main() -> None:
    """Measure, print the page, and write it down where --out is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, help="a folder for the page")
    words = parser.parse_args()
    figures = [_measured(name, words.rows) for name in CASES]
    text = page(figures)
    print(text)
    if words.out:
        (words.out / "import.md").write_text(text, encoding="utf-8")
    if not all(row["holds"] for row in figures):
        raise SystemExit(1)


def labels(items: int) -> Iterator[dict[str, Any]]:
    """XNLI in five languages."""
    draw = random.Random(1)
    for code in ("sw", "de", "en", "fr", "zh"):
        for number in range(items // 5):
            gold = draw.choice(LABELS)
            given = {"id": number, "gold": gold, "cluster": str(number // 3), "task": "xnli", "language": code}
            yield from (_under(name, given, prediction=_other(draw, gold, LABELS)) for name in CONDITIONS)


def scores(items: int) -> Iterator[dict[str, Any]]:
    """Scores of one task that are all different."""
    draw = random.Random(2)
    for number in range(items):
        given = {"id": f"q{number}", "task": "summaries", "language": "sw"}
        yield from (_under(name, given, score=draw.random()) for name in CONDITIONS)


def answers(items: int) -> Iterator[dict[str, Any]]:
    """Texts of XQuAD, most of which occur once."""
    draw = random.Random(3)
    for number in range(items):
        gold = " ".join(draw.choices(WORDS, k=4))
        given = {"id": number, "gold": [gold], "cluster": str(number // 5), "task": "xquad", "language": "es"}
        for name in CONDITIONS:
            yield _under(name, given, prediction=gold if draw.random() < 0.6 else " ".join(draw.choices(WORDS, k=4)))


CASES: Final[Mapping[str, Callable[[int], Iterator[dict[str, Any]]]]] = {
    "labels": labels,
    "scores": scores,
    "answers": answers,
}


def _under(condition: str, given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return given | {"condition": condition} | more


def _other(draw: random.Random, gold: str, known: tuple[str, ...]) -> str:
    return gold if draw.random() < 0.7 else draw.choice(known)


def _measured(name: str, rows: int) -> dict[str, Any]:
    """The figures of one file."""
    print(f"{name} ...", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in CASES[name](rows // len(CONDITIONS)))
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        words = ("-m", "robust_xtreme", "import", str(path), "-q", "-o", str(Path(folder) / "run"))
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
        peak = peak_of(process)
        if process.returncode:
            raise SystemExit(f"import ended with {process.returncode}")
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        size = path.stat().st_size / 1e6
    holds = seconds <= SECONDS and peak <= MIB
    return {"name": name, "rows": rows, "mb": size, "s": seconds, "cpu": processor, "mib": peak, "holds": holds}


def page(figures: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    rows = [
        (
            row["name"],
            f"{row['rows']:,}",
            f"{row['mb']:.0f}",
            f"{row['s']:.1f}",
            f"{row['cpu']:.1f}",
            f"{row['mib']:,.0f}",
            "hold" if row["holds"] else "**missed**",
        )
        for row in figures
    ]
    about = (
        "`python -m benchmarks.importing`: JSON lines of ten conditions, from the file to the report, in a process of "
        "its own: *labels* of XNLI in five languages, *scores* that are all different in one language, *answers* of "
        f"questions, whose texts are compared. The bars: {SECONDS:.0f} seconds by the clock, {MIB:,.0f} MiB."
    )
    versions = ", ".join(f"{name} {version(name)}" for name in ("polars", "numpy"))
    load = f"Load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."
    where = Paragraph(f"Python {platform.python_version()}, {versions}. {load}")
    blocks: list[Block] = [Prose(about), where, grid(_COLUMNS, rows, 1)]
    return markdown.render(ReportPage("Importing a million rows", tuple(blocks)))


if __name__ == "__main__":
    main()

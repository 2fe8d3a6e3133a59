"""Tries what docs/reliability.md promises, with the long tests, and writes the counts: `python -m tools.reliability`.

tools/reliability.toml names the promises and their tests. A test counts as one case, or as the sum of its properties
`cases` (`record_property("cases", 5000)`; 0, where another test counts the same cases). Exit code 1: a test failed;
the page is not written then.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.report.blocks import Mono, Phrase, Prose, ReportPage, Table, TableColumn, joined, named
from robust_xtreme.report.renderers import markdown

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "reliability.md"
COUNTS: Final = ROOT / "docs" / "reliability.json"
PROMISES: Final = Path(__file__).with_suffix(".toml")

_HEAD: Final = """\
What robust-xtreme promises about bad input, kills and damage, how each promise is tried, and how many tests and cases
its last long run had. Each promise has its own last run, on the day and, where it was kept, at the commit that the row
names: tests that came later are not counted. No case of these failed: a run with a failure writes no page. `make test`
runs a part of the cases; `python -m tools.reliability` runs all and writes this page from `tools/reliability.toml`.
What grows in a process that goes on for an hour is [another page](endurance.md).
"""

_LIMITS: Final = """\
## Limits of addresses

Schedulers limit the addresses of a process (`ulimit -v`, in KiB). vl-convert, which draws charts, reserves more than 67
million KiB at its start and ends its process where it does not get them; tokenizers and polars end theirs where an
allocation fails; torch, faiss, pyarrow and SQLite raise errors. So `eval` stores each task run before the next one,
completes the run with all frames before it writes a page, and draws the charts of a page in a process of its own. A
page without charts says why; the same command, or `robust-xtreme report RUN -o page.html`, makes it with them where the
limit allows. Where there is a limit, each command computes in a child process: where a library ends it,
the exit code is 3 and the line names memory and how the run continues. What computes through Python's `evaluate` has no
such child; what was stored stays there, too.

Measured on 2026-11-30, from 12e621c6 on (1,900,000 at 9fe06f52), with `robust-xtreme eval --perturb char_noise:0.1` on
the embedded model (35,232 predictions, two cores), whole runs. Where the exit code is 0, frames and `report.md` have
the bytes of a run without a limit.

| `ulimit -v` | result |
| ---: | --- |
| 1,900,000 to 2,400,000 | exit code 3 while task runs are computed (after none to 48 of 108) |
| 2,600,000 | all task runs are computed; exit code 3 while frames are written |
| 3,000,000, 8,000,000 | exit code 0, a page without charts |
| 68,000,000 | exit code 0, with charts |
"""


@final
@dataclass(frozen=True, slots=True)
class Count:
    """Tests passed and skipped, the cases that those passed tried, and the seconds they took."""

    passed: int
    skipped: int
    cases: int
    seconds: float


def promises() -> list[dict[str, Any]]:
    """The promises, in the page's order: `what`, `how` and `tests`."""
    listed: list[dict[str, Any]] = tomllib.loads(PROMISES.read_text(encoding="utf-8"))["promise"]
    return listed


def page(counts: dict[str, Any]) -> str:
    """The page, in Markdown, of the kept counts."""
    heads = ("promise", "how it is tried", "tests", "cases", "last run")
    columns = tuple(TableColumn(name, right=name in ("tests", "cases")) for name in heads)
    rows = tuple(_row(promise, counts[promise["what"]]) for promise in promises())
    return markdown.render(ReportPage("Reliability", (Prose(_HEAD), Table(columns, rows), Prose(_LIMITS))))


def _row(promise: dict[str, Any], count: dict[str, Any]) -> tuple[Phrase, ...]:
    how = (*named(promise["how"]), " (", *joined(map(Mono, promise["tests"])), ")")
    tests = f"{count['passed']:,}" + (f", {count['skipped']} skipped" if count["skipped"] else "")
    when = ", ".join(count[key] for key in ("date", "commit") if key in count)
    return named(promise["what"]), how, tests, f"{count['cases']:,}", when


def count(tests: Sequence[str], workers: int) -> Count:
    """Run these tests, long ones too; raises SystemExit where one fails."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "tests.xml"
        words = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-m", "long or not long"]
        done = subprocess.run([*words, f"--junitxml={written}", *tests], cwd=ROOT, check=False)
        if done.returncode:
            raise SystemExit(1)
        return counted(written.read_text(encoding="utf-8"))


def counted(junit: str) -> Count:
    """The counts of a file that pytest wrote."""
    suite = ET.fromstring(junit).find("testsuite")
    assert suite is not None
    cases = [case for case in suite.iter("testcase") if case.find("skipped") is None]
    skipped = int(suite.attrib["skipped"])
    return Count(len(cases), skipped, sum(map(_cases, cases)), round(float(suite.attrib["time"]), 1))


def _cases(case: ET.Element) -> int:
    tried = [int(entry.attrib["value"]) for entry in case.iter("property") if entry.attrib["name"] == "cases"]
    return sum(tried) if tried else 1


def _commit() -> str:
    """The commit that is checked out."""
    words = ("git", "rev-parse", "--short=8", "HEAD")
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Count each promise's cases and write them, so that a run that was stopped continues with `--from`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=1, help="the number of the promise to begin with")
    parser.add_argument("--to", dest="last", type=int, default=None, help="the number of the last promise to count")
    parser.add_argument("-n", type=int, default=2, help="how many tests run at once")
    options = parser.parse_args()
    counts = json.loads(COUNTS.read_text(encoding="utf-8")) if COUNTS.is_file() else {}
    for promise in promises()[options.first - 1 : options.last]:
        print(promise["what"], flush=True)
        today = datetime.now(UTC).date().isoformat()
        counts[promise["what"]] = {**asdict(count(promise["tests"], options.n)), "date": today, "commit": _commit()}
        kept = {promise["what"]: counts[promise["what"]] for promise in promises() if promise["what"] in counts}
        COUNTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(counts), encoding="utf-8")


if __name__ == "__main__":
    main()

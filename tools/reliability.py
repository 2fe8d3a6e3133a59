"""Tries what docs/reliability.md promises, with the long tests, and writes the counts: `python -m tools.reliability`.

tools/reliability.toml names the promises and their tests. A test counts as one case, or as the sum of its properties
`cases` (`record_property("cases", 5000)`). Exit code 1: a test failed; the page is not written then.
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

from robust_xtreme.report.blocks import Column, Document, Mono, Phrase, Prose, Table, joined, named
from robust_xtreme.report.renderers import markdown

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "reliability.md"
COUNTS: Final = ROOT / "docs" / "reliability.json"
PROMISES: Final = Path(__file__).with_suffix(".toml")

_HEAD: Final = """\
What robust-xtreme promises about bad input, kills and damage, how each promise is tried, and how many cases the last
long run tried. No case of these failed: a run with a failure writes no page. `make test` runs a part of the cases;
`python -m tools.reliability` runs all and writes this page from `tools/reliability.toml`.
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
    columns = tuple(Column(name, right=name in ("tests", "cases")) for name in heads)
    rows = tuple(_row(promise, counts[promise["what"]]) for promise in promises())
    return markdown.render(Document("Reliability", (Prose(_HEAD), Table(columns, rows))))


def _row(promise: dict[str, Any], count: dict[str, Any]) -> tuple[Phrase, ...]:
    how = (*named(promise["how"]), " (", *joined(map(Mono, promise["tests"])), ")")
    return named(promise["what"]), how, f"{count['passed']:,}", f"{count['cases']:,}", count["date"]


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
        counts[promise["what"]] = {**asdict(count(promise["tests"], options.n)), "date": today}
        kept = {promise["what"]: counts[promise["what"]] for promise in promises() if promise["what"] in counts}
        COUNTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(counts), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The samples of the manual with a result: the program gives what they print."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console

import robust_xtreme
from robust_xtreme.report.document import show
from robust_xtreme.report.view import Results
from robust_xtreme.results.manifest import frame_of, read_manifest
from robust_xtreme.results.schema import DELTAS, SCORES

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *(ROOT / "docs" / "how-to").glob("*.md"))
WITH_RESULT: Final = re.compile(r"^(\S.*\))  # ([\[{('\"].*)$", re.MULTILINE)
PYTHON: Final = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SAMPLES: Final = tuple(
    sample
    for path in DOCUMENTS
    for cell in PYTHON.findall(path.read_text("utf-8"))
    for sample in WITH_RESULT.findall(cell)
)
TABLE: Final = "By language: xnli"


@pytest.mark.parametrize(("call", "result"), SAMPLES)
def test_a_call_gives_the_result_beside_it(call: str, result: str) -> None:
    """The comment after a call of Python is its result."""
    names: dict[str, Any] = {"robust_xtreme": robust_xtreme, "rx": robust_xtreme}
    assert repr(eval(call, names)) == result  # noqa: S307 - the manual's own code


def test_the_readme_has_such_a_sample() -> None:
    """The pattern finds the samples that are there."""
    assert any(call.startswith("robust_xtreme.perturb(") for call, _ in SAMPLES)


def test_the_table_of_the_readme_is_that_of_the_committed_run() -> None:
    """Each row of the README's table is that of `reports/mini`, without some columns."""
    folder = ROOT / "reports" / "mini"
    manifest = read_manifest(folder / "manifest.json")
    frames = (frame_of(folder, f"{frame.name}.csv", frame, manifest) for frame in (SCORES, DELTAS))
    scores, deltas = (frame.filter(task="xnli") for frame in frames)
    written = io.StringIO()
    show(Console(file=written, width=180), Results(scores, deltas, manifest), ["by_language"])
    printed = [line.split() for line in written.getvalue().splitlines()]
    shown = (ROOT / "README.md").read_text("utf-8").partition(TABLE)[2].partition("\n...")[0].splitlines()[2:]
    assert len(shown) == 3
    assert [row for row in shown if not any(_has_in_order(line, row.split()) for line in printed)] == []


def _has_in_order(line: list[str], words: list[str]) -> bool:
    """Whether a line has these words in this order, with others between them."""
    left = iter(line)
    return all(word in left for word in words)

"""The samples of the manual with a result: the program gives what they print."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console
from tools import front_page
from tools.real import learned

import robust_xtreme
from robust_xtreme.files.store import read_json
from robust_xtreme.report.document import results_of, show

ROOT: Final = Path(__file__).parents[3]
DOCUMENTS: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *(ROOT / "docs" / "how-to").glob("*.md"))
WITH_RESULT: Final = re.compile(r"^(\S.*\))  # ([\[{('\"].*)$", re.MULTILINE)
PYTHON: Final = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SAMPLES: Final = tuple(
    sample
    for path in DOCUMENTS
    for cell in PYTHON.findall(path.read_text("utf-8"))
    for sample in WITH_RESULT.findall(cell)
)
TABLE: Final = "Worst cells, char_noise:0.1"


@pytest.mark.parametrize(("call", "result"), SAMPLES)
def test_a_call_gives_the_result_beside_it(call: str, result: str) -> None:
    """The comment after a call of Python is its result."""
    names: dict[str, Any] = {"robust_xtreme": robust_xtreme, "rx": robust_xtreme}
    assert repr(eval(call, names)) == result  # noqa: S307 - the manual's own code


def test_the_readme_has_such_a_sample() -> None:
    """The pattern finds the samples that are there."""
    assert any(call.startswith("robust_xtreme.perturb(") for call, _ in SAMPLES)


def test_the_table_of_the_readme_is_that_of_the_committed_run() -> None:
    """The README's table is the beginning of one that a terminal shows of `reports/mini`."""
    written = io.StringIO()
    show(Console(file=written, width=100), results_of(ROOT / "reports" / "mini"))
    shown = TABLE + (ROOT / "README.md").read_text("utf-8").partition(TABLE)[2].partition("...")[0]
    assert len(shown.splitlines()) == 5
    assert shown in "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


def test_the_command_of_the_readme_is_that_of_the_committed_run() -> None:
    """`make eval` runs the command of `reports/mini`, and the README names that one."""
    (command,) = read_json(ROOT / "reports" / "mini" / "manifest.json")["commands"]
    assert f"then runs: {command}\n" in (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert f"EVAL := {command.partition(' eval ')[2]}\n" in makefile
    assert "\neval: $(READY)\n\t$(BIN)/robust-xtreme eval $(EVAL)\n" in makefile


def test_the_numbers_and_the_picture_of_the_readme_are_of_the_real_encoder() -> None:
    """The README's first table is made of the tables of `reports/real`, and the picture has its tasks and noises."""
    assert "\n".join(learned.front(ROOT / "reports" / "real")) in (ROOT / "README.md").read_text("utf-8")
    drawn = (ROOT / "docs" / "figures" / "degradation-light.svg").read_text("utf-8")
    assert [
        name for name in (*learned.FRONT, *front_page.PICTURED) if learned.TITLES.get(name, name) not in drawn
    ] == []

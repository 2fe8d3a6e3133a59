"""The list of planted faults fits the source and the tests, and the script that plants them catches each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tools.faults.__main__ import CAUGHT, Outcome, report
from tools.faults.faults import Fault, chosen, packages, problems, read

ROOT = Path(__file__).parents[3]
API = "src/robust_xtreme/api.py"
FAULT = Fault("name", API, "a = 1", "a = 2", "It breaks.", ("tests/test_a.py::test_a",), "a.toml")


def _project(folder: Path, source: str = "a = 1\n") -> Path:
    """A folder with the file and the test that FAULT names."""
    for name, text in ((API, source), ("tests/test_a.py", "def test_a(): ...\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_every_fault_fits_the_source_and_names_tests_that_exist() -> None:
    """Each file has the old text once, each test exists, names are unique, every package has a fault, 60 at least."""
    assert list(problems(read(), ROOT)) == []


def test_packages_are_folders_with_modules() -> None:
    """Data folders are not packages; the modules at the top are one."""
    assert {"robust_xtreme", "noise", "noise/members/nlpaug", "training"} <= packages(ROOT)
    assert not any(name.startswith("_") for name in packages(ROOT))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "src/robust_xtreme/gone.py"}, "there is no file"),
        ({"old": "b = 1"}, "has the old text 0 times"),
        ({"new": "a = ("}, "never closed"),
        ({"tests": ("tests/test_b.py::test_a",)}, "there is no test file tests/test_b.py"),
        ({"tests": ("tests/test_a.py::test_b",)}, "tests/test_a.py has no test test_b"),
        ({"tests": ()}, "it names no test"),
    ],
)
def test_a_fault_that_does_not_fit_is_named(change: dict[str, object], message: str, tmp_path: Path) -> None:
    """The sentence names the fault, its list, and what does not fit."""
    (first, *_) = problems([replace(FAULT, **change)], _project(tmp_path))  # type: ignore[arg-type]  # values of its fields
    assert first.startswith("name (a.toml): ")
    assert message in first


def test_a_text_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    """A fault whose old text occurs twice would be planted in two places."""
    assert "has the old text 2 times" in next(problems([FAULT], _project(tmp_path, "a = 1\na = 1\n")))


def test_a_package_without_a_fault_and_a_short_list_are_named(tmp_path: Path) -> None:
    """A new package needs a fault, and the list at least 60."""
    root = _project(tmp_path)
    (root / "src/robust_xtreme/new").mkdir()
    (root / "src/robust_xtreme/new/a.py").touch()
    package, short = problems([FAULT], root)
    assert package.startswith("The package new has no planted fault")
    assert short.startswith("There are 1 planted faults")


def test_faults_are_chosen_by_name_and_by_package() -> None:
    """Without a choice all are checked."""
    other = replace(FAULT, name="other", file="src/robust_xtreme/noise/a.py")
    assert chosen([FAULT, other], ["name"], []) == [FAULT]
    assert chosen([FAULT, other], [], ["noise"]) == [other]
    assert chosen([FAULT, other], [], []) == [FAULT, other]


def test_a_missed_fault_is_shown_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    """The table says which faults are missed, and what they break is written after it."""
    console = Console(width=100)
    assert report([Outcome(FAULT, CAUGHT, 1.0)], console) == 0
    assert report([Outcome(FAULT, CAUGHT, 1.0), Outcome(replace(FAULT, name="other"), "MISSED", 2.0)], console) == 1
    shown = capsys.readouterr().out
    assert "other: It breaks." in shown
    assert "1 of 2 faults are caught." in shown


@pytest.mark.long
@pytest.mark.process
@pytest.mark.timeout(7200)
def test_every_planted_fault_is_caught(record_property: Callable[[str, object], None]) -> None:
    """The script plants each fault in a copy of the project, and the tests named for it fail."""
    record_property("cases", len(read()))
    words = [sys.executable, "-m", "tools.faults", "--seconds", "240"]  # several workers share the cores
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

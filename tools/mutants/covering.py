"""Which tests run which lines of the parts that compute numbers, and how long each takes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import coverage
import pytest
from tools.faults.copies import ROOT
from tools.mutants.sites import NUMBERS, PACKAGE, Mutant

_UNIT: Final = ("attack", "cli", "core", "exchange", "gating", "noise", "report", "run", "stats", "studies", "tasks")
TESTS: Final = ("golden", "conformance", *(f"unit/{folder}" for folder in _UNIT))
"""The folders of tests that are asked; tests elsewhere could only find more."""

_MARKS: Final = "not long and not real and not textattack and not bridge and not sentence and not measured"


@final
@dataclass(frozen=True, slots=True)
class Cover:
    """The tests that passed: `seconds` by name, `slow` those that `make check` leaves out, `lines` by file and line."""

    seconds: dict[str, float]
    slow: frozenset[str]
    lines: dict[str, dict[str, list[str]]]

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that run a line, and then the others of its file, since what is cached is run by one of them.

        Of each first those of its own folder, golden ones and others, quick ones first.
        """
        lines = self.lines.get(mutant.file, {})
        names = {*lines.get(str(mutant.line), ())}
        others = {name for each in lines.values() for name in each} - names
        own = f"tests/unit/{Path(mutant.file).relative_to(PACKAGE).parts[0]}/"

        def order(name: str) -> tuple[bool, bool, float, str]:
            return not name.startswith(own), not name.startswith("tests/golden/"), self.seconds[name], name

        return [*sorted(names & self.seconds.keys(), key=order), *sorted(others & self.seconds.keys(), key=order)]


@final
class _Watch:
    """Tells coverage which test runs, and keeps what pytest says of each."""

    def __init__(self, meter: coverage.Coverage) -> None:
        self.meter = meter
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.slow: set[str] = set()
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """What a test runs is its own."""
        self.meter.switch_context(item.nodeid)
        if item.get_closest_marker("slow"):
            self.slow.add(item.nodeid)
        result = yield
        self.meter.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """How long a part of a test took; one that failed or was skipped finds nothing."""
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.failed.add(report.nodeid)


def covered(path: Path, folders: Sequence[str] = TESTS) -> None:
    """Run the tests, and write which lines each runs."""
    parts = [ROOT / PACKAGE / part for part in NUMBERS]
    include = [str(part / "*") if part.is_dir() else str(part) for part in parts]
    meter = coverage.Coverage(data_file=None, include=include, config_file=False)
    meter.start()
    watch = _Watch(meter)
    names = [f"tests/{folder}" for folder in folders]
    pytest.main(["-q", "-p", "no:cacheprovider", "-m", _MARKS, *names], plugins=[watch])
    meter.stop()
    data, files = meter.get_data(), {}
    for file in data.measured_files():
        lines = data.contexts_by_lineno(file).items()
        by_line = {str(line): [name for name in names if name] for line, names in lines}
        files[Path(file).relative_to(ROOT).as_posix()] = by_line
    kept = {name: round(took, 3) for name, took in watch.seconds.items() if name not in watch.failed}
    written: dict[str, Any] = {"seconds": kept, "slow": sorted(watch.slow), "lines": files}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written), encoding="utf-8")


def read(path: Path) -> Cover:
    """What `covered` wrote."""
    known = json.loads(path.read_text(encoding="utf-8"))
    return Cover(known["seconds"], frozenset(known["slow"]), known["lines"])

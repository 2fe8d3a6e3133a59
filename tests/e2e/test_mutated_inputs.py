"""Models, logs, runs, baselines, policies and studies with random changes: read as they say, or refused in one line.

Each is read in a process whose memory, time, connections and changes of files are measured.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.changes import changed
from tests.measured_reads import MEMORY, SECONDS, Reader, ReadKind
from tests.read_kinds import FAULTS, FAULTY, KINDS

_SOME: Final = 4
_ANEW: Final = 100
"""Cases after which the process that reads is started again."""


@pytest.fixture(params=KINDS)
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Reader]]:
    """The process that reads folders of a kind, beside the unchanged one."""
    reading = _reader(KINDS[request.param], tmp_path)
    yield request.param, reading
    reading.end()


def _reader(kind: ReadKind, folder: Path) -> Reader:
    kind.make(folder / "clean")
    environment = {"ROBUST_XTREME_CACHE": str(folder / "cache"), "HF_HOME": str(folder / "hub")}
    return Reader(kind, folder / "clean", {**os.environ, **environment})


def _folder(reading: Reader, seed: str, folder: Path) -> Path:
    """A copy of the unchanged folder in which one file is changed."""
    draw = random.Random(seed)
    shutil.copytree(reading.clean, folder)
    files = [path for pattern in reading.kind.changes for path in sorted(folder.glob(pattern))]
    path = draw.choice(files)
    path.write_bytes(changed(path.suffix, path.read_bytes(), draw))
    return folder


@pytest.mark.parametrize("many", [_SOME, pytest.param(0, marks=pytest.mark.long)], ids=["some", "all"])
def test_a_changed_input_is_read_as_it_says_or_refused(
    reader: tuple[str, Reader],
    many: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    """Numbers are those that another reader finds in the changed file; nothing is written, run or asked for."""
    (name, reading), counts, wrong = reader, Counter[str](), list[str]()
    slowest, largest = 0.0, 0
    for number in range(many or reading.kind.cases):
        if number % _ANEW == 0:
            reading.end()
        folder = _folder(reading, f"{name}/{number}", tmp_path / f"case-{number}")
        outcome, line, seconds, memory = reading.read(folder)
        counts[outcome] += 1
        slowest, largest = max(slowest, seconds), max(largest, memory)
        if outcome not in ("read", "refused") or seconds > SECONDS or memory > MEMORY:
            wrong.append(f"{name}/{number}: {outcome}, {seconds:.1f} s, {memory >> 20} MiB: {line}")
        else:
            shutil.rmtree(folder)
    record_property("cases", 0 if many else counts.total())
    with capsys.disabled():
        sys.stdout.write(f" {name}: {dict(counts)}, {slowest:.1f} s, {largest >> 20} MiB ")
    assert not wrong, "\n".join(wrong)
    assert counts["refused"] > 0 or many


def test_what_a_reader_must_not_do_is_reported(tmp_path: Path) -> None:
    """A connection, code of the folder, a pickle, a file beside a refusal, other numbers, an end; and much memory."""
    reading = _reader(FAULTY, tmp_path)
    try:
        for fault, said in FAULTS.items():
            folder = Path(shutil.copytree(reading.clean, tmp_path / fault))
            (folder / "fault.txt").write_text(fault, encoding="utf-8")
            assert said in reading.read(folder).outcome, fault
        (folder / "fault.txt").write_text("memory", encoding="utf-8")
        assert reading.read(folder).memory > MEMORY
        (folder / "fault.txt").write_text("none", encoding="utf-8")
        outcome, _, _, memory = reading.read(folder)
        assert (outcome, memory < MEMORY) == ("read", True)
    finally:
        reading.end()

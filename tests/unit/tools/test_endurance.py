"""A process that grows is found, one that only swings is not, and each process counts for itself."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import safetensors.torch
import torch
from tools import control, endurance


def rounds(process: int, grows: float, draw: random.Random) -> list[tuple[float, ...]]:
    """Two hundred rounds of 18 seconds, of an allocator that swings by 20 MiB for several rounds, and a start."""
    rows: list[tuple[float, ...]] = []
    swing = 0.0
    for number in range(200):
        swing = draw.uniform(0, 20) if number % 7 == 0 else swing
        start = 100 * min(number / 30, 1)
        rows.append((process, number + 1, number / 200, 500 + start + grows * number + swing, 9, 16))
    return rows


@pytest.mark.parametrize(("grows", "found"), [(0.2, True), (0.0, False), (-0.2, False)])
def test_a_slope_is_that_of_what_is_kept(grows: float, found: bool) -> None:
    """A fifth of a MiB a round is 40 MiB an hour; the start is left out."""
    slope = endurance.slope(rounds(1, grows, random.Random(3)), 3)
    assert slope.low <= 200 * grows <= slope.high
    assert bool(slope.low > 0) == found
    assert slope.last - slope.first == pytest.approx(200 * grows * 0.8 * 19 / 20, abs=20)
    by_round = endurance.slope(rounds(1, grows, random.Random(3)), 3, over=endurance.ROUND)
    assert by_round.estimate == pytest.approx(slope.estimate / 200)


def test_rounds_are_kept_continued_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one process after the other, until the minutes are over; with few rounds no slope is said."""
    monkeypatch.setattr(endurance, "FOLDER", tmp_path)
    monkeypatch.setitem(endurance.ROUNDS, "gate", lambda folder: (folder / "file").write_text("x") and None)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", "before")
    monkeypatch.setattr(endurance, "time", SimpleNamespace(monotonic=itertools.count(0, 60).__next__))
    for minutes in (2.5, 4.5, 2):
        endurance.repeat("gate", minutes)
    rows = endurance.rows_of(tmp_path / "gate.csv")
    assert [row[:2] for row in rows] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(row[3] > 1 and row[4] >= 3 and row[5] >= 1 for row in rows)
    monkeypatch.setattr(endurance, "FEWEST", 10**6)
    assert "fewer than" in endurance.page()


def test_a_control_reads_the_same_weights_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """By `safe_open` two integers of each tensor stay. Slices of a file say what they say without a control."""
    weights = str(endurance.MODEL / "model" / "model.safetensors")
    for module in (safetensors, safetensors.torch):
        monkeypatch.setattr(module, "safe_open", module.safe_open)  # as it is again after the test
    expected = safetensors.torch.load_file(weights)
    control.read_whole()
    assert grown() < 20 * len(expected) / 4  # where tensors are kept by one of three ways to read, it is twice as many
    assert all(torch.equal(tensor, expected[name]) for name, tensor in safetensors.torch.load_file(weights).items())
    with safetensors.safe_open(weights, framework="pt") as file:
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    assert all(part.get_shape() == [*expected[name].shape] for name, part in parts.items())
    assert all(torch.equal(part[...], expected[name]) for name, part in parts.items())


def grown() -> int:
    """How many blocks of Python are in use after twenty readings, by tensors, slices and whole, more than before."""
    weights, before = str(endurance.MODEL / "model" / "model.safetensors"), 0
    for number in range(25):
        before = sys.getallocatedblocks() if number == 5 else before
        endurance.read(Path())
        safetensors.torch.load_file(weights)
        with safetensors.safe_open(weights, "pt") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                file.get_slice(name)[...]
    return sys.getallocatedblocks() - before


QUERIES = """
import os
import sys
from contextlib import suppress
from itertools import pairwise
import numpy as np
import polars as pl

def longest(values):
    ends = np.flatnonzero(values[1:] != values[:-1] + 1)
    return max((after - before for before, after in pairwise([-1, *ends, len(values) - 1])), default=0)

pl.DataFrame({"a": [1, 2, 3]}).write_parquet(sys.argv[1])
for _ in range(1000):
    pl.scan_parquet(sys.argv[1]).filter(pl.col("a") > 1).collect()
found = 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        first, last = (int(each, 16) for each in line.split()[0].split("-"))
        if line.split()[1].startswith("rw") and last - first < 2**30:
            with suppress(OSError):  # memory that was given back meanwhile
                words = np.frombuffer(os.pread(memory.fileno(), last - first, first), np.uint64)
                found = max(found, longest(words[::2]), longest(words[1::2]))
print(found)
"""
"""Prints the longest table of consecutive numbers, beside something else each, in memory after a thousand queries."""


@pytest.mark.process
def test_the_settings_empty_the_table_of_polars(tmp_path: Path) -> None:
    """Polars 1.43 to 2.1 keep a pointer and a number of each query, unless the settings have it look through them."""
    command = [sys.executable, "-c", QUERIES, str(tmp_path / "three.parquet")]
    without = {name: value for name, value in os.environ.items() if name not in endurance.SETTINGS}
    kept, emptied = (
        int(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
        for environment in (without, without | endurance.SETTINGS)
    )
    assert kept >= 1000, "polars keeps nothing of a query: neither the settings nor their pages are needed"
    assert 0 < emptied < 500


def test_the_page_is_of_the_rows() -> None:
    """The page is written again after every run: `python -m tools.endurance page`."""
    assert endurance.PAGE.read_text("utf-8") == endurance.page()


def test_settings_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without them gives way to one that has them, with the same command; installed, it goes on."""
    begun: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda *given: begun.append(given))
    monkeypatch.setattr(endurance, "repeat", lambda *given: begun.append(given))
    for name in endurance.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["endurance", "run", "gate"])
    endurance.main()
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--as", "settings"])
    endurance.main()
    program, command, environment = begun[1]
    assert begun[0] == ("gate", 60.0, "installed")
    assert (program, command) == (sys.executable, sys.orig_argv)
    assert endurance.SETTINGS.items() <= environment.items()

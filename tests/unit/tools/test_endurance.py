"""A process that grows is found, one that only swings is not, and each process counts for itself."""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path
from types import SimpleNamespace

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
    monkeypatch.setattr(control, "version", lambda _: "0.1.0")
    expected = safetensors.torch.load_file(weights)
    control.keep_nothing()
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


@pytest.mark.parametrize(("polars", "tokenizers"), [("1.43.0", "0.22.2"), ("1.39.3", "0.23.1"), ("2.0.0", "0.22.2")])
def test_a_control_refuses_a_library_that_keeps_memory(
    polars: str, tokenizers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line that names it, before anything is measured."""
    monkeypatch.setattr(control, "version", {"polars": polars, "tokenizers": tokenizers}.__getitem__)
    with pytest.raises(
        SystemExit, match=r"(polars is (1\.43|2\.0)|tokenizers is 0\.23)\S*: a control needs one before"
    ):
        control.keep_nothing()

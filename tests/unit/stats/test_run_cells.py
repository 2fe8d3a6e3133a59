"""The cells of a run are read when they are asked for, and what is kept of them is a few numbers a cluster."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.finished_runs import finished_run

from robust_xtreme.core.errors import DataError, Mismatch
from robust_xtreme.files.schema import CELL, STATS, build
from robust_xtreme.gating.baselines import load
from robust_xtreme.gating.comparing import compare
from robust_xtreme.stats import contrasts as contrasts_module
from robust_xtreme.stats.benchmark import Task
from robust_xtreme.stats.contrasts import Key, contrasts
from robust_xtreme.stats.outcomes import MeanOfRuns, cells_of
from robust_xtreme.stats.resampling import Member
from robust_xtreme.stats.run_cells import KEY, StoredCells

_TASKS = {"xnli": Task(("accuracy",), ("accuracy",), ("premise",), {})}
_CONDITIONS = ("char_noise:0.1", "clean")
_ITEMS, _OF_CLUSTER = 900, 3


def _key(language: str, condition: str) -> Key:
    named = {"task": "xnli", "language": language, "context_language": language, "condition": condition}
    named["setting"] = "zero_shot"
    return (*(named.get(name, "x") for name in CELL[1:]), "accuracy")


def _part(language: str, draw: int) -> pl.DataFrame:
    """STATS of a task run whose clusters no other has, clean and perturbed."""
    return pl.concat(_rows(language, condition, draw) for condition in _CONDITIONS)


def _rows(language: str, condition: str, draw: int) -> pl.DataFrame:
    right = np.random.default_rng([draw, len(condition)]).random(_ITEMS) < 0.7
    columns: dict[str, Any] = {
        **dict(zip((*CELL, "metric"), ("m", *_key(language, condition)), strict=True)),
        "scope": "all",
        "noise_seed": -1 if condition == "clean" else 0,
        "example": [f"xnli/test/{language}/{number}" for number in range(_ITEMS)],
        "cluster": [f"{language}/premise-{number // _OF_CLUSTER}" for number in range(_ITEMS)],
        "fingerprint": [f"{number:016x}" for number in range(_ITEMS)],
        "stats": np.stack([right, np.ones(_ITEMS)], -1).tolist(),
    }
    return build(pl.DataFrame(columns).to_dict(), STATS)


def _where(languages: Sequence[str]) -> dict[Key, int]:
    """The part of each cell, a part for each language."""
    return {_key(language, name): at for at, language in enumerate(languages) for name in _CONDITIONS}


def _run(languages: Sequence[str], draw: int) -> StoredCells:
    frames = [_part(language, draw) for language in languages]  # polars, whose memory is not traced
    return StoredCells(Path("stats.parquet"), [frame.clone for frame in frames], _where(languages))


def _joint(family: Sequence[Member], **_: object) -> tuple[float, float]:
    """Quantiles for which every member was asked for what it is drawn and weighed by."""
    return 2.0, 2.0 + 0 * sum(len(member.deviations()) + len(member.keys) for member in family)


def _peak(languages: Sequence[str]) -> int:
    """The most bytes that a comparison of two runs takes."""
    before, after = (MeanOfRuns([_run(languages, draw)]) for draw in range(2))
    tracemalloc.start()
    try:
        contrasts(before, after, _TASKS)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_comparison_keeps_a_few_numbers_of_each_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more task runs neither items nor sums are kept, but at most 200 bytes for each cluster of two cells."""
    monkeypatch.setattr(contrasts_module, "simultaneous_quantiles", _joint)
    contrasts(_run(["00"], 0), _run(["00"], 1), _TASKS)  # what is imported first does not count
    few, many = (_peak([f"{number:02}" for number in range(count)]) for count in (2, 5))
    assert (many - few) / (3 * _ITEMS / _OF_CLUSTER) < 200


def test_cells_in_the_order_of_their_keys_are_read_once() -> None:
    """A part is read when the first of its cells is asked for, and again after another part."""
    languages, read = ["de", "sw"], list[str]()
    known = _run(languages, 0)

    def part(language: str) -> pl.DataFrame:
        read.append(language)
        return _part(language, 0)

    run = StoredCells(Path("stats.parquet"), [partial(part, language) for language in languages], _where(languages))
    assert [cell.key for cell in run.values()] == [cell.key for cell in known.values()]
    assert read == languages
    assert all(key in run for key in known)
    assert read == languages
    assert run[_key("de", "clean")].named() == "xnli/de clean (m)"
    assert read == ["de", "sw", "de"]


def test_a_run_that_changes_while_it_is_in_use_is_one_line(tmp_path: Path) -> None:
    """Where a run is evaluated again after it was loaded, its items are not mixed with others."""
    folder = finished_run(tmp_path / "run")
    run = load(folder)
    stats = folder / "stats.parquet"
    stats.write_bytes(stats.read_bytes() + b" ")
    with pytest.raises(DataError, match="was changed") as error:
        compare(run, run)
    assert "\n" not in str(error.value)


def test_two_runs_with_different_cells_are_one_line(tmp_path: Path) -> None:
    """Of two runs in one file each has all cells."""
    levels = pl.DataFrame({"run": [1, 1, 2], "model": "x", **dict.fromkeys(KEY, "x")})
    with pytest.raises(DataError, match="the items"):
        cells_of(tmp_path / "outcomes.parquet", levels)


def test_a_cell_with_a_score_and_without_items_is_one_line() -> None:
    """Files that do not belong together, as older versions can leave them, are refused with the name of the cell."""
    run = StoredCells(Path("stats.parquet"), [partial(_part, "sw", 0)], {_key("de", "clean"): 0})
    with pytest.raises(Mismatch, match="no items") as error:
        run[_key("de", "clean")]
    assert "\n" not in str(error.value)

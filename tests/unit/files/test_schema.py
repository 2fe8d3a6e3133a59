"""The frames refuse what is not theirs, and name the column."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl
import pytest

from robust_xtreme.core.errors import DataError, Mismatch, RobustXtremeError
from robust_xtreme.files import schema, store
from robust_xtreme.files.frames import ANY
from robust_xtreme.files.schema import (
    CELL,
    MODELS,
    SCORES,
    STATS,
    Frame,
    build,
    empty,
    validate,
)

FRAMES: Final = [value for value in vars(schema).values() if isinstance(value, Frame)]
_ROW = {
    **dict.fromkeys(CELL, "x"),
    "setting": "zero_shot",
    "noise_seed": 0,
    "example": "xnli/test/sw/1",
    "cluster": "0",
    "fingerprint": "f",
    "metric": "accuracy",
    "scope": "all",
    "stats": [1.0, 1.0],
}


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_an_empty_frame_of_each_kind_is_valid_and_its_key_is_among_its_columns(frame: Frame) -> None:
    """Every declared frame can be made without rows, and is named by columns that it has and that are never null."""
    assert validate(empty(frame), frame).columns == list(frame.columns)
    assert build([], frame).schema == empty(frame).schema
    assert not any(frame.columns[name].nullable for name in frame.key)


def test_rows_become_a_frame() -> None:
    """Rows with exactly the columns of a frame become that frame."""
    data = build([_ROW, {**_ROW, "example": "xnli/test/sw/2"}], STATS)
    assert data.height == 2
    assert data["stats"].to_list() == [[1.0, 1.0], [1.0, 1.0]]


def test_columns_that_may_be_null_can_be_left_out() -> None:
    """A frame is built without its nullable columns; they are null then."""
    data = build([{"model": "m", "identity": "i"}], MODELS)
    assert data.row(0, named=True)["params"] is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"scope": "some"}, "scope"),
        ({"setting": "best"}, "setting"),
        ({"example": None}, "1 nulls"),
        ({"noise_seed": "first"}, "noise_seed"),
        ({"noise_seed": 2**70}, "noise_seed"),
        ({"example": "\udc80"}, "example"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_value_names_its_column(change: dict[str, object], named: str) -> None:
    """A value of another type, a null, a value outside of the allowed ones and an unknown column are named."""
    with pytest.raises(RobustXtremeError, match=named):
        build([{**_ROW, **change}], STATS)


def test_a_missing_column_is_named() -> None:
    """A column that may not be null may not be left out."""
    with pytest.raises(RobustXtremeError, match="'cluster'"):
        build([{name: value for name, value in _ROW.items() if name != "cluster"}], STATS)


def test_validation_sees_type_order_and_missing_columns() -> None:
    """A frame with a column of another type, in another order, or without one is refused."""
    data = build([_ROW], STATS)
    with pytest.raises(RobustXtremeError, match="Int32"):
        validate(data.with_columns(pl.col("noise_seed").cast(pl.Int32)), STATS)
    with pytest.raises(RobustXtremeError, match="another order"):
        validate(data.select(list(reversed(data.columns))), STATS)
    with pytest.raises(RobustXtremeError, match="'task'"):
        validate(data.drop("task"), STATS)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_and_infinity_are_refused(value: float) -> None:
    """What is not known is null, never NaN or infinite."""
    with pytest.raises(RobustXtremeError, match="diversity"):
        build([{"model": "m", "identity": "i", "diversity": value}], MODELS)


def test_an_empty_string_is_not_an_unknown_value() -> None:
    """A column that may be null contains no empty strings: the two would read back alike from CSV."""
    with pytest.raises(RobustXtremeError, match="recipe"):
        build([{"model": "m", "identity": "i", "recipe": ""}], MODELS)


def test_a_row_that_occurs_twice_is_named() -> None:
    """Two rows of the same key are a mismatch that names the key."""
    with pytest.raises(Mismatch, match="example xnli/test/sw/1"):
        build([_ROW, _ROW], STATS)


LEVEL: Final = {
    **dict.fromkeys(CELL, "x"),
    "setting": "zero_shot",
    "metric": "accuracy",
    "scope": "all",
    "method": "none",
    "overlap": False,
    "value": 50.0,
    "n": 2,
    "clusters": 2,
    "seeds": 1,
    "not_applicable": 0.0,
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("value", each) for each in (500.0, -5.0, 100.1, float("inf"), float("nan"))),
        *(("low", -1.0), ("high", 100.5), ("worst", -0.5), ("chance", 101.0), ("above_chance", -101.0), ("se", -1.0)),
        *(("unchanged", 1.5), ("constant", -0.1), ("truncated", 2.0), ("grapheme_edit_rate", -0.1), ("n", -2)),
    ],
)
def test_a_number_outside_of_its_range_is_refused(tmp_path: Path, name: str, value: float) -> None:
    """Whoever wrote it: levels, bounds, shares, rates and counts have ranges, when they are written and when read."""
    with pytest.raises(RobustXtremeError, match=f"'{name}'"):
        build([LEVEL | {name: value}], SCORES)
    path = tmp_path / "scores.csv"
    store.write_frame(path, build([LEVEL], SCORES), SCORES)
    header, row = path.read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True)) | {name: str(value)}
    path.write_text(f"{header}\n{','.join(cells.values())}\n")
    with pytest.raises(DataError, match="malformed"):
        store.read_frame(path, SCORES)


def test_the_ends_of_a_range_are_in_it_and_rounding_too() -> None:
    """A level of 100 and a mean that rounding puts above it are valid."""
    build([LEVEL | {"value": 100.0, "low": 0.0, "high": 100.0 + 1e-9, "unchanged": 1.0}], SCORES)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_every_number_has_a_range_or_is_listed(frame: Frame) -> None:
    """A new column of numbers is named in `ranges.py`, or it is here with those that may be any number."""
    free = {
        "relative",
        "relative_corrected",
        "prediction_low",
        "prediction_high",
        "skewness",
        "margin",
        "bound",
        "upper",
    }
    numbers = {name for name, column in frame.columns.items() if column.dtype in (pl.Float64, pl.Int64)}
    assert {name for name in numbers if frame.range(name) == ANY and not name.endswith("seed")} <= free

"""The frames refuse what is not theirs, and name the column."""

from __future__ import annotations

import polars as pl
import pytest

from robust_xtreme.errors import Mismatch, RobustXtremeError
from robust_xtreme.results.schema import CELL, FRAMES, MODELS, STATS, Frame, build, empty, validate

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


@pytest.mark.parametrize("frame", FRAMES.values(), ids=lambda frame: frame.name)
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
        ({"scope": "some"}, "'scope' of stats contains 'some'"),
        ({"setting": "best"}, "'setting' of stats contains 'best'"),
        ({"example": None}, "'example' of stats contains 1 nulls"),
        ({"noise_seed": "first"}, "'noise_seed' of stats is not Int64"),
        ({"noise_seed": 2**70}, "'noise_seed' of stats is not Int64"),
        ({"example": "\udc80"}, "'example' of stats is not String"),
        ({"colour": "red"}, "stats has no column 'colour'"),
    ],
)
def test_a_wrong_value_names_its_column(change: dict[str, object], named: str) -> None:
    """A value of another type, a null, a value outside of the allowed ones and an unknown column are named."""
    with pytest.raises(RobustXtremeError, match=named):
        build([{**_ROW, **change}], STATS)


def test_a_missing_column_is_named() -> None:
    """A column that may not be null may not be left out."""
    with pytest.raises(RobustXtremeError, match="needs the column 'cluster'"):
        build([{name: value for name, value in _ROW.items() if name != "cluster"}], STATS)


def test_validation_sees_type_order_and_missing_columns() -> None:
    """A frame with a column of another type, in another order, or without one is refused."""
    data = build([_ROW], STATS)
    with pytest.raises(RobustXtremeError, match="'noise_seed' of stats is Int32, not Int64"):
        validate(data.with_columns(pl.col("noise_seed").cast(pl.Int32)), STATS)
    with pytest.raises(RobustXtremeError, match="another order"):
        validate(data.select(list(reversed(data.columns))), STATS)
    with pytest.raises(RobustXtremeError, match="needs the column 'task'"):
        validate(data.drop("task"), STATS)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_and_infinity_are_refused(value: float) -> None:
    """What is not known is null, never NaN or infinite."""
    with pytest.raises(RobustXtremeError, match="'diversity' of models contains"):
        build([{"model": "m", "identity": "i", "diversity": value}], MODELS)


def test_an_empty_string_is_not_an_unknown_value() -> None:
    """A column that may be null contains no empty strings: the two would read back alike from CSV."""
    with pytest.raises(RobustXtremeError, match="'recipe' of models contains an empty string"):
        build([{"model": "m", "identity": "i", "recipe": ""}], MODELS)


def test_a_row_that_occurs_twice_is_named() -> None:
    """Two rows of the same key are a mismatch that names the key."""
    with pytest.raises(Mismatch, match="example xnli/test/sw/1"):
        build([_ROW, _ROW], STATS)

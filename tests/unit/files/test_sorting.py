"""Sorting by one number for each row gives what sorting by the columns gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from robust_xtreme.files.store import coded, grouped, ordered, ordered_rows


def _frame(height: int, values: int, columns: int) -> pl.DataFrame:
    """Strings beyond the first plane, seeds below 0, a column of one value; rows in no order."""
    draws = np.random.default_rng(values)
    names = np.array([f"{chr(0xFF5A + 0x9000 * (number % 3))}{number}" for number in range(values)])
    drawn = {f"name{column}": names[draws.integers(values, size=height)] for column in range(columns)}
    seeds = draws.integers(-1, values, size=height)
    return pl.DataFrame({"same": ["same"] * height, **drawn, "seed": seeds, "row": np.arange(height)})


@pytest.mark.parametrize(("height", "values"), [(0, 3), (1, 3), (500, 3), (500, 400)])
def test_rows_are_in_the_order_of_their_columns(height: int, values: int) -> None:
    """Rows that are alike keep their order, also where numbers of all columns together need more than 64 bits."""
    data = _frame(height, values, columns=9)
    names = data.columns[:-1]
    assert ordered(data, names).equals(data.sort(names, maintain_order=True))
    enums = data.with_columns(coded(data[name].to_list()).alias(name) for name in names[:-1])
    assert ordered(enums, names).cast(data.schema).equals(data.sort(names, maintain_order=True))


@pytest.mark.parametrize(("height", "values"), [(0, 3), (1, 3), (500, 3), (500, 400)])
def test_it_is_known_whether_rows_differ_in_the_columns(height: int, values: int) -> None:
    """Rows in order and in no order, with a repeated one or without."""
    data = _frame(height, values, columns=3)
    names = data.columns[:-1]
    for rows in (data, data.sort(names), data.unique(names).sort(names), data.unique(names)):
        expected = rows.sort(names, maintain_order=True)
        result, are_distinct = ordered_rows(rows, names)
        assert result.equals(expected)
        assert are_distinct == (not rows.select(names).is_duplicated().any())


def test_groups_begin_where_a_key_changes() -> None:
    """Each distinct key is there once, in order, and its rows are those from its start to the next one's."""
    data = _frame(300, 3, columns=2)
    rows, keys, starts = grouped(data, ["same", "name1"], ["seed", "name0"])
    assert rows.equals(data.sort(["name1", "seed", "name0"], maintain_order=True))
    assert keys.rows() == sorted({*data.select("same", "name1").iter_rows()})
    assert (starts[0], starts[-1]) == (0, data.height)
    for number, key in enumerate(keys.iter_rows()):
        assert {*rows[starts[number] : starts[number + 1]].select("same", "name1").iter_rows()} == {key}
    assert grouped(data.clear(), ["same"], ["seed"])[1:][1].tolist() == [0]

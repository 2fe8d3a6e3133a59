"""The cells of a run as data: every metric, and no views."""

from __future__ import annotations

import json

import polars as pl
import pytest
from tests.synthetic_run import averages, run

from robust_xtreme.core.errors import UserError
from robust_xtreme.report.outputs import written
from robust_xtreme.report.view import Results


@pytest.fixture(scope="module")
def results() -> Results:
    """The run made by hand, with an average."""
    return Results(*run(), averages(*run()))


def test_data_have_every_cell(results: Results) -> None:
    """A row for each cell of each metric over all items, with its levels; the first metric is the headline."""
    rows = json.loads(written(results, ".json"))["cells"]
    read = {(row["task"], row["language"], row["fields"], row["noise"], row["metric"]): row for row in rows}
    deltas = results.deltas.filter(scope="all")
    assert len(read) == len(rows) == deltas.height
    for row in deltas.to_dicts():
        noise, _, fields = row["condition"].partition("@fields=")
        cell = read[row["task"], row["language"], fields, noise, row["metric"]]
        assert (cell["clean"], cell["value"]) == (pytest.approx(row["clean"]), pytest.approx(row["value"], abs=1e-4))
        assert cell["headline"] == (row["metric"] != "token_accuracy")


def test_a_change_that_rounds_to_nothing_has_no_sign() -> None:
    """As means over seeds differ in their last bits, a cell without a change may have a drop of 1e-15."""
    scores, deltas, manifest = run()
    results = Results(scores, deltas.with_columns(drop=pl.lit(1e-15)), manifest)
    assert b'"change": 0.0' in written(results, ".json")
    assert b"-0.0," not in written(results, ".json")


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_data_have_no_views(results: Results, suffix: str) -> None:
    """Views of a file that has every cell are refused in a line."""
    with pytest.raises(UserError, match="--views"):
        written(results, suffix, ["by_task"])

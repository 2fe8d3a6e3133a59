"""Reads rows of a frame of polars or pandas."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import DataError, UserError, nearest, plain, shown
from robust_xtreme.exchange.importing.items import KEYS, names_of
from robust_xtreme.exchange.importing.raw import frame_of
from robust_xtreme.exchange.importing.run import ImportOptions, Read, import_run
from robust_xtreme.report.evaluation import Evaluation

_PATH: Final = "the frame"


@plain()
def from_frame(
    frame: Any,
    out: str | Path,
    *,
    task: str = "",
    language: str = "",
    condition: str = "",
    split: str = "",
    noise_seed: int | str = "",
    model: str = "",
    inference: str = "",
    columns: Mapping[str, str] | None = None,
    only_model: str = "",
    data: str | Path = "",
    family: str = "",
    metric: str = "",
    rescored: bool = False,
    force: bool = False,
) -> Evaluation:
    """A finished run, in the folder `out`, of predictions or scores that another program made, as `import` makes it.

    `frame` of polars or pandas has a row for each example under one condition: `id`, and `prediction` with `gold`, or
    `score` from 0 to 1, or several as a struct `scores`; `task`, `language`, `condition` and `noise_seed` where the
    arguments do not name them for all rows; `cluster` where examples belong together. `columns` maps these keys to the
    columns that have them. With `data`, the data of `evaluate`, gold and clusters are those of the examples with these
    ids. `family` says how answers of a task that is not ours are scored, `metric` which metric claims are made on;
    `rescored` continues where a score is not that of its prediction.
    Raises DataError and Mismatch naming an example, and Mismatch where `out` is there, unless `force` replaces it.
    """
    named = {"task": task, "language": language, "condition": condition, "split": split, "model": model}
    named |= {"noise_seed": str(noise_seed), "inference": inference}
    given = {name: value for name, value in named.items() if value}
    wanted = ImportOptions(given, str(data), only_model, family, metric, rescored=rescored)
    return Evaluation(Path(out), import_run(read(frame, columns or {}), wanted, Path(out), force))


def read(frame: Any, renamed: Mapping[str, str]) -> Read:
    """The rows of a frame; `renamed` maps a key to the column that has it.

    Raises UserError for what is not a frame, DataError where a column is not there.
    """
    rows = _polars(frame)
    for key, column in renamed.items():
        if key not in KEYS:
            raise UserError(f"from_frame: there is no key {shown(key)}.{nearest(key, KEYS)} Known: {', '.join(KEYS)}.")
        if column not in rows.columns:
            raise DataError(_PATH, f"has no column {shown(column)}.{nearest(column, rows.columns)}")
    names = {name: key for name, key in names_of(renamed).items() if name in rows.columns}
    kept = frame_of(
        ((key, [*map(_plain, rows.get_column(name).to_list())]) for name, key in names.items()),
        lambda number, what: DataError(_PATH, f"in row {number + 1:,} {what}"),
    )
    return Read(lambda: kept, _PATH, {"format": "frame"}, ("The predictions or scores are those of a frame.",))


def _polars(frame: Any) -> pl.DataFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    if type(frame).__module__.partition(".")[0] == "pandas":
        try:
            return pl.from_pandas(frame)
        except (ImportError, TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
            raise UserError(f"from_frame: the frame of pandas cannot be read: {error}") from error
    raise UserError(f"from_frame takes a frame of polars or pandas, not {shown(frame)}.")


def _plain(value: Any) -> Any:
    """The value without the fields of structs that are null, which other rows have; decimals as numbers of JSON."""
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value % 1 == 0 else float(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value

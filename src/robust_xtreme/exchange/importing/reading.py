"""Reads files of others by their format, and frames of polars or pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import DataError, MissingData, UserError, nearest, plain, shown
from robust_xtreme.exchange import every_eval_ever
from robust_xtreme.exchange.exporting.harness.job import INSPECT, LM_EVAL
from robust_xtreme.exchange.importing import inspect_logs, items, lm_eval
from robust_xtreme.exchange.importing.items import KEYS, ImportedFile, frame_of, names_of, option_of
from robust_xtreme.exchange.importing.run import ImportOptions, Read, import_run
from robust_xtreme.exchange.importing.scoring import CLOSED
from robust_xtreme.files import store
from robust_xtreme.report.evaluation import Evaluation

JSONL: Final = "jsonl"


def given_of(name: str, task: str = "", language: str = "") -> ImportedFile:
    """The file that is named, `FILE` or `FILE=CONDITION`, for a task and language. Raises MissingData for no file."""
    path, condition = Path(name), None
    if not path.exists() and "=" in name:
        file, _, condition = name.rpartition("=")
        path = Path(file)
        if not path.exists() and "=" in file:  # a condition with a parameter: a.jsonl=char_noise:0.1@fields=question
            file, _, rest = name.partition("=")
            path, condition = Path(file), rest
    if not path.exists():
        raise MissingData(f"{path} does not exist.")
    return ImportedFile(path, condition or None, task, language)


def format_of(path: Path) -> str:
    """The format of a file or folder, by its name or by what it has."""
    if every_eval_ever.is_record(path):
        return every_eval_ever.FORMAT
    if any(inspect_logs.files(path)) if path.is_dir() else inspect_logs.is_log(path):
        return INSPECT
    return LM_EVAL if path.is_dir() or path.name.startswith(("samples_", "results_")) else JSONL


def read(
    files: Sequence[ImportedFile],
    format: str,
    renamed: Mapping[str, str],
    only_model: str | None,
    filter: str,
    family: str = "",
    score: str = "",
    epoch: int = 0,
) -> Read:
    """What the files contain; `renamed` are keys of JSON lines, `filter` is of lm-eval, `score` and `epoch` of inspect.

    `family` is that of all rows; `only_model` may be None, for several. Raises UserError where the files have several
    formats or an option is not for them, and as the readers.
    """
    formats = {format or format_of(given.path) for given in files}
    if len(formats) > 1:
        raise UserError(f"The files have several formats: {', '.join(sorted(formats))}. Import them by themselves.")
    (name,) = formats
    if renamed and name != JSONL:
        given = ", ".join(map(option_of, renamed))
        raise UserError(f"{given}: these are of JSON lines, the files are logs of {name}.")
    for option, value, of in (("filter", filter, LM_EVAL), ("score", score, INSPECT), ("epoch", epoch, INSPECT)):
        if value and name != of:
            raise UserError(f"--{option} is of {of}'s logs, and these files are {name}.")
    if name == LM_EVAL:
        return lm_eval.read(files, only_model, filter, family in CLOSED)
    if name == INSPECT:
        return inspect_logs.read(files, only_model, family in CLOSED, score, epoch)
    return _jsonl(files, renamed) if name == JSONL else every_eval_ever.read(files, only_model)


def _jsonl(files: Sequence[ImportedFile], renamed: Mapping[str, str]) -> Read:
    sources = [{"name": given.path.name, "sha256": store.sha256(given.path)} for given in files]
    names = ", ".join(given.path.name for given in files)
    note = f"The predictions or scores are those of {names}."

    def rows() -> pl.DataFrame:
        return pl.concat([_rows(given, renamed) for given in files], how="diagonal")

    return Read(rows, ", ".join(str(given.path) for given in files), {"format": JSONL, "files": sources}, (note,))


def _rows(given: ImportedFile, renamed: Mapping[str, str]) -> pl.DataFrame:
    rows = items.read(given.path, renamed)
    if given.condition is None:
        return rows
    named = pl.lit(given.condition)
    return rows.with_columns(condition=pl.col("condition").fill_null(named) if "condition" in rows.columns else named)


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
    return Evaluation(Path(out), import_run(read_frame(frame, columns or {}), wanted, Path(out), force))


def read_frame(frame: Any, renamed: Mapping[str, str]) -> Read:
    """The rows of a frame; `renamed` maps keys to columns. Raises UserError for no frame, DataError for no column."""
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

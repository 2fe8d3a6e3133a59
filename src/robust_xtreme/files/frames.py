"""What a frame is: its columns with types and values, how one is made of rows, and what makes one valid."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import Mismatch, RobustXtremeError, UserError

Range = tuple[float, float]
"""The least and the greatest value."""

POINTS, DIFFERENCE, SHARE, COUNT = (0.0, 100.0), (-100.0, 100.0), (0.0, 1.0), (0.0, math.inf)
"""Of measures, of differences of two, of shares and p, and of counts, rates and errors."""

CHANGE, ANY = (-200.0, 200.0), (-math.inf, math.inf)
"""Of differences of two differences; of what has no range."""

_BY_NAME: Final[Mapping[Range, str]] = {
    POINTS: "value clean chance shallow shallow_noisy worst",
    DIFFERENCE: "drop low high joint_low joint_high above_chance baseline candidate "
    "drop_without_risk low_without_risk high_without_risk",
    SHARE: "constant unchanged not_applicable tokens_changed unknown_clean unknown truncated label_risk success "
    "no_edit edited_share marked p p_adjusted p_gate p_equivalent",
    COUNT: "se widened_se df unseen mde spread seed_spread grapheme_edit_rate word_edit_rate tokens_per_word_clean "
    "tokens_per_word queries queries_to_success words graphemes target strength diversity formats items",
}
_ROUNDED: Final = 1e-6


def beyond(values: pl.Series, range: Range) -> pl.Series:
    """Whether numbers are not finite, or outside of a range by more than rounding; null where there is none."""
    return ~(values.is_finite() & values.is_between(range[0] - _ROUNDED, range[1] + _ROUNDED))


def _within(values: pl.Series, range: Range) -> bool:
    """Whether the sum and the extremes, which are fast, show that no number is `beyond`; where not, some may be."""
    low, high = values.min(), values.max()
    if low is None:
        return True
    extremes = range[0] - _ROUNDED <= low and high <= range[1] + _ROUNDED  # type: ignore[operator]  # numbers
    return bool(extremes) and math.isfinite(values.sum())


def in_words(range: Range) -> str:
    """The bounds of a range after `a number`, for messages."""
    return "" if range == ANY else f" from {range[0]:g}" + (f" to {range[1]:g}" if range[1] < math.inf else "")


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """One column: its polars type, whether it may be null, and the values that it may take."""

    dtype: Any
    nullable: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """One kind of frame: its columns in order, those that name a row, and the names of numbers with other ranges."""

    name: str
    columns: Mapping[str, FrameColumn]
    key: tuple[str, ...]
    within: Mapping[Range, str] = field(default_factory=dict)

    def range(self, name: str) -> Range:
        """The range of a column: one of those `within` which the frame has its own, else by its name, as all frames.

        Whole numbers are counts.
        """
        if self.columns[name].dtype == pl.Int64:
            return ANY if name.endswith("seed") else COUNT
        named = (each for ranges in (self.within, _BY_NAME) for each, names in ranges.items() if name in names.split())
        return next(named, ANY)

    @property
    def schema(self) -> dict[str, Any]:
        """Column name to polars type, as `polars.DataFrame(schema=...)` takes it."""
        return {name: column.dtype for name, column in self.columns.items()}


def columns(dtype: Any, names: str, nullable: bool = False) -> dict[str, FrameColumn]:
    """Columns of one type, whose names are separated by blanks."""
    return {name: FrameColumn(dtype, nullable) for name in names.split()}


def one_of(*allowed: str, nullable: bool = False) -> FrameColumn:
    """A column of strings that may take these values."""
    return FrameColumn(pl.String, nullable, allowed)


def to_pandas(data: pl.DataFrame) -> Any:
    """The rows as a frame of pandas. Raises UserError where pandas or pyarrow is not installed."""
    try:
        return data.to_pandas()
    except ImportError as error:
        raise UserError("to_pandas needs pandas and pyarrow. Install them: pip install pandas pyarrow") from error


def empty(frame: Frame) -> pl.DataFrame:
    """A frame of that kind without rows."""
    return pl.DataFrame(schema=frame.schema)


def build(rows: Sequence[Mapping[str, Any]] | Mapping[str, Any], frame: Frame) -> pl.DataFrame:
    """A validated frame from rows or columns; nullable columns can be left out. Raises RobustXtremeError."""
    return validate(assembled(rows, frame), frame)


def assembled(rows: Sequence[Mapping[str, Any]] | Mapping[str, Any], frame: Frame) -> pl.DataFrame:
    """What `build` validates, for frames that are validated when they are written. Raises RobustXtremeError."""
    columns = (
        rows
        if isinstance(rows, Mapping)
        else {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}
    )
    unknown = sorted(set(columns) - set(frame.columns))
    if unknown:
        raise RobustXtremeError(f"The frame {frame.name} has no column {unknown[0]!r}.")
    height = max((len(values) for values in columns.values()), default=0)
    series = [_series(name, column, columns, height, frame) for name, column in frame.columns.items()]
    return pl.DataFrame(series)


def _series(name: str, column: FrameColumn, columns: Mapping[str, Any], height: int, frame: Frame) -> pl.Series:
    if name not in columns and height and not column.nullable:
        raise RobustXtremeError(f"The frame {frame.name} needs the column {name!r}.")
    values = columns.get(name, [None] * height)
    if isinstance(values, pl.Series) and _fits(values, column):
        return values.alias(name)
    try:
        return pl.Series(name, values, dtype=column.dtype)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        why = str(error).splitlines()[0]
        raise RobustXtremeError(f"The column {name!r} of {frame.name} is not {column.dtype}: {why}") from error


def validate(data: pl.DataFrame, frame: Frame) -> pl.DataFrame:
    """The same data, checked to be a frame of that kind.

    Raises RobustXtremeError naming the column that is missing, unknown, of another type, null or not finite where it
    must not be, or outside its allowed values or its range; Mismatch naming a repeated row.
    """
    check_distinct(check_columns(data, frame), frame)
    return data


def check_distinct(data: pl.DataFrame, frame: Frame) -> None:
    """Raise Mismatch where a row is there twice, naming it."""
    repeated = data.select(frame.key).is_duplicated()
    if repeated.any():
        row = data.select(frame.key).filter(repeated).row(0)
        named = ", ".join(f"{name} {value}" for name, value in zip(frame.key, row, strict=True))
        raise Mismatch(f"A row of {frame.name} occurs twice: {named}.")


def check_columns(data: pl.DataFrame, frame: Frame) -> pl.DataFrame:
    """What `validate` checks but for repeated rows, where it is known that there are none."""
    _check_names(data, frame)
    for name, column in frame.columns.items():
        _check_column(data.get_column(name), column, frame)
    return data


def _check_names(data: pl.DataFrame, frame: Frame) -> None:
    wanted = list(frame.columns)
    if data.columns == wanted:
        return
    missing = [name for name in wanted if name not in data.columns]
    unknown = [name for name in data.columns if name not in frame.columns]
    if missing or unknown:
        what = f"needs the column {missing[0]!r}" if missing else f"has no column {unknown[0]!r}"
    else:
        what = f"has its columns in another order, beginning with {wanted[0]!r}"
    raise RobustXtremeError(f"The frame {frame.name} {what}.")


def _fits(values: pl.Series, column: FrameColumn) -> bool:
    """Whether values have a column's type; those of an Enum are strings."""
    return values.dtype == column.dtype or (column.dtype == pl.String and isinstance(values.dtype, pl.Enum))


def _check_column(values: pl.Series, column: FrameColumn, frame: Frame) -> None:
    subject = f"The column {values.name!r} of {frame.name}"
    if not _fits(values, column):
        raise RobustXtremeError(f"{subject} is {values.dtype}, not {column.dtype}.")
    if values.null_count() and not column.nullable:
        raise RobustXtremeError(f"{subject} contains {values.null_count()} nulls and may contain none.")
    is_number = column.dtype in (pl.Float64, pl.Int64) and not _within(values, frame.range(values.name))
    if is_number and (outside := beyond(values, frame.range(values.name))).any():
        what = f"contains {values.filter(outside)[0]}; it takes finite numbers{in_words(frame.range(values.name))}"
        raise RobustXtremeError(f"{subject} {what}, and what is not known is null.")
    if column.dtype == pl.String and column.nullable and bool((values == "").any()):
        raise RobustXtremeError(f"{subject} contains an empty string; what is not known is null.")
    other = sorted({*values.unique()} - {None, *column.allowed}) if column.allowed else []
    if other:
        raise RobustXtremeError(f"{subject} contains {other[0]!r}, which is none of: {', '.join(column.allowed)}.")

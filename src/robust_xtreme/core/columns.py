"""Examples under a condition and their targets as arrays, a column for a kind of target; objects are made as needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from types import MappingProxyType
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from robust_xtreme.core.edits import SpanTable, ragged, span_table
from robust_xtreme.core.examples import UNLABELLED, Answers, Choice, Document, Example, Span, Tags, Target, target_json
from robust_xtreme.core.graphemes import code_points

Array = npt.NDArray[Any]


class TargetColumn(Protocol):
    """The targets of n examples, read like a sequence of Target."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Target: ...

    def take(self, indices: Array, /) -> Self:
        """The targets at indices (m,), in that order."""


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Choices: `index` (n,) int64."""

    index: Array

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, index: int) -> Choice:
        return Choice(int(self.index[index]))

    def take(self, indices: Array) -> Choices:
        """The choices at indices (m,)."""
        return Choices(self.index[indices])


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Tags, or ids of documents: `codes` (t,) int32 of `names`; example i has those `bounds[i]:bounds[i + 1]`."""

    kind: type[Tags] | type[Document]
    names: Sequence[str]
    codes: Array
    bounds: Array

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, index: int) -> Tags | Document:
        return self.kind(tuple(map(self.names.__getitem__, _part(self.codes, self.bounds, index).tolist())))

    def take(self, indices: Array) -> Names:
        """The names of examples at indices (m,)."""
        positions, bounds = gathered(self.bounds, indices)
        return Names(self.kind, self.names, self.codes[positions], bounds)


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """Answers: spans `start`, `stop` (s,) int64 of the context; example i has those `bounds[i]:bounds[i + 1]`."""

    start: Array
    stop: Array
    bounds: Array

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, index: int) -> Answers:
        parts = (_part(column, self.bounds, index).tolist() for column in (self.start, self.stop))
        return Answers(tuple(Span(*ends) for ends in zip(*parts, strict=True)))

    def take(self, indices: Array) -> Ranges:
        """The answers to examples at indices (m,)."""
        positions, bounds = gathered(self.bounds, indices)
        return Ranges(self.start[positions], self.stop[positions], bounds)

    def without(self, cut: Array) -> Ranges:
        """The answers; an empty one where `cut` (n,) bool."""
        if not cut.any():
            return self
        kept = ~cut[owners(self.bounds)]
        return Ranges(self.start[kept], self.stop[kept], bounds_of(np.where(cut, 0, np.diff(self.bounds))))


def column_of(targets: Sequence[Target]) -> TargetColumn:
    """The column of targets of one kind; labels of spans are left out. Raises TypeError where the kinds differ."""
    kinds = list(dict.fromkeys(map(type, targets)))
    if len(kinds) > 1:
        raise TypeError(f"expected {kinds[0].__name__}, found {kinds[1].__name__}")
    rows: Sequence[Any] = targets
    match targets[0] if targets else UNLABELLED:
        case Choice():
            return Choices(np.array([target.index for target in rows], np.int64))
        case Tags():
            return _names(Tags, [target.names for target in rows])
        case Document():
            return _names(Document, [target.ids for target in rows])
        case Answers():
            spans = [target.spans for target in rows]
            ends = np.array([(s.start, s.stop) for each in spans for s in each], np.int64).reshape(-1, 2)
            return Ranges(ends[:, 0], ends[:, 1], bounds_of(np.array([len(each) for each in spans], np.int64)))


def written(targets: TargetColumn) -> list[str]:
    """Each target as a JSON string, as `examples.target_json` writes it."""
    match targets:
        case Choices(index):
            return list(map(str, index.tolist()))
        case Names(_, names, codes):
            return _lists([target_json(Tags((name,)))[1:-1] for name in names], codes, targets.bounds)
        case Ranges(start, stop, bounds):
            ends = zip(start.tolist(), stop.tolist(), strict=True)
            return _lists([f"[{low}, {high}]" for low, high in ends], np.arange(len(start)), bounds)
        case _:
            return [target_json(targets[index]) for index in range(len(targets))]


def _lists(texts: Sequence[str], codes: Array, bounds: Array) -> list[str]:
    """JSON lists of texts by code."""
    lengths = np.diff(bounds)
    if len(codes) and (lengths == lengths[0]).all():  # in two thirds of the time
        import polars as pl  # which texts alone do not need

        rows = pl.Series(texts)[codes].reshape((len(lengths), -1))
        return ("[" + rows.arr.join(", ") + "]").to_list()
    named = list(map(texts.__getitem__, codes.tolist()))
    return [f"[{', '.join(named[low:high])}]" for low, high in pairwise(bounds.tolist())]


def chained(columns: Sequence[TargetColumn]) -> TargetColumn:
    """The targets of several columns of one kind, one column after the other. Raises TypeError where kinds differ."""
    full = [column for column in columns if len(column)] or list(columns[:1])
    kinds = {type(column) for column in full}
    if len(full) == 1:
        return full[0]
    if kinds == {Choices}:
        return Choices(np.concatenate([column.index for column in full if isinstance(column, Choices)]))
    if kinds == {Ranges}:
        ranges = [column for column in full if isinstance(column, Ranges)]
        start, stop = (np.concatenate([getattr(column, name) for column in ranges]) for name in ("start", "stop"))
        return Ranges(start, stop, bounds_of(np.concatenate([np.diff(column.bounds) for column in ranges])))
    names = [column for column in full if isinstance(column, Names)]
    if kinds != {Names} or len({column.kind for column in names}) > 1:
        raise TypeError("columns of several kinds have no common column")
    known: dict[str, int] = {}  # numbers names in the order in which they occur
    numbers = [[known.setdefault(name, len(known)) for name in column.names] for column in names]
    codes = [np.array(new, np.int32)[column.codes] for new, column in zip(numbers, names, strict=True)]
    bounds = bounds_of(np.concatenate([np.diff(column.bounds) for column in names]))
    return Names(names[0].kind, tuple(known), np.concatenate(codes), bounds)


def numbering() -> dict[Any, int]:
    """A mapping that gives each new key the next number when it is asked for it."""
    return defaultdict(count().__next__)


def numbers_of(known: Mapping[Any, int], keys: Iterable[Any]) -> Array:
    """The numbers (n,) int64 of keys in a `numbering`."""
    return np.fromiter(map(known.__getitem__, keys), np.int64)


def parts_as_bytes(values: Array, bounds: Array) -> Iterator[bytes]:
    """Consecutive parts of values (m,) or (m, k), which begin and end at `bounds` (n + 1,), as bytes."""
    whole, width = values.tobytes(), values.itemsize * int(np.prod(values.shape[1:]))
    return (whole[low:high] for low, high in pairwise((bounds * width).tolist()))


def bounds_of(lengths: Array) -> Array:
    """Where each of consecutive parts begins, and where the last ends (n + 1,) int64, from their lengths (n,)."""
    bounds = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def leading(row: npt.NDArray[np.int64], values: Array, rows: int, k: int) -> npt.NDArray[np.int64]:
    """The indices (rows, k) of each row's k smallest values (p,) in order, of equals the first.

    `row` (p,) is in order, and each row has k values or more; each takes as much memory as the longest.
    """
    counts = np.bincount(row, minlength=rows)
    width, starts = int(counts.max(initial=k)), bounds_of(counts)[:-1]
    table = np.full(rows * width, values.max(initial=0), values.dtype)
    table[np.arange(len(row)) + (np.arange(rows) * width - starts).take(row)] = values
    order = np.argsort(table.reshape(rows, width), axis=1, kind="stable")[:, :k]
    order += starts[:, None]
    return order


def parts_summed(values: Array, bounds: Array) -> Array:
    """The sums (n,) or (n, k) int64 of consecutive parts of values (m,) or (m, k), which begin and end at `bounds`."""
    sums = np.zeros((len(values) + 1, *values.shape[1:]), np.int64)
    np.cumsum(values, axis=0, out=sums[1:])
    return np.diff(sums[bounds], axis=0)


def owners(bounds: Array) -> Array:
    """The number of the item that each of consecutive parts (t,) belongs to, by the items' bounds (n + 1,)."""
    return np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))


def gathered(bounds: Array, indices: Array) -> tuple[Array, Array]:
    """The positions of some parts, one part after the other, and the bounds of the parts there."""
    lengths = np.diff(bounds)[indices]
    after = bounds_of(lengths)
    return np.arange(after[-1]) + np.repeat(bounds[:-1][indices] - after[:-1], lengths), after


def _names(kind: type[Tags] | type[Document], rows: Sequence[Sequence[str]]) -> Names:
    """The column of lists of names; names are numbered in the order in which they occur."""
    known: dict[str, int] = {}
    codes = np.array([known.setdefault(name, len(known)) for row in rows for name in row], np.int32)
    return Names(kind, tuple(known), codes, bounds_of(np.array([len(row) for row in rows], np.int64)))


def _part(values: Array, bounds: Array, index: int) -> Array:
    if not -len(bounds) < index < len(bounds) - 1:
        raise IndexError(index)
    low, high = bounds[:-1][index], bounds[1:][index]
    return values[low:high]


_UNKNOWN: Final = Example("", {}, UNLABELLED, "", "-")
_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Keeping(Protocol):
    @property
    def made(self) -> dict[tuple[Any, ...], Any]: ...


_K = TypeVar("_K", bound=_Keeping)


def once(columns: _K, make: Callable[Concatenate[_K, _P], _T], *given: _P.args, **named: _P.kwargs) -> _T:
    """What a function makes of columns and of some values; made the first time alone, and kept with the columns."""
    key = (make, *given, *named.items())
    if key not in columns.made:
        columns.made[key] = make(columns, *given, **named)
    made: _T = columns.made[key]
    return made


class Parts(NamedTuple):
    """Parts of texts: `length` (k,) code points of `points` (n,) uint32 from `start` (k,)."""

    points: Array
    start: Array
    length: Array

    def differ(self, other: Parts) -> Array:
        """Whether each part differs from the same one of others, (k,) bool."""
        unlike = np.asarray(self.length != other.length)
        same = np.flatnonzero(~unlike & (self.length > 0))
        length = self.length[same]
        here, there = self.points[ragged(self.start[same], length)], other.points[ragged(other.start[same], length)]
        if len(same):
            unlike[same] = np.logical_or.reduceat(here != there, bounds_of(length)[:-1])
        return unlike


class _Noised(Protocol):
    """Columns of perturbed examples: of each noised field the numbers of its texts, its values and its spans."""

    @property
    def numbers(self) -> Mapping[str, Array]: ...

    def values(self, name: str, /) -> list[str | None]: ...

    def spans(self, name: str, /) -> SpanTable: ...

    def targets(self, clean: TargetColumn, /) -> TargetColumn: ...


@dataclass(frozen=True, slots=True, eq=False)
class ExampleColumns:
    """The examples of a task run under one condition and noise seed; `made` keeps what was made of them.

    Of perturbed ones, `clean` are the clean examples, and `noised` has the columns of the noised fields.
    """

    examples: Sequence[Example]
    clean: ExampleColumns | None = None
    noised: _Noised | None = None
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False)

    @staticmethod
    def given(
        targets: TargetColumn,
        values: Mapping[str, list[str]] = MappingProxyType({}),
        languages: Mapping[str, list[str]] = MappingProxyType({}),
    ) -> ExampleColumns:
        """Columns of examples of which only gold targets (n) are known, and texts (n) of fields, in languages (n)."""
        columns = ExampleColumns((_UNKNOWN,) * len(targets))
        columns.made[_targets,] = targets
        columns.made.update({(_values, name): texts for name, texts in values.items()})
        columns.made.update({(_languages, name): codes for name, codes in languages.items()})
        return columns

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def targets(self) -> TargetColumn:
        """The gold targets (n), positions in these texts."""
        return once(self, _targets)

    def values(self, name: str) -> list[str]:
        """The texts (n) of a field that all examples have."""
        return once(self, _values, name)

    def languages(self, name: str) -> list[str]:
        """The languages (n) of the texts of a field."""
        return once(self, _languages, name)

    def spans(self, name: str) -> SpanTable:
        """The spans of the texts of a field."""
        return once(self, _spans, name)

    def parts(self, name: str, text: Array, start: Array, stop: Array) -> Parts:
        """The parts of the texts of a field with numbers `text`, from `start` to `stop` (k,) in the text."""
        points, bounds = once(self, _points, name)
        size = np.diff(bounds)[text]
        low = np.minimum(start, size)
        return Parts(points, bounds[:-1][text] + low, np.clip(stop, low, size) - low)

    def firsts(self, name: str, ranges: Ranges) -> list[str]:
        """What the first range of each item covers (n) of the text of a field, "" where there is none."""
        some = np.flatnonzero(np.diff(ranges.bounds))
        ends = (ranges.start[ranges.bounds[some]].tolist(), ranges.stop[ranges.bounds[some]].tolist())
        values, texts = self.values(name), [""] * len(self)
        for item, start, stop in zip(some.tolist(), *ends, strict=True):
            texts[item] = values[item][start:stop]
        return texts


def _targets(columns: ExampleColumns) -> TargetColumn:
    if columns.noised and columns.clean:
        return columns.noised.targets(columns.clean.targets)
    return column_of([example.target for example in columns.examples])


def _values(columns: ExampleColumns, name: str) -> list[str]:
    if columns.noised and columns.clean:
        if name not in columns.noised.numbers:
            return columns.clean.values(name)
        return [value for value in columns.noised.values(name) if value is not None]
    return [example.texts[name].value for example in columns.examples]


def _languages(columns: ExampleColumns, name: str) -> list[str]:
    return [example.texts[name].language for example in columns.examples]


def _spans(columns: ExampleColumns, name: str) -> SpanTable:
    if columns.noised and columns.clean:
        return columns.noised.spans(name) if name in columns.noised.numbers else columns.clean.spans(name)
    return span_table([example.texts[name].spans for example in columns.examples])


def _points(columns: ExampleColumns, name: str) -> tuple[Array, Array]:
    """The code points of all texts of a field, and where each text begins (n + 1,)."""
    values = columns.values(name)
    return code_points("".join(values)), bounds_of(np.fromiter(map(len, values), np.int64, len(values)))

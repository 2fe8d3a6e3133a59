"""Examples as columns: the texts, spans and targets of all of them, each made when it is first read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, final

import numpy as np

from robust_xtreme.core.edits import Array, SpanTable, ragged, span_table
from robust_xtreme.core.examples import UNLABELLED, Example
from robust_xtreme.core.target_columns import Ranges, TargetColumn, bounds_of, column_of

_ENCODING: Final = "utf-32-le"
_SURROGATES: Final = "surrogatepass"
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


@final
@dataclass(frozen=True, slots=True, eq=False)
class Parts:
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


@final
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
    points = np.frombuffer("".join(values).encode(_ENCODING, _SURROGATES), np.uint32)
    return points, bounds_of(np.fromiter(map(len, values), np.int64, len(values)))

"""Distinct contents: which examples under which conditions are equal in all that a model reads, and what that is."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np

from robust_xtreme.core.columns import Ranges, TargetColumn, bounds_of, numbering, numbers_of, parts_as_bytes
from robust_xtreme.core.edits import Array, SpanTable
from robust_xtreme.core.examples import Answers, Example, Span, Text
from robust_xtreme.models.reading.inputs import Contents
from robust_xtreme.noise.engine.noised import NoisedTexts, PerturbedExamples
from robust_xtreme.noise.engine.traces import joined_spans, taken


@final
@dataclass(frozen=True, slots=True, eq=False)
class CleanColumns:
    """The texts of clean examples as columns, and for each field the number of the text (n,) of each example, or -1."""

    texts: NoisedTexts
    numbers: Mapping[str, Array]


@final
class ContentCodes:
    """Numbers what encoding reads of the examples of a task run: values and spans of every field, and the target.

    `clean` are the texts of all fields of the clean examples, `golds` their targets.
    """

    def __init__(self, examples: Sequence[Example], clean: CleanColumns, golds: TargetColumn) -> None:
        self._texts, self._targets, self._marks = numbering(), numbering(), numbering()
        self._marks_of: dict[str, int] = {}
        of_clean = np.append(self._of_texts(clean.texts), -1)
        self._fields = {name: of_clean[numbers] for name, numbers in clean.numbers.items()}
        self._golds = golds
        self._gold_marks = numbers_of(self._marks, map(_gold_marks, examples)).tolist()
        if isinstance(golds, Ranges):
            self._target = self._of_golds(golds)
        else:
            self._target = numbers_of(self._targets, map(_target, examples))

    def of(self, shown: PerturbedExamples | None) -> Array:
        """The numbers (n, fields and target) of the examples under a condition; None: of the clean ones.

        Rows are equal where the contents are.
        """
        if shown is None:
            return np.stack([*self._fields.values(), self._target], axis=1)
        noisy = np.append(self._of_texts(shown.noised), -1)
        columns = [noisy[shown.numbers[name]] if name in shown.numbers else it for name, it in self._fields.items()]
        golds = shown.targets(self._golds)
        is_moved = golds is not self._golds
        target = self._of_golds(golds) if is_moved and isinstance(golds, Ranges) else self._target
        return np.stack([*columns, target], axis=1)

    def _of_texts(self, noised: NoisedTexts) -> Array:
        """The number of each text (t,): its value, and its spans, if any."""
        if not len(noised.spans):
            return numbers_of(self._texts, noised.values)
        cuts = np.searchsorted(noised.spans.text, np.arange(len(noised) + 1))
        spans = _parts(noised.spans.start, noised.spans.stop, cuts)
        parts = zip(noised.values, spans, noised.clean, strict=True)
        marked = ((value, ends, self._of_marks(clean)) if ends else value for value, ends, clean in parts)
        return numbers_of(self._texts, marked)

    def _of_marks(self, text: Text) -> int:
        """The number of the labels of a text's spans, which noise does not change."""
        number = self._marks_of.get(text.id)
        if number is None:
            number = self._marks_of[text.id] = self._marks[_marks(text.spans)]
        return number

    def _of_golds(self, golds: Ranges) -> Array:
        spans = _parts(golds.start, golds.stop, golds.bounds)
        return numbers_of(self._targets, zip(spans, self._gold_marks, strict=True))


def _parts(start: Array, stop: Array, bounds: Array) -> Iterator[bytes]:
    """The ends of each of consecutive parts of spans, as bytes."""
    return parts_as_bytes(np.stack((start, stop), axis=1).astype(np.int32), bounds)


def _marks(spans: Sequence[Span]) -> tuple[tuple[str | None, bool], ...]:
    return tuple((span.label, span.frozen) for span in spans)


def _gold_marks(example: Example) -> tuple[tuple[str | None, bool], ...]:
    return _marks(example.target.spans) if isinstance(example.target, Answers) else ()


def _target(example: Example) -> Hashable:
    return example.target


def contents_at(
    examples: Sequence[Example],
    clean: CleanColumns,
    golds: TargetColumn,
    shown: Sequence[PerturbedExamples | None],
    rows: Array,
) -> Contents:
    """The contents of examples under conditions by row (k,), in order; a condition has a row for each example.

    `shown` has the examples under each condition; None: the clean ones.
    """
    count = len(examples)
    cuts = np.searchsorted(rows, np.arange(len(shown) + 1) * count)
    parts = [(each, rows[low:high] % count) for each, (low, high) in zip(shown, pairwise(cuts), strict=True)]
    values: dict[str, list[str | None]] = {}
    spans: dict[str, SpanTable] = {}
    for name, numbers in clean.numbers.items():
        texts = [
            (each.noised, each.numbers[name][at]) if each and name in each.numbers else (clean.texts, numbers[at])
            for each, at in parts
        ]
        values[name] = [value for noised, chosen in texts for value in _values(noised, chosen)]
        spans[name] = joined_spans([(taken(noised.spans, chosen), len(chosen)) for noised, chosen in texts])
    ids = [examples[at].id for _, each in parts for at in each.tolist()]
    return Contents(ids, values, spans, _golds_at(golds, parts))


def _values(noised: NoisedTexts, numbers: Array) -> list[str | None]:
    values = [*noised.values, None]
    return [values[number] for number in numbers.tolist()]


def _golds_at(golds: TargetColumn, parts: Sequence[tuple[PerturbedExamples | None, Array]]) -> Ranges | None:
    """The gold answers of some examples under each condition; None in tasks without."""
    if not isinstance(golds, Ranges):
        return None
    moved = [(each.targets(golds) if each else golds).take(at) for each, at in parts]
    columns = [each for each in moved if isinstance(each, Ranges)]
    sizes = np.concatenate([np.diff(each.bounds) for each in columns])
    start, stop = (np.concatenate([getattr(each, name) for each in columns]) for name in ("start", "stop"))
    return Ranges(start, stop, bounds_of(sizes))


def first_seen(rows: Array) -> tuple[Array, Array]:
    """The number of each row (n, c) among the distinct ones in the order of their first (n,), and these first (k,)."""
    codes = np.zeros(len(rows), np.int64)
    for column in rows.T + 1:
        codes = np.unique(codes, return_inverse=True)[1] * (1 + int(column.max(initial=0))) + column
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks[inverse], first[order]

"""The possible edits of texts: those that perturbations make at full strength, one by one, from which attacks choose.

A unit is a word, a run of clusters without white space; in languages that are written without spaces it is a cluster.
Edits belong to the first unit that they touch. What a perturbation leaves alone (frozen spans, other scripts, edges of
spans within a cluster) has no possible edit.

Shapes: t texts, k possible edits, n code points of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final
from unicodedata import category

import numpy as np

from robust_xtreme.core import graphemes
from robust_xtreme.core.columns import bounds_of
from robust_xtreme.core.edits import Array, Batch, Edit, Edits, at, batch, chunks, putting, ragged, span_table
from robust_xtreme.core.examples import Example, Text
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.core.randomness import salt, text_keys
from robust_xtreme.noise.engine.noised import NoisedTexts, PerturbedExamples
from robust_xtreme.noise.engine.noising import are_names, noised_by
from robust_xtreme.noise.engine.perturbation import Bound, Job
from robust_xtreme.noise.engine.runs import any_in, depth, frozen

DRAWS: Final = 4
"""Draws of each perturbation: of a letter that may become one of several, so many are possible edits."""

_COLUMNS: Final = ("text", "unit", "reach", "start", "stop", "operator", "graphemes")
_VALUE: Final = 4
_Row = tuple[int, int, int, int, str, int, int, int]
"""Text, unit, start, stop, value, reach, operator and graphemes of an edit."""


@dataclass(frozen=True, slots=True, eq=False)
class EditOptions:
    """k possible edits of t texts, sorted by text, unit, start, stop and value.

    `text` (k,) are the texts' numbers; `unit` (k,) the first unit in the text that an edit touches, and `reach` (k,)
    how many it touches. `start` and `stop` (k,) are code points in the text, which become `values[i]`; `operator` (k,)
    is a number of `operators`, `graphemes` (k,) counts changed and inserted graphemes. Of the texts, `units` (t,) and
    `clusters` (t,) are the numbers of units and of grapheme clusters.
    """

    text: Array
    unit: Array
    reach: Array
    start: Array
    stop: Array
    operator: Array
    graphemes: Array
    values: Sequence[str]
    operators: tuple[str, ...]
    units: Array
    clusters: Array

    def __len__(self) -> int:
        return len(self.text)

    @property
    def bounds(self) -> Array:
        """The first edit of each text, and the end (t + 1,)."""
        return np.asarray(np.searchsorted(self.text, np.arange(len(self.units) + 1)))

    @property
    def eligible(self) -> Array:
        """How many units of each text have a possible edit (t,)."""
        first = bounds_of(np.maximum(self.units, 1))
        there = np.zeros(int(first[-1]), np.int64)
        there[first[self.text] + self.unit] = 1
        return np.asarray(np.diff(np.concatenate(([0], np.cumsum(there)))[first]))

    def take(self, numbers: Array) -> EditOptions:
        """Some of the edits (k,), ascending."""
        columns = {name: getattr(self, name)[numbers] for name in _COLUMNS}
        return replace(self, **columns, values=[self.values[number] for number in numbers.tolist()])

    def over(self, text: Array, start: Array, stop: Array) -> Array:
        """Which edits overlap one of several ranges (r,) of the texts, or put something within one (k,) bool."""
        sizes = np.zeros(len(self.units), np.int64)
        np.maximum.at(sizes, self.text, self.stop)
        np.maximum.at(sizes, text, stop)
        base = bounds_of(sizes + 1)
        size, low, high = int(base[-1]) + 1, base[text] + start, base[text] + stop
        within = depth(size, low + 1, high) > 0
        first, last = base[self.text] + self.start, base[self.text] + self.stop
        return np.asarray(np.where(first < last, any_in(depth(size, low, high) > 0, first, last), within[first]))

    def with_others(self, others: EditOptions) -> EditOptions:
        """These edits, and after them others of the same texts."""
        moved = others.operator + len(self.operators)
        columns = {name: np.concatenate((getattr(self, name), getattr(others, name))) for name in _COLUMNS}
        columns["operator"] = np.concatenate((self.operator, moved))
        values, operators = [*self.values, *others.values], (*self.operators, *others.operators)
        return EditOptions(**columns, values=values, operators=operators, units=self.units, clusters=self.clusters)


def options_of(texts: Sequence[Text], moves: Sequence[Bound], seed: int) -> EditOptions:
    """The distinct edits that some perturbations make of texts at full strength, in DRAWS draws each."""
    operators = tuple(dict.fromkeys(name for move in moves for name in move.perturbation.operators))
    units, clusters = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
    rows: set[_Row] = set()
    for language, numbers, page in _pages(texts, any(move.keeps_names for move in moves)):
        units[numbers], clusters[numbers] = page.units, np.diff(page.clean.bounds) - 1
        ids = [texts[number].id for number in numbers.tolist()]
        for move in (move for move in moves if not move.lacks(language)):
            for draw in range(DRAWS):
                keys = text_keys(salt(str(seed), str(draw), *move.shape()), ids)
                edits, _ = move.perturbation.edit(Job(page.clean, language, keys, "1", move.params))
                names = np.array([operators.index(name) for name in move.perturbation.operators], np.int64)
                rows.update(page.rows(edits, names, numbers))
    return _table(sorted(rows), operators, units, clusters)


def probes_of(texts: Sequence[Text], by: str) -> EditOptions:
    """The edits that hide a unit, one for each: it becomes `by`, or is deleted with a space beside it.

    What is in a frozen span stays, and a unit without which a span would be empty is not deleted.
    """
    units, clusters = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
    rows: set[_Row] = set()
    for _, numbers, page in _pages(texts, keeps_names=False):
        units[numbers], clusters[numbers] = page.units, np.diff(page.clean.bounds) - 1
        rows.update(page.hidden(by, numbers))
    return _table(sorted(rows), ("hide",), units, clusters)


def applied(texts: Sequence[Text], options: EditOptions, copies: Array, picked: Sequence[Sequence[int]]) -> NoisedTexts:
    """Copies (c,) of texts, by number, each with the edits `picked[i]` made, as they are read."""
    copied = [texts[number] for number in copies.tolist()]
    clean = batch([text.value for text in copied], span_table([text.spans for text in copied]))
    owner = np.repeat(np.arange(len(copied)), [len(each) for each in picked])
    chosen = np.array([option for each in picked for option in each], np.int64)
    order = np.lexsort((options.stop[chosen], options.start[chosen], owner))
    base, made = clean.offsets[owner[order]], chosen[order]
    start, stop = base + options.start[made], base + options.stop[made]
    values = [options.values[option] for option in made.tolist()]
    edits = putting(clean, start, stop, options.operator[made], options.graphemes[made], values)
    return noised_by(copied, clean, edits, options.eligible[copies], options.operators)


def _table(rows: Sequence[_Row], operators: tuple[str, ...], units: Array, clusters: Array) -> EditOptions:
    """The table of sorted rows; of edits that differ in their operators alone the first."""
    distinct = {row[:5]: row for row in reversed(rows)}
    several = [distinct[key] for key in sorted(distinct)]
    names = ("text", "unit", "start", "stop", "", "reach", "operator", "graphemes")
    columns = {name: np.array([row[at] for row in several], np.int64) for at, name in enumerate(names) if name}
    values = [row[_VALUE] for row in several]
    return EditOptions(**columns, values=values, operators=operators, units=units, clusters=clusters)


def _pages(texts: Sequence[Text], keeps_names: bool) -> Iterator[tuple[str, Array, _Page]]:
    """The texts by language as batches, with their numbers; names are frozen where they are kept."""
    for language in dict.fromkeys(text.language for text in texts):
        numbers = np.array([number for number, text in enumerate(texts) if text.language == language], np.int64)
        for low, high in chunks([texts[number].value for number in numbers.tolist()]):
            some = [texts[number] for number in numbers[low:high].tolist()]
            spans = span_table([text.spans for text in some])
            kept = replace(spans, frozen=spans.frozen | are_names(some)) if keeps_names else spans
            yield language, numbers[low:high], _Page(batch([text.value for text in some], kept), language)


class _Page:
    """A batch of texts of one language and its units."""

    def __init__(self, clean: Batch, language: str) -> None:
        self.clean = clean
        blank = (clean.props & graphemes.SPACE) > 0
        blank[clean.offsets[1:] - 1] = True
        begins = ~blank
        if language_of(language).spaces:
            begins[1:] &= blank[:-1]
        elif clean.numbers is not None:
            begins[1:] &= clean.numbers[1:] != clean.numbers[:-1]
        self._blank, self._begins = blank, begins
        self._begun = np.cumsum(begins, dtype=np.int64)
        self._before = np.concatenate(([0], self._begun[clean.offsets[1:] - 1]))
        self.units = np.diff(self._before)

    def rows(self, edits: Edits, operators: Array, numbers: Array) -> Iterator[_Row]:
        """Edits as rows: `operators` and `numbers` are those of the table, by operator and by text."""
        text = np.searchsorted(self.clean.offsets, edits.start, "right") - 1
        flat = np.concatenate((self.clean.points, edits.pool))
        sizes = edits.length.sum(axis=1)
        joined = at(flat, ragged(edits.source.reshape(-1), edits.length.reshape(-1))).tobytes()
        whole, bounds = joined.decode("utf-32-le", "surrogatepass"), bounds_of(sizes).tolist()
        values = [whole[low:high] for low, high in pairwise(bounds)]
        first, reach = self._touched(edits, text, values)
        base = self.clean.offsets[text]
        columns = (numbers[text], first, edits.start - base, edits.stop - base)
        others = (reach, operators[edits.operator], edits.graphemes)
        left, right = ([column.tolist() for column in each] for each in (columns, others))
        return zip(*left, values, *right, strict=True)

    def _touched(self, edits: Edits, text: Array, values: Sequence[str]) -> tuple[Array, Array]:
        """The first unit of its text that each edit (e,) touches, in white space the one before it, and how many.

        One that leaves nothing before a mark, a cluster of its own as in Burmese, touches what will bear the mark, too.
        """
        last_point = np.maximum(edits.stop, edits.start + 1) - 1
        spaced = np.array([value[-1:].isspace() for value in values], np.bool_)
        joins = at(self._blank, last_point) & at(self._begins, edits.stop) & ~spaced & (edits.stop > edits.start)
        low, high = self._before[text], self._before[text + 1] - 1
        after = at(self.clean.points, edits.stop).tolist()
        bared = [not value and category(chr(point))[0] == "M" for value, point in zip(values, after, strict=True)]
        bearer = at(self._begins, edits.stop) & np.array(bared, np.bool_)
        first = np.clip(at(self._begun, edits.start) - 1 - bearer, low, np.maximum(high, low))
        last = np.clip(at(self._begun, last_point) - 1 + joins, first, np.maximum(high, first))
        return first - low, last - first + 1

    def hidden(self, by: str, numbers: Array) -> Iterator[_Row]:
        """The edits that put `by` for a unit; of one that an edge of a span cuts for the longest part."""
        clean = self.clean
        edge = np.zeros(len(clean.points) + 1, np.bool_)
        edge[clean.span_starts] = edge[clean.span_stops] = True
        starts, stops = self._parts(edge)
        free = ~any_in(frozen(clean), starts, stops)
        text = np.searchsorted(clean.offsets, starts, "right") - 1
        if not by:
            unit = np.maximum(np.searchsorted(starts, clean.span_starts, "right") - 1, 0)
            free[unit[clean.span_stops <= stops[unit]]] = False  # has all of a span, which would be empty without it
            ended = at(self._blank, stops)
            more = ended & (stops + 1 < clean.offsets[text + 1]) & ~edge[stops]
            less = ended & ~more & (starts > clean.offsets[text]) & ~edge[starts]
            starts = starts - (less & at(self._blank, np.maximum(starts, 1) - 1))
            stops = stops + more
        base, number = clean.offsets[text], np.arange(len(starts)) - self._before[text]
        columns = numbers[text], number, starts - base, stops - base
        rows = zip(*(column[free].tolist() for column in columns), strict=True)
        return ((*row, by, 1, 0, row[3] - row[2]) for row in rows)

    def _parts(self, edge: Array) -> tuple[Array, Array]:
        """The longest part of each unit without an edge within it, the first of equal ones, by starts and stops."""
        begins = self._begins | (edge[:-1] & ~self._blank)
        starts = np.flatnonzero(begins)
        # A unit ends at the next white space, or at the next unit where there is none between them.
        blanks = np.flatnonzero(self._blank)
        space = blanks[np.searchsorted(blanks, starts)]
        lengths = np.minimum(space, np.append(starts[1:], len(self._blank))) - starts
        unit = self._begun[starts]
        order = np.lexsort((starts, -lengths, unit))
        longest = order[np.searchsorted(unit, np.unique(unit))]
        return starts[longest], starts[longest] + lengths[longest]


def with_edits(
    examples: Sequence[Example], fields: Sequence[str], edits: Sequence[Sequence[Edit]]
) -> PerturbedExamples:
    """Examples with the listed edits made in some of their fields; a text that several have is a copy for each."""
    operators: dict[str, int] = {}
    texts: list[Text] = []
    rows: list[_Row] = []
    numbers = {name: np.full(len(examples), -1) for name in fields}
    for number, (example, several) in enumerate(zip(examples, edits, strict=True)):
        for name in (name for name in fields if name in example.texts):
            numbers[name][number] = text = len(texts)
            texts.append(example.texts[name])
            for edit in (edit for edit in several if edit.field == name):
                operator = operators.setdefault(edit.operator, len(operators))
                rows.append((text, 0, edit.start, edit.stop, edit.value, 0, operator, edit.graphemes))
    uncounted = np.zeros(len(texts), np.int64)  # units and clusters
    table = _table(sorted(rows), tuple(operators), uncounted, uncounted)
    chosen = [range(low, high) for low, high in pairwise(table.bounds.tolist())]
    return PerturbedExamples(examples, applied(texts, table, np.arange(len(texts)), chosen), numbers)

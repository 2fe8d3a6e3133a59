"""Noised texts: many of them as columns, and one of them as an object, which is made where it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, final, overload

import numpy as np

from robust_xtreme.core.edits import NO_SPANS, Array, SpanTable, Trace, span_table
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.noise.engine.traces import (
    Ends,
    Traces,
    ends_of,
    joined_spans,
    joined_traces,
    no_moves,
    taken,
    traces_from,
)

STATUSES: Final = ("ok", "unchanged", "not_applicable")
OK, UNCHANGED, NOT_APPLICABLE = range(len(STATUSES))
_NONE: Final = np.zeros(0, np.int64)
_COUNTS: Final = ("eligible", "graphemes", "graphemes_edited", "words", "words_edited")


@final
@dataclass(frozen=True, slots=True)
class Noised:
    """One text under one condition: the noisy text, its edit counts, and the mapping to the clean text.

    `status` is `ok`, `unchanged` (no edit fell on it) or `not_applicable` (the perturbation does not serve its
    language). `eligible` counts the units that could have been changed, `edits` the accepted ones by operator,
    `graphemes` and `words` those of the clean text, `graphemes_edited` the changed and inserted clusters (a swap is
    two, a doubling one). A word is a run of clusters without white space, whatever the script: in a language written
    without spaces that is a whole phrase. Two words that an edit joins are both edited. In a chain the counts of its
    links are summed.
    """

    clean: Text
    text: Text
    status: str
    eligible: int
    edits: Mapping[str, int]
    graphemes: int
    graphemes_edited: int
    words: int
    words_edited: int
    traces: Sequence[Trace] = ()

    def to_clean(self, start: int, stop: int) -> tuple[int, int]:
        """The half-open range of the clean value that a range of the noisy value comes from."""
        for trace in reversed(self.traces):
            start, stop = trace.to_clean(start, stop)
        return start, stop

    def to_noisy(self, start: int, stop: int) -> tuple[int, int]:
        """The half-open range of the noisy value that a range of the clean value became."""
        for trace in self.traces:
            start, stop = trace.to_noisy(start, stop)
        return start, stop


@final
@dataclass(frozen=True, slots=True)
class Counts:
    """What noise did to n texts, each (n,) int64: eligible units, clusters, edited clusters, words, edited words.

    `operators` (n, k) counts the edits by operator.
    """

    eligible: Array
    operators: Array
    graphemes: Array
    graphemes_edited: Array
    words: Array
    words_edited: Array

    def take(self, numbers: Array) -> Counts:
        """Those of some texts."""
        return Counts(**{name: getattr(self, name)[numbers] for name in Counts.__slots__})


@final
@dataclass(frozen=True, slots=True, eq=False)
class NoisedTexts(Sequence[Noised]):
    """n texts under one condition as columns, read like a sequence of Noised.

    `clean` are the clean texts, `values` their noisy values, `spans` the spans there; `status` (n,) int8 are numbers of
    STATUSES, `operators` the names of the columns of `counts.operators`. `links` has the traces of each link of the
    chain, then those of what was removed at the ends of texts.
    """

    clean: Sequence[Text]
    values: Sequence[str]
    spans: SpanTable
    status: Array
    operators: tuple[str, ...]
    counts: Counts
    links: tuple[Traces, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> Noised: ...
    @overload
    def __getitem__(self, index: slice) -> NoisedTexts: ...
    def __getitem__(self, index: int | slice) -> Noised | NoisedTexts:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        number = range(len(self))[index]
        row = [getattr(self.counts, name)[number].item() for name in _COUNTS]
        ends = ends_of(self.spans, number)
        return self._view(number, self.status[number], ends, self.counts.operators[number].tolist(), row)

    def __iter__(self) -> Iterator[Noised]:
        rows = np.stack([getattr(self.counts, name) for name in _COUNTS], axis=1).tolist()
        every = iter(zip(self.spans.start.tolist(), self.spans.stop.tolist(), strict=True))
        ends = ([next(every) for _ in text.spans] for text in self.clean)
        columns = (range(len(self)), self.status.tolist(), ends, self.counts.operators.tolist(), rows)
        return map(self._view, *columns)

    def _view(
        self, number: int, status: int, ends: Sequence[tuple[int, int]], edits: Sequence[int], row: Sequence[int]
    ) -> Noised:
        clean = self.clean[number]
        spans = tuple(Span(*each, was.label, was.frozen) for was, each in zip(clean.spans, ends, strict=True))
        text = Text(clean.id, clean.language, self.values[number], spans)
        served = status != NOT_APPLICABLE
        by_operator = dict(zip(self.operators, edits, strict=True)) if served else {}
        trail = _Trail(self.links, number) if served else ()
        eligible, clusters, clusters_edited, words, words_edited = row
        figures = (eligible, by_operator, clusters, clusters_edited, words, words_edited)
        return Noised(clean, text, STATUSES[status], *figures, trail)

    def take(self, numbers: Array) -> NoisedTexts:
        """Texts by number (k,), in that order."""
        clean, values = ([texts[number] for number in numbers.tolist()] for texts in (self.clean, self.values))
        counts, links = self.counts.take(numbers), tuple(link.take(numbers) for link in self.links)
        status, spans = self.status[numbers], taken(self.spans, numbers)
        return NoisedTexts(clean, values, spans, status, self.operators, counts, links)

    def to_clean(self, texts: Array, ends: Ends) -> Ends:
        """The ranges of the clean values that ranges (k,) of the noisy values of `texts` (k,) come from."""
        for link in reversed(self.links):
            ends = link.to_clean(texts, ends)
        return ends

    def to_noisy(self, texts: Array, ends: Ends) -> Ends:
        """The ranges of the noisy values that ranges (k,) of the clean values of `texts` (k,) became."""
        for link in self.links:
            ends = link.to_noisy(texts, ends)
        return ends


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Trail(Sequence[Trace]):
    """The traces of one text by link of the chain, made where they are read; equal to any other sequence of them."""

    links: tuple[Traces, ...]
    number: int

    def _made(self) -> tuple[Trace, ...]:
        return tuple(link.of(self.number) for link in self.links if link.has(self.number))

    def __len__(self) -> int:
        return sum(link.has(self.number) for link in self.links)

    @overload
    def __getitem__(self, index: int) -> Trace: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Trace]: ...
    def __getitem__(self, index: int | slice) -> Trace | Sequence[Trace]:
        return self._made()[index]

    def __iter__(self) -> Iterator[Trace]:
        return iter(self._made())

    def __reversed__(self) -> Iterator[Trace]:
        return reversed(self._made())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._made() == tuple(other)


def untouched(texts: Sequence[Text], status: int = UNCHANGED, graphemes: Sequence[int] = ()) -> NoisedTexts:
    """Texts to which nothing was done; their clusters are counted where `graphemes` has them."""
    none = np.zeros(len(texts), np.int64)
    clusters = np.array(graphemes, np.int64) if graphemes else none
    words = np.array([len(text.value.split()) for text in texts], np.int64)
    counts = Counts(none, np.zeros((len(texts), 0), np.int64), clusters, none, words, none)
    values, spans = [text.value for text in texts], span_table([text.spans for text in texts])
    return NoisedTexts(texts, values, spans, np.full(len(texts), status, np.int8), (), counts)


def columns_of(outcomes: Sequence[Noised]) -> NoisedTexts:
    """The columns of outcomes that were made one by one."""
    names = tuple(dict.fromkeys(name for each in outcomes for name in each.edits))
    rows = [[each.edits.get(name, 0) for name in names] for each in outcomes]
    columns = {name: np.array([getattr(each, name) for each in outcomes], np.int64) for name in _COUNTS}
    longest = max((len(each.traces) for each in outcomes), default=0)
    links = tuple(traces_from([each.traces[step : step + 1] for each in outcomes]) for step in range(longest))
    return NoisedTexts(
        [each.clean for each in outcomes],
        [each.text.value for each in outcomes],
        span_table([each.text.spans for each in outcomes]),
        np.array([STATUSES.index(each.status) for each in outcomes], np.int8),
        names,
        Counts(operators=np.array(rows, np.int64).reshape(len(outcomes), len(names)), **columns),
        links,
    )


def joined(parts: Sequence[NoisedTexts]) -> NoisedTexts:
    """The texts one part after the other; the perturbations are the same, or edited nothing."""
    if len(parts) == 1:
        return parts[0]
    names = max((part.operators for part in parts), key=len, default=())
    steps = [_step(parts, several) for several in zip_longest(*(part.links for part in parts))]
    return NoisedTexts(
        [text for part in parts for text in part.clean],
        [value for part in parts for value in part.values],
        joined_spans([(part.spans, len(part)) for part in parts]) if parts else NO_SPANS,
        np.concatenate([np.zeros(0, np.int8), *(part.status for part in parts)]),
        names,
        _joined_counts([part.counts for part in parts], len(names)),
        tuple(steps),
    )


def _step(parts: Sequence[NoisedTexts], several: Sequence[Traces | None]) -> Traces:
    """The traces of one link of a chain; a part without it has no edits there."""
    sparse = any(step.sparse for step in several if step is not None)
    pairs = zip(several, parts, strict=True)
    return joined_traces([no_moves(part.spans, len(part), sparse) if step is None else step for step, part in pairs])


def _joined_counts(parts: Sequence[Counts], operators: int) -> Counts:
    """The counts of texts one part after the other; a part without operators has 0 edits by each."""
    columns = {name: np.concatenate([_NONE, *(getattr(part, name) for part in parts)]) for name in _COUNTS}
    wide = [part.operators if part.operators.shape[1] else np.zeros((len(part.words), operators)) for part in parts]
    by_operator = np.concatenate([np.zeros((0, operators)), *wide]).astype(np.int64)
    return Counts(operators=by_operator, **columns)

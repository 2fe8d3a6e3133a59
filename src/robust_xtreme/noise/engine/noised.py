"""Noised texts: many of them as columns, and one of them as an object, which is made where it is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, zip_longest
from typing import Any, Final, overload

import numpy as np

from robust_xtreme.core import graphemes
from robust_xtreme.core.columns import Ranges, TargetColumn, bounds_of
from robust_xtreme.core.edits import NO_SPANS, Array, Place, SpanTable, Trace, span_table
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Answers, Example, Span, Text
from robust_xtreme.noise.engine.diff import hunks
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
        for trace in reversed(tuple(self.traces)):
            start, stop = trace.to_clean(start, stop)
        return start, stop

    def to_noisy(self, start: int, stop: int) -> tuple[int, int]:
        """The half-open range of the noisy value that a range of the clean value became."""
        for trace in self.traces:
            start, stop = trace.to_noisy(start, stop)
        return start, stop


@dataclass(frozen=True, slots=True)
class Counts:
    """What noise did to n texts, each (n,) int64, and by operator the edits, `operators` (n, k)."""

    eligible: Array
    operators: Array
    graphemes: Array
    graphemes_edited: Array
    words: Array
    words_edited: Array

    def take(self, numbers: Array) -> Counts:
        """Those of some texts."""
        return Counts(**{name: getattr(self, name)[numbers] for name in Counts.__slots__})


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


@dataclass(frozen=True, slots=True, eq=False)
class _Trail(Sequence[Trace]):
    """The traces of one text by link of the chain, made where they are read; equal to any other sequence of them."""

    links: tuple[Traces, ...]
    number: int

    def _made(self) -> tuple[Trace, ...]:
        return tuple(link.of(self.number) for link in self.links if link.has(self.number))

    def __len__(self) -> int:
        return sum(link.has(self.number) for link in self.links)

    def __getitem__(self, index: Any) -> Any:
        return self._made()[index]

    def __iter__(self) -> Iterator[Trace]:
        return iter(self._made())

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
    steps = []
    for several in zip_longest(*(part.links for part in parts)):
        sparse = any(step.sparse for step in several if step is not None)
        pairs = zip(several, parts, strict=True)  # a part without the step has no edits there
        traces = [no_moves(part.spans, len(part), sparse) if step is None else step for step, part in pairs]
        steps.append(joined_traces(traces))
    counts = [part.counts for part in parts]
    columns = {name: np.concatenate([_NONE, *(getattr(part, name) for part in counts)]) for name in _COUNTS}
    # A part without operators has 0 edits by each.
    wide = [part.operators if part.operators.shape[1] else np.zeros((len(part.words), len(names))) for part in counts]
    by_operator = np.concatenate([np.zeros((0, len(names))), *wide]).astype(np.int64)
    return NoisedTexts(
        [text for part in parts for text in part.clean],
        [value for part in parts for value in part.values],
        joined_spans([(part.spans, len(part)) for part in parts]) if parts else NO_SPANS,
        np.concatenate([np.zeros(0, np.int8), *(part.status for part in parts)]),
        names,
        Counts(operators=by_operator, **columns),
        tuple(steps),
    )


def as_read(noised: NoisedTexts) -> NoisedTexts:
    """The texts without white space at an end of a noisy one where its clean one has none.

    It remains where the first or the last word is lost. Readers of tasks remove it, so that without it a model reads
    the same text in `eval` and in a file that `perturb` wrote.
    """
    parts = parts_read([text.value for text in noised.clean], noised.values)
    if not parts:
        return noised
    values = list(noised.values)
    for number, (lead, stop) in parts.items():
        values[number] = values[number][lead:stop]
    cuts = _cuts(noised, parts)
    return replace(noised, values=values, spans=cuts.after, links=(*noised.links, cuts))


def parts_read(clean: Sequence[str], noisy: Sequence[str]) -> dict[int, tuple[int, int]]:
    """The range that is read of each noisy text of which not all is, by its number."""
    bare = list(map(str.strip, noisy))
    if bare == noisy:
        return {}
    parts: dict[int, tuple[int, int]] = {}
    for number in (number for number, text in enumerate(noisy) if len(bare[number]) < len(text)):
        text = noisy[number]
        lead = 0 if clean[number][:1].isspace() else len(text) - len(text.lstrip())
        stop = len(text) if clean[number][-1:].isspace() else len(text.rstrip())
        if lead < stop and (lead, stop) != (0, len(text)):
            parts[number] = lead, stop
    return parts


def _cuts(noised: NoisedTexts, parts: dict[int, tuple[int, int]]) -> Traces:
    """The removal of what is not read, as edits."""
    moves: list[tuple[int, int, int, int]] = []
    edits = np.zeros(len(noised), np.int64)
    low, high = np.zeros(len(noised), np.int32), np.full(len(noised), np.iinfo(np.int32).max, np.int32)
    for number, (lead, stop) in parts.items():
        size = len(noised.values[number])
        cuts = [cut for cut in ((0, lead, 0, 0), (stop, size, stop - lead, stop - lead)) if cut[0] < cut[1]]
        moves += cuts
        edits[number], low[number], high[number] = len(cuts), lead, stop
    lows, highs = low[noised.spans.text], high[noised.spans.text]
    ends = (np.clip(each, lows, highs) - lows for each in (noised.spans.start, noised.spans.stop))
    spans = replace(noised.spans, **dict(zip(("start", "stop"), ends, strict=True)))
    return Traces(bounds_of(edits), np.array(moves, np.int64), noised.spans, spans, sparse=True)


Piece = tuple[str, str]
"""A part of the clean text, and what it became."""


def pieces(noised: Noised) -> Iterator[Piece]:
    """The text as pairs of old and new parts; the result of a chain is compared with the clean text."""
    clean, noisy = noised.clean.value, noised.text.value
    moves = noised.traces[0].moves if len(noised.traces) == 1 else _compared(clean, noisy)
    old = new = 0
    for start, stop, new_start, new_stop in moves:
        yield clean[old:start], noisy[new:new_start]
        yield clean[start:stop], noisy[new_start:new_stop]
        old, new = stop, new_stop
    yield clean[old:], noisy[new:]


def _compared(clean: str, noisy: str) -> tuple[Place, ...]:
    """The changes of one text to another, by grapheme clusters."""
    if clean == noisy:
        return ()
    old, new = graphemes.split(clean), graphemes.split(noisy)
    before, after = ([0, *accumulate(map(len, clusters))] for clusters in (old, new))
    return tuple((before[a], before[b], after[c], after[d]) for a, b, c, d in hunks(old, new))


_CONTEXT = "context"


@dataclass(frozen=True, slots=True, eq=False)
class FieldTexts:
    """The distinct texts of some fields of n examples, by id in the order in which they occur.

    `numbers` has for each field the number of the text (n,) of each example; -1 where an example does not have it.
    """

    texts: tuple[Text, ...]
    numbers: Mapping[str, Array]

    def copied(self, rows: Sequence[int]) -> tuple[Mapping[str, Array], Array]:
        """Of examples by row (k,), each with copies of its texts: `numbers`, and of which text each is a copy (c,)."""
        table = np.stack([column[np.array(rows, np.int64)] for column in self.numbers.values()], axis=1)
        there = table >= 0
        copies = np.where(there, np.cumsum(there).reshape(there.shape) - 1, -1)
        return dict(zip(self.numbers, copies.T, strict=True)), table[there]


def field_texts(examples: Sequence[Example], fields: Collection[str] = ()) -> FieldTexts:
    """The texts of some fields of examples; without `fields`, of all. Raises Mismatch where an id is not unique."""
    names = tuple(fields or dict.fromkeys(name for example in examples for name in example.texts))
    cells = [example.texts.get(name) for example in examples for name in names]
    numbers, texts = distinct(text for text in cells if text is not None)
    table = np.full(len(cells), -1, np.int64)
    table[[text is not None for text in cells]] = numbers
    columns = table.reshape(len(examples), len(names)).T.copy()
    return FieldTexts(tuple(texts), dict(zip(names, columns, strict=True)))


def distinct(texts: Iterable[Text]) -> tuple[list[int], list[Text]]:
    """The number of each text among those with ids of their own, and these. Raises Mismatch."""
    unique: dict[str, tuple[int, Text]] = {}
    numbers: list[int] = []
    for text in texts:
        number, first = unique.setdefault(text.id, (len(unique), text))
        if first is not text and first != text:
            raise Mismatch(f"Two different texts have the id {text.id!r}; noise follows the id, so it must be unique.")
        numbers.append(number)
    return numbers, [text for _, text in unique.values()]


@dataclass(frozen=True, slots=True, eq=False)
class PerturbedExamples(Sequence[Example]):
    """n clean examples with noised texts, read like a sequence of Example; `numbers` is by field as in FieldTexts."""

    clean: Sequence[Example]
    noised: NoisedTexts
    numbers: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.clean)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        rows = ((name, int(column[index])) for name, column in self.numbers.items())
        return _with(self.clean[index], {name: self.noised[number] for name, number in rows if number >= 0})

    def __iter__(self) -> Iterator[Example]:
        views = list(self.noised)
        columns = [column.tolist() for column in self.numbers.values()]
        for example, *row in zip(self.clean, *columns, strict=True):
            pairs = zip(self.numbers, row, strict=True)
            yield _with(example, {name: views[number] for name, number in pairs if number >= 0})

    def take(self, rows: Array) -> PerturbedExamples:
        """Examples by row (k,), in that order."""
        numbers = {name: column[rows] for name, column in self.numbers.items()}
        return PerturbedExamples([self.clean[row] for row in rows.tolist()], self.noised, numbers)

    def values(self, name: str) -> list[str | None]:
        """The value (n) of a noised field in each example; None where an example does not have it."""
        values = [*self.noised.values, None]
        return [values[number] for number in self.numbers[name].tolist()]

    def targets(self, clean: TargetColumn) -> TargetColumn:
        """The targets of the examples from those of the clean ones: answers move with the context, others stay."""
        if not isinstance(clean, Ranges) or _CONTEXT not in self.numbers:
            return clean
        texts = np.repeat(self.numbers[_CONTEXT], np.diff(clean.bounds))
        return Ranges(*self.noised.to_noisy(texts, (clean.start, clean.stop)), clean.bounds)

    def restored(self, answers: TargetColumn) -> TargetColumn:
        """Answers to the examples in the coordinates of the clean ones: back through the edits of the context."""
        if not isinstance(answers, Ranges) or _CONTEXT not in self.numbers:
            return answers
        texts = np.repeat(self.numbers[_CONTEXT], np.diff(answers.bounds))
        return Ranges(*self.noised.to_clean(texts, (answers.start, answers.stop)), answers.bounds)

    def spans(self, name: str) -> SpanTable:
        """The spans of a noised field, which every example has."""
        return taken(self.noised.spans, self.numbers[name])


def noise_example(example: Example, noised: Mapping[str, Noised], fields: Collection[str]) -> Example:
    """The example with texts replaced by noisy ones (by id), and answers moved; it is identified as the clean one."""
    return _with(example, {name: noised[text.id] for name, text in example.texts.items() if name in fields})


def _with(example: Example, noised: Mapping[str, Noised]) -> Example:
    """The example with the texts of some fields replaced by noisy ones, by field."""
    texts = {name: noised[name].text if name in noised else text for name, text in example.texts.items()}
    target = example.target
    if isinstance(target, Answers) and _CONTEXT in noised:
        moved = [(span, *noised[_CONTEXT].to_noisy(span.start, span.stop)) for span in target.spans]
        target = Answers(tuple(replace(span, start=start, stop=stop) for span, start, stop in moved))
    return replace(example, texts=texts, target=target)

"""The part of a family that needs no torch: from contents to windows, and from scores to predictions.

What a predictor answers are columns; each distinct content is encoded once. Scores are read as whole numbers, so that
the last bits of a float have no effect, and by their first maxima.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from robust_xtreme.core.columns import Array, Ranges, TargetColumn, bounds_of, column_of, gathered
from robust_xtreme.core.edits import SpanTable, span_table
from robust_xtreme.core.errors import NotFinite
from robust_xtreme.core.examples import DEPTH, UNLABELLED, Answers, Example, Span, Target, Text
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer
from robust_xtreme.models.reading.windows import Window, Windows, of_examples, plain


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What is read of n inputs.

    `ids` (n) name them in errors. `values` has the texts (n) of each field, in the order of the fields; None where an
    input does not have it. `spans` are the spans of each field's texts: words, or gold answers. `golds` are the gold
    answers of span QA, positions in the field `context`; None in other tasks.
    """

    ids: Sequence[str]
    values: Mapping[str, Sequence[str | None]]
    spans: Mapping[str, SpanTable]
    golds: Ranges | None = None

    def __len__(self) -> int:
        return len(self.ids)


def contents_of(examples: Sequence[Example]) -> Contents:
    """The contents of examples, in order."""
    names = dict.fromkeys(name for example in examples for name in example.texts)
    rows = {name: [example.texts.get(name) for example in examples] for name in names}
    values = {name: [None if text is None else text.value for text in row] for name, row in rows.items()}
    spans = {name: span_table([() if text is None else text.spans for text in row]) for name, row in rows.items()}
    return Contents([example.id for example in examples], values, spans, _golds(examples))


def _golds(examples: Sequence[Example]) -> Ranges | None:
    """The gold answers where every target is one of span QA."""
    targets = [example.target for example in examples]
    if not targets or not all(isinstance(target, Answers) for target in targets):
        return None
    golds = column_of(targets)
    return golds if isinstance(golds, Ranges) else None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates that a search answers from under one condition: their ids, and their values in the same order.

    Pairs with an id in `unscored` are not answers; `queries` are the ids of the queries' texts, in order. `tuning` has
    the examples and the pool of validation data under the same condition, on which the threshold of a task is tuned;
    None for a task without one. A ranking has the best `depth` of them.
    """

    ids: tuple[str, ...]
    values: tuple[str, ...]
    unscored: frozenset[str] = frozenset()
    queries: tuple[str, ...] = ()
    tuning: tuple[tuple[Example, ...], Candidates] | None = None
    depth: int = DEPTH


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The n distinct inputs of a model, which read m distinct contents.

    `windows` are those of the contents, in order. `lost` (m,) bool: no window contains the gold answer. The columns of
    inputs (n,): `content`, the number of what is read; `group`: inputs of different groups are not in one batch;
    `pool`: in a search, the number of the candidates in `pools`, else -1. Inputs of one pool are consecutive, one for
    each example of a condition, in order. `lexicon` has the texts that were tokenised for the windows.
    """

    contents: Contents
    windows: Windows
    lost: Array
    content: Array
    group: Array
    pool: Array
    pools: tuple[Candidates, ...] = ()
    lexicon: Lexicon | None = None

    def __len__(self) -> int:
        return len(self.content)

    def take(self, indices: Array) -> Inputs:
        """Some of the inputs (k,), in that order."""
        return replace(self, content=self.content[indices], group=self.group[indices], pool=self.pool[indices])

    def rows(self) -> tuple[Array, Array]:
        """The rows of each input's windows, one input after the other, and the bounds of the inputs there (n + 1,)."""
        return gathered(of_examples(self.windows, len(self.contents)), self.content)

    def values(self, name: str) -> list[str]:
        """The text that each input (n,) has in a field."""
        values = self.contents.values[name]
        return [values[content] or "" for content in self.content.tolist()]


def inputs_of(contents: Contents, windows: Windows, lost: Array | None = None) -> Inputs:
    """An input for each content, without group and pool; nothing is lost where `lost` is None."""
    count = len(contents)
    none, nothing = np.full(count, -1), np.zeros(count, np.int64)
    truncated = np.zeros(count, np.bool_) if lost is None else lost
    return Inputs(contents, windows, truncated, np.arange(count), nothing, none)


Labels = tuple[str, ...]

QUANTUM: Final = 1e-4
"""Scores are compared as multiples of this."""


def quantised(scores: Array) -> tuple[Array, Array]:
    """Scores as whole numbers of QUANTUM (int64), and which are finite and at most 2^53 (bool); others are 0."""
    whole = np.array(scores, np.float64)
    whole /= QUANTUM
    np.rint(whole, out=whole)
    exact = np.abs(whole) <= 2**53  # float64 does not have all whole numbers above it
    return (whole if exact.all() else np.where(exact, whole, 0.0)).astype(np.int64), exact


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """What predictions need of the scores of w windows.

    `values` (r, ...) has `counts` (w,) consecutive rows for each window; `finite` (w,) bool: its scores are numbers.
    """

    values: Array
    counts: Array
    finite: Array

    def take(self, rows: Array) -> Reduced:
        """The values of windows by row (k,)."""
        positions, _ = gathered(bounds_of(self.counts), rows)
        return Reduced(self.values[positions], self.counts[rows], self.finite[rows])


def joined(several: Sequence[Reduced]) -> Reduced:
    """The values of several lists of windows, one list after the other."""
    names = ("values", "counts", "finite")
    return Reduced(*(np.concatenate([getattr(reduced, name) for reduced in several]) for name in names))


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The predictions of n inputs, and for which of them the scores are finite (n,) bool; others mean nothing.

    `score` (n,) float64 is the probability of each prediction; None where the family has none.
    """

    targets: TargetColumn
    finite: Array
    score: Array | None = None


def chances(whole: Array, bounds: Array) -> Array:
    """Scores as `quantised` (r,) as probabilities that sum to 1 from each bound to the next; no range is empty."""
    if not len(whole):
        return np.zeros(0)
    highest = np.repeat(np.maximum.reduceat(whole, bounds[:-1]), np.diff(bounds))
    powers = np.exp((whole - highest) * QUANTUM)
    return np.asarray(powers / np.repeat(np.add.reduceat(powers, bounds[:-1]), np.diff(bounds)))


def every(flags: Array, bounds: Array) -> Array:
    """Whether all flags from each bound to the next are true (n,) bool; true where there are none."""
    wrong = np.concatenate(([0], np.cumsum(~flags)))
    return np.asarray(wrong[bounds[1:]] == wrong[bounds[:-1]])


def best_of(values: Array, bounds: Array) -> Array:
    """The position of the first maximum from each bound to the next (n,); no range is empty."""
    if len(bounds) < 2:
        return np.zeros(0, np.int64)
    highest = np.repeat(np.maximum.reduceat(values, bounds[:-1]), np.diff(bounds))
    equal = np.flatnonzero(values == highest)
    return np.asarray(equal[np.searchsorted(equal, bounds[:-1])])


DecodeOne = Callable[[Example, Sequence[Window], Sequence[Array], Labels], Target]
"""The prediction for an example from its windows and one row of scores per window. Raises NotFinite."""


def unreduced(windows: Windows, scores: Array, labels: Labels) -> Reduced:
    """All scores of each window, as a Reading's `reduce`."""
    values = np.empty(len(windows), object)
    values[:] = list(zip(windows, scores, strict=True))
    return Reduced(values, np.ones(len(windows), np.int64), np.ones(len(windows), np.bool_))


def one_by_one(decode: DecodeOne) -> Callable[[Contents, Array, Array, Reduced, Labels], Decoded]:
    """A Reading's `decode`, for scores that are `unreduced`: it decodes one example at a time, without its target."""

    def decode_all(contents: Contents, content: Array, bounds: Array, reduced: Reduced, labels: Labels) -> Decoded:
        targets: list[Target | None] = []
        for number, (low, high) in zip(content.tolist(), pairwise(bounds.tolist()), strict=True):
            windows, scores = zip(*reduced.values[low:high], strict=True)
            try:
                targets.append(decode(example_of(contents, number), windows, scores, labels))
            except NotFinite:
                targets.append(None)
        some = next((target for target in targets if target is not None), UNLABELLED)
        finite = np.array([target is not None for target in targets], np.bool_)
        return Decoded(column_of([some if target is None else target for target in targets]), finite)

    return decode_all


def example_of(contents: Contents, number: int) -> Example:
    """One of the contents as an example without a target."""
    texts = {}
    for name, values in contents.values.items():
        value, table = values[number], contents.spans[name].of(number, number + 1)
        spans = tuple(Span(*ends) for ends in zip(table.start.tolist(), table.stop.tolist(), strict=True))
        if value is not None:
            texts[name] = Text(f"{contents.ids[number]}/{name}", "", value, spans)
    return Example(contents.ids[number], texts, UNLABELLED, contents.ids[number])


@dataclass(frozen=True, slots=True)
class Reading:
    """What a family reads of a text and how it reads scores.

    - `encode(contents, tokenizer, lexicon, max_length, stride, candidate_length)`: windows, those of a content
      consecutive and in order; candidates may have another length (0: `max_length`). `lexicon` reads each distinct text
      once, with offsets where `offsets` is true.
    - `reduce(windows, scores, labels)`: what predictions need of the scores (B, ...) of windows of one batch; where
      `joins` is true, of several batches, with zeros after the scores of shorter ones.
    - `decode(contents, content, bounds, reduced, labels)`: the predictions of n inputs, in the coordinates of their
      contents: input i reads content `content[i]`, and its windows are `bounds[i]:bounds[i + 1]` of `reduced`. Ties
      go to the lowest index.
    - `layouts`: whether the head reads the layouts of windows.
    - `lost(contents, windows)`: of which contents (m,) no window contains the gold answer; None: of none.
    """

    encode: Callable[[Contents, Tokenizer, Lexicon, int, int, int], Windows]
    reduce: Callable[[Windows, Array, Labels], Reduced]
    decode: Callable[[Contents, Array, Array, Reduced, Labels], Decoded]
    lost: Callable[[Contents, Windows], Array] | None = None
    offsets: bool = False
    joins: bool = False
    layouts: bool = True


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the contents of one task; it can be pickled for a process without torch if its tokenizer can."""

    reading: Reading
    tokenizer: Tokenizer
    max_length: int
    stride: int
    candidate_length: int = 0

    def encode(self, contents: Contents) -> tuple[Windows, Lexicon]:
        """The windows of each content, none where there are no contents, and the texts that were read."""
        lexicon, lengths = Lexicon(self.tokenizer.backend, self.reading.offsets), (self.max_length, self.stride)
        if not len(contents):
            return plain([]), lexicon
        return self.reading.encode(contents, self.tokenizer, lexicon, *lengths, self.candidate_length), lexicon

    def prepare(self, contents: Contents) -> Inputs:
        """The windows of each content; in retrieval, those of the query."""
        (windows, lexicon), lost = self.encode(contents), self.reading.lost
        inputs = inputs_of(contents, windows, lost(contents, windows) if lost else None)
        return replace(inputs, lexicon=lexicon)

    def tokens(self, pieces: Iterable[str], lexicon: Lexicon | None = None) -> Lexicon:
        """Pieces of text as tokens, each distinct piece tokenised once; those that `lexicon` has are not again."""
        known = Lexicon(self.tokenizer.backend) if lexicon is None else lexicon
        known.numbers(list(pieces))
        return known

"""Windows: the inputs of a model as token ids in one buffer, with columns of what is known of each window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self, TypeVar, overload

import numpy as np

from robust_xtreme.core.columns import Array, bounds_of
from robust_xtreme.core.edits import ragged, ranges_of
from robust_xtreme.models.reading.tokens import Lexicon, SpecialTokens, Tokenizer, Tokens

_COLUMNS: Final = ("example", "truncated", "second", "summary")
"""The columns of windows but their layout."""


class WindowLayout(Protocol):
    """A family's record of the parts of w windows."""

    def take(self, rows: Array, /) -> Self:
        """The records of windows by row (k,)."""


@dataclass(frozen=True, slots=True)
class Window:
    """One input of a model, as it is read off columns; see Windows. Its layout is that of this window alone."""

    example: int
    input_ids: tuple[int, ...]
    layout: WindowLayout | None
    truncated: bool
    second: int = 0
    summary: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The inputs of a model, in order; an example has one or more of them, consecutive.

    `ids` (n,) int32; window i has those `bounds[i]:bounds[i + 1]`. The columns (w,): `example` is the index in what was
    encoded; `truncated`: text was left out (for spans of a text: of the question, or the whole gold answer); `second`
    is the position where the segment of the second text begins, 0 where the tokenizer does not mark segments; `summary`
    is the position of the token that represents all of the input. `layout` is the family's record of windows' parts.
    """

    ids: Array
    bounds: Array
    example: Array
    truncated: Array
    second: Array
    summary: Array
    layout: WindowLayout | None = None

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self) -> Iterator[Window]:
        columns = (getattr(self, name).tolist() for name in _COLUMNS)
        for row, (example, truncated, *facts) in enumerate(zip(*columns, strict=True)):
            ids = tuple(self.ids[self.bounds[row] : self.bounds[row + 1]].tolist())
            layout = None if self.layout is None else self.layout.take(np.array([row]))
            yield Window(example, ids, layout, truncated, *facts)

    @property
    def lengths(self) -> Array:
        """The number of tokens of each window (w,)."""
        return np.diff(self.bounds)

    def take(self, rows: Array | Sequence[int]) -> Windows:
        """The windows of some rows (k,), in that order."""
        rows = np.asarray(rows, np.int64)
        lengths = self.lengths[rows]
        layout = None if self.layout is None else self.layout.take(rows)
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        ids = ranges_of(self.ids, self.bounds[rows], lengths)
        return Windows(ids, bounds_of(lengths), **columns, layout=layout)

    def part(self, low: int, high: int) -> Windows:
        """The windows from one row to another, whose ids are those of these windows, not copied."""
        bounds = self.bounds[low : high + 1]
        layout = None if self.layout is None else self.layout.take(np.arange(low, high))
        columns = {name: getattr(self, name)[low:high] for name in _COLUMNS}
        return Windows(self.ids[bounds[0] : bounds[-1]], bounds - bounds[0], **columns, layout=layout)


_Layout = TypeVar("_Layout", bound=WindowLayout)


def layout_of(windows: Windows, kind: type[_Layout]) -> _Layout:
    """The layout of windows, which a family's own windows have. Raises TypeError for those of another family."""
    if not isinstance(windows.layout, kind):
        raise TypeError(f"the layout of these windows is not {kind.__name__}")
    return windows.layout


@dataclass(frozen=True, slots=True, eq=False)
class Batches(Sequence[Windows]):
    """Consecutive windows in batches, which begin and end at `edges` (b + 1); a batch is made where it is read."""

    windows: Windows
    edges: Sequence[int]

    def __len__(self) -> int:
        return len(self.edges) - 1

    @overload
    def __getitem__(self, index: int) -> Windows: ...
    @overload
    def __getitem__(self, index: slice) -> Batches: ...
    def __getitem__(self, index: int | slice) -> Windows | Batches:
        numbers = range(len(self))[index]
        if isinstance(numbers, int):
            return self.windows.part(self.edges[numbers], self.edges[numbers + 1])
        edges = self.edges[numbers.start : numbers.stop + 1]
        return Batches(self.windows.part(edges[0], edges[-1]), [edge - edges[0] for edge in edges])

    def without_layouts(self) -> Batches:
        """The same windows, of which only the ids and columns are known."""
        return replace(self, windows=replace(self.windows, layout=None))

    @property
    def tokens(self) -> Array:
        """The number of tokens of each batch (b,)."""
        return np.diff(self.windows.bounds[list(self.edges)])


def in_batches(windows: Windows, batches: Sequence[Array]) -> Batches:
    """Some of the windows in batches, of each of which the rows are given."""
    sizes = np.array(list(map(len, batches)), np.int64)
    return Batches(windows.take(np.concatenate(batches)), bounds_of(sizes).tolist())


def plain(rows: Sequence[Sequence[int]]) -> Windows:
    """Windows of token ids, each of an example of its own, about which nothing else is known."""
    bounds = bounds_of(np.array([len(row) for row in rows], np.int64))
    ids = np.concatenate([np.zeros(0, np.int32), *(np.array(row, np.int32) for row in rows)])
    nothing = np.zeros(len(rows), np.int64)
    return Windows(ids, bounds, np.arange(len(rows)), np.zeros(len(rows), np.bool_), nothing, nothing)


def joined(several: Sequence[Windows]) -> Windows:
    """The windows of several lists, one list after the other, without their layouts."""
    columns = [np.concatenate([getattr(windows, name) for windows in several]) for name in _COLUMNS]
    bounds = bounds_of(np.concatenate([windows.lengths for windows in several]))
    return Windows(np.concatenate([windows.ids for windows in several]), bounds, *columns)


def around(
    frame: Sequence[tuple[int, ...]], tokens: Tokens, parts: Sequence[tuple[Array, Array]]
) -> tuple[Array, Array]:
    """The ids of windows (n,) and their bounds (w + 1,): parts, a start and a number (w,), of tokens in a frame."""
    pool = np.concatenate((tokens.ids, *(np.array(special, np.int32) for special in frame)))
    sizes = np.array(list(map(len, frame)))
    starts, lengths = (np.empty((len(parts[0][0]), len(frame) + len(parts)), np.int64) for _ in range(2))
    starts[:, ::2], lengths[:, ::2] = len(tokens.ids) + np.cumsum(sizes) - sizes, sizes
    for number, (start, length) in enumerate(parts):
        starts[:, 2 * number + 1], lengths[:, 2 * number + 1] = start, length
    return ranges_of(pool, starts.reshape(-1), lengths.reshape(-1)), bounds_of(lengths.sum(axis=1))


def framed(
    frame: SpecialTokens,
    tokens: Tokens,
    texts: Sequence[Array],
    max_length: int,
    examples: Array,
    layout: WindowLayout | None = None,
) -> Windows:
    """The windows of texts by number (w,), one or two each. Of a pair that is too long the longer loses its end."""
    whole = [tokens.lengths[numbers] for numbers in texts]
    kept = _fit(whole, frame.room(len(texts), max_length))
    parts = [(tokens.bounds[numbers], lengths) for numbers, lengths in zip(texts, kept, strict=True)]
    ids, bounds = around(frame.single if len(texts) == 1 else frame.pair, tokens, parts)
    cut = sum(kept) < sum(whole)
    second = frame.seconds(kept[0]) if len(texts) > 1 else np.zeros(len(examples), np.int64)
    return Windows(ids, bounds, examples, np.asarray(cut), second, frame.summaries(np.diff(bounds)), layout)


def _fit(lengths: Sequence[Array], room: int) -> list[Array]:
    """The tokens that each text keeps: the longer text is cut first, and the first text where they are equal."""
    if len(lengths) == 1:
        return [np.minimum(lengths[0], room)]
    first, second = lengths
    fits, longer = first + second <= room, first > second
    shorter = np.minimum(np.where(longer, second, first), room // 2)
    cut_first = np.where(longer, room - shorter, shorter)
    return [np.where(fits, first, cut_first), np.where(fits, second, room - cut_first)]


def merged(several: Sequence[Windows]) -> Windows:
    """The windows of several lists in the order of their examples, without their layouts."""
    if len(several) == 1:
        return several[0]
    whole = joined(several)
    return whole.take(np.argsort(whole.example, kind="stable"))


def of_examples(windows: Windows, count: int) -> Array:
    """Where the windows of each of `count` examples begin, and where the last end (count + 1,)."""
    return bounds_of(np.bincount(windows.example, minlength=count))


def piece_windows(texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> Windows:
    """The windows of texts, each with at most `max_length` tokens of one text; a text has at least one."""
    lexicon = Lexicon(tokenizer.backend)
    numbers = lexicon.numbers(texts)
    return pieces(tokenizer.frame, lexicon.tokens, numbers, max_length, 1)


def pieces(frame: SpecialTokens, tokens: Tokens, numbers: Array, max_length: int, least: int) -> Windows:
    """The windows of texts by number (t,), of at most `max_length` tokens; a text has `least` of them or more."""
    whole, room = tokens.lengths[numbers], frame.room(1, max_length)
    count = np.maximum(least, -(-whole // room))
    text = np.repeat(np.arange(len(numbers)), count)
    before = room * ragged(np.zeros(len(numbers), np.int64), count)
    lengths = np.minimum(room, whole[text] - before)
    ids, bounds = around(frame.single, tokens, [(tokens.bounds[numbers][text] + before, lengths)])
    nothing = np.zeros(len(text), np.int64)
    return Windows(ids, bounds, text, nothing > 0, nothing, frame.summaries(np.diff(bounds)))

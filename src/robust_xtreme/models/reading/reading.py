"""The part of a family that needs no torch: from contents to windows, and from scores to predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, final

from robust_xtreme.core.columns import Array
from robust_xtreme.models.reading.inputs import Contents, Inputs, inputs_of
from robust_xtreme.models.reading.scores import Decoded, Labels, Reduced
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer
from robust_xtreme.models.reading.windows import Windows, plain


class Encode(Protocol):
    """From contents to windows; `candidate_length` is for families with candidates (0: equal to `max_length`)."""

    def __call__(
        self,
        contents: Contents,
        tokenizer: Tokenizer,
        lexicon: Lexicon,
        max_length: int,
        stride: int,
        candidate_length: int = 0,
        /,
    ) -> Windows:
        """The windows of all contents, those of a content consecutive and in order."""


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """What a family reads of a text and how it reads scores.

    - `encode(contents, tokenizer, lexicon, max_length, stride, candidate_length=0)`: windows, those of a content
      consecutive and in order. `lexicon` reads each distinct text once, with offsets where `offsets` is true.
    - `reduce(windows, scores, labels)`: what predictions need of the scores (B, ...) of windows of one batch; where
      `joins` is true, of several batches, with zeros after the scores of shorter ones.
    - `decode(contents, content, bounds, reduced, labels)`: the predictions of n inputs, in the coordinates of their
      contents: input i reads content `content[i]`, and its windows are `bounds[i]:bounds[i + 1]` of `reduced`. Ties
      go to the lowest index.
    - `layouts`: whether the head reads the layouts of windows.
    - `lost(contents, windows)`: of which contents (m,) no window contains the gold answer; None: of none.
    """

    encode: Encode
    reduce: Callable[[Windows, Array, Labels], Reduced]
    decode: Callable[[Contents, Array, Array, Reduced, Labels], Decoded]
    lost: Callable[[Contents, Windows], Array] | None = None
    offsets: bool = False
    joins: bool = False
    layouts: bool = True


@final
@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the contents of one task; it can be pickled for a process without torch if its tokenizer can."""

    reading: Reading
    tokenizer: Tokenizer
    max_length: int
    stride: int

    def prepare(self, contents: Contents) -> Inputs:
        """The windows of each content; in retrieval, those of the query."""
        lexicon, lost = Lexicon(self.tokenizer.backend, self.reading.offsets), self.reading.lost
        windows = encoded(self.reading, contents, self.tokenizer, lexicon, self.max_length, self.stride)
        inputs = inputs_of(contents, windows, lost(contents, windows) if lost else None)
        return replace(inputs, lexicon=lexicon)

    def tokens(self, pieces: Iterable[str], lexicon: Lexicon | None = None) -> Lexicon:
        """Pieces of text as tokens, each distinct piece tokenised once; those that `lexicon` has are not again."""
        known = Lexicon(self.tokenizer.backend) if lexicon is None else lexicon
        known.numbers(list(pieces))
        return known


def encoded(
    reading: Reading,
    contents: Contents,
    tokenizer: Tokenizer,
    lexicon: Lexicon,
    max_length: int,
    stride: int,
    candidate_length: int = 0,
) -> Windows:
    """The windows of contents; none where there are no contents."""
    if not len(contents):
        return plain([])
    return reading.encode(contents, tokenizer, lexicon, max_length, stride, candidate_length)

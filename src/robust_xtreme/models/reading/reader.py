"""What a predictor does without the weights of its model: contents become inputs, and scores predictions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import final

from robust_xtreme.models.reading.contents import Contents
from robust_xtreme.models.reading.inputs import Inputs, inputs_of
from robust_xtreme.models.reading.reading import Reading
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer
from robust_xtreme.models.reading.windows import Windows, plain


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

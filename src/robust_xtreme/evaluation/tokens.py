"""Token counts of the texts of a task run, clean and noised: each distinct piece of text is tokenised once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np

from robust_xtreme.edits import Array, SpanTable, covered
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.predictors.predictor import Predictor
from robust_xtreme.reading.tokens import Lexicon
from robust_xtreme.target_columns import bounds_of, numbering, numbers_of, parts_as_bytes, parts_summed


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of texts that are tokenised by themselves: text i has those `bounds[i]:bounds[i + 1]` of `numbers`."""

    numbers: Array
    bounds: Array


@final
@dataclass(frozen=True, slots=True, eq=False)
class TokenCounts:
    """Of t texts the numbers of their tokens (t,), clean and noised; `changed` (t,) bool: noise changed the tokens.

    `unknown` has the numbers of tokens for unknown text, clean and noised; None where the tokenizer has none.
    """

    clean: Array
    noisy: Array
    unknown: tuple[Array, Array] | None
    changed: Array


_NOTHING: Final = np.zeros(0, np.int64)
NO_TOKENS: Final = TokenCounts(_NOTHING, _NOTHING, None, _NOTHING)


@final
@dataclass(frozen=True, slots=True)
class PieceNumbers:
    """The distinct pieces so far. `words`: a text is tokenised word by word, which its spans are."""

    words: bool
    known: dict[str, int] = field(default_factory=numbering)

    def of(self, values: Sequence[str], spans: SpanTable) -> Pieces:
        """The pieces of texts with spans."""
        numbers = numbers_of(self.known, covered(values, spans) if self.words else values)
        sizes = np.bincount(spans.text, minlength=len(values)) if self.words else np.ones(len(values), np.int64)
        return Pieces(numbers, bounds_of(sizes))

    def noised(self, clean: Pieces, noised: NoisedTexts) -> Pieces:
        """The pieces of texts after noise: words that no edit reached are those of the `clean` texts."""
        if not self.words:
            return self.of(noised.values, noised.spans)
        some, numbers = np.flatnonzero(_reached(noised)), clean.numbers.copy()
        numbers[some] = numbers_of(self.known, _words(noised.values, noised.spans, some))
        return Pieces(numbers, clean.bounds)


def _words(values: Sequence[str], spans: SpanTable, some: Array) -> Iterator[str]:
    """The words that some of the spans are."""
    ends = zip(*(column[some].tolist() for column in (spans.text, spans.start, spans.stop)), strict=True)
    return (values[text][start:stop] for text, start, stop in ends)


def _reached(noised: NoisedTexts) -> Array:
    """Whether an edit can have changed each word (s,) bool; all of them where edits or words are not known in order."""
    size, ordered = len(noised.spans), _in_order(noised.spans)
    reached = np.full(size, not (noised.links and ordered), np.bool_)
    for link in noised.links if ordered else ():
        reached |= link.reached() if len(link.before) == size and _in_order(link.before) else np.True_
    return reached


def _in_order(spans: SpanTable) -> bool:
    return bool(((spans.text[1:] > spans.text[:-1]) | (spans.start[1:] >= spans.stop[:-1])).all())


@final
@dataclass(frozen=True, slots=True, eq=False)
class PieceTokens:
    """The tokens of distinct pieces (p,): their `lengths`, how many are `unknown`, and numbers of equal `forms`."""

    lengths: Array
    unknown: Array | None
    forms: Array

    def of(self, clean: Pieces, noisy: Pieces) -> TokenCounts:
        """The counts of texts."""
        unknown = None if self.unknown is None else (_summed(self.unknown, clean), _summed(self.unknown, noisy))
        unlike = self.forms[clean.numbers] != self.forms[noisy.numbers]
        changed = parts_summed(unlike, clean.bounds) > 0
        return TokenCounts(_summed(self.lengths, clean), _summed(self.lengths, noisy), unknown, changed)


def piece_tokens(predictor: Predictor, known: Mapping[str, int], lexicon: Lexicon | None) -> PieceTokens:
    """The tokens of pieces, which have the numbers from 0 on in order; `lexicon` has texts that were read before."""
    pieces = list(known)
    read = predictor.tokens(pieces, lexicon)
    numbers, tokens, unknown = read.numbers(pieces), read.tokens, predictor.unknown
    counts = None if unknown is None else tokens.count(unknown)[numbers]
    return PieceTokens(tokens.lengths[numbers], counts, forms(tokens.ids, tokens.bounds)[numbers])


def forms(ids: Array, bounds: Array) -> Array:
    """Numbers of consecutive parts of ids (n,) int64, equal where the parts are."""
    return numbers_of(numbering(), parts_as_bytes(ids, bounds))


def _summed(values: Array, pieces: Pieces) -> Array:
    """The sum over the pieces of each text (t,) of the values of pieces (p,)."""
    return parts_summed(values[pieces.numbers], pieces.bounds)

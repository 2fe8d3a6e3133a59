"""Retrieval: queries and candidates are a window each; the nearest candidates are searched for by other code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NoReturn, final

import numpy as np

from robust_xtreme.core.columns import Array
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.models.reading.reading import Contents, Reading
from robust_xtreme.models.reading.tokens import Lexicon, Tokenizer
from robust_xtreme.models.reading.windows import Windows, framed, joined, layout_of

QUERY: Final = "query"


@final
@dataclass(frozen=True, slots=True, eq=False)
class TextLayouts:
    """The texts of w windows: the number `field` (w,) of each one's field in `names`, and its tokens between the
    special tokens, `count` (w,) from `first` (w,) on."""

    names: tuple[str, ...]
    field: Array
    first: Array
    count: Array

    def take(self, rows: Array) -> TextLayouts:
        """The texts of windows by row (k,)."""
        return TextLayouts(self.names, self.field[rows], self.first[rows], self.count[rows])


def text_windows(texts: Sequence[str], tokenizer: Tokenizer, max_length: int, known: Lexicon | None = None) -> Windows:
    """One window for each text, which is cut to `max_length` tokens; texts are not read again where all are known."""
    lexicon = known if known and known.contains(texts) else Lexicon(tokenizer.backend)
    numbers = lexicon.numbers(texts)
    return _windows(numbers, np.arange(len(texts)), (QUERY,), 0, tokenizer, lexicon, max_length)


def _windows(
    numbers: Array,
    examples: Array,
    names: tuple[str, ...],
    field: int,
    tokenizer: Tokenizer,
    lexicon: Lexicon,
    max_length: int,
) -> Windows:
    frame, tokens = tokenizer.frame, lexicon.tokens
    count = np.minimum(tokens.lengths[numbers], frame.room(1, max_length))
    alike = np.full(len(numbers), field), np.full(len(numbers), len(frame.single[0]))
    layout = TextLayouts(names, *alike, count)
    return framed(frame, tokens, (numbers,), max_length, examples, layout)


def _encode(
    contents: Contents, tokenizer: Tokenizer, lexicon: Lexicon, max_length: int, stride: int, candidate_length: int = 0
) -> Windows:
    """A window for the query, and after it one for the candidate where the content has one, each with its length.

    `stride` is not used.
    """
    lengths, absent = {QUERY: max_length, CANDIDATE: candidate_length or max_length}, [None] * len(contents)
    names, several = tuple(lengths), list[Windows]()
    for field, name in enumerate(names):
        numbers = lexicon.numbers(contents.values.get(name, absent))
        there = np.flatnonzero(numbers >= 0)
        if name == QUERY and len(there) < len(contents):
            worst = int((numbers < 0).argmax())
            have = ", ".join(name for name, values in contents.values.items() if values[worst] is not None)
            raise ModelError(f"{contents.ids[worst]} has the fields {have}, but not {QUERY}.")
        several.append(_windows(numbers[there], there, names, field, tokenizer, lexicon, lengths[name]))
    return _in_turn(several)


def _in_turn(several: Sequence[Windows]) -> Windows:
    """The windows of each field in turn, in the order of their examples."""
    whole, layouts = joined(several), [layout_of(windows, TextLayouts) for windows in several]
    columns = (np.concatenate([getattr(each, name) for each in layouts]) for name in ("field", "first", "count"))
    layout = TextLayouts(layouts[0].names, *columns)
    order = np.argsort(whole.example, kind="stable")
    return replace(whole.take(order), layout=layout.take(order))


def _no_answer(*_: object) -> NoReturn:
    raise ModelError("A query's vector is not an answer by itself; the nearest candidates are searched for.")


retrieval = Reading(_encode, _no_answer, _no_answer)

"""The special tokens of a model around one text and around two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from robust_xtreme.core.errors import ModelError

Array = npt.NDArray[Any]

CAUSAL: Final = "reads_causally"
"""The attribute of a tokenizer whose encoder lets each token see only those before it (`read_tokenizer` sets it)."""

_PROBES: Final = ("a", "b")
_TYPES: Final = "token_type_ids"


@final
@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens of a model around one text and around two.

    `kept` is the number of tokens between two texts that belong to the first segment; None: segments are not marked.
    `causal`: each token sees only those before it.
    """

    single: tuple[tuple[int, ...], tuple[int, ...]]
    pair: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    kept: int | None = None
    causal: bool = False

    def seconds(self, firsts: Array) -> Array:
        """The positions (w,) where second segments begin, from the tokens of first texts (w,); 0: not marked."""
        return np.zeros(len(firsts), np.int64) if self.kept is None else len(self.pair[0]) + firsts + self.kept

    def summaries(self, lengths: Array) -> Array:
        """The positions (w,) of the tokens that represent all of windows of `lengths` (w,).

        It is a special token at the start, else the last token. It is the last in a causal encoder too, where the first
        token has not seen the text.
        """
        return lengths - 1 if self.causal or not self.single[0] else np.zeros(len(lengths), np.int64)

    def room(self, parts: int, max_length: int) -> int:
        """The number of text tokens that fit. Raises ModelError where not every part has room for a token."""
        frame = self.single if parts == 1 else self.pair
        room = max_length - sum(map(len, frame))
        if room < parts:
            raise ModelError(f"A length of {max_length} tokens leaves no room for text. Use a longer one.")
        return room


def frame_of(tokenizer: Any) -> SpecialTokens:
    """The special tokens that a tokenizer adds, found by encoding two probes.

    Where it adds none between two texts, each text ends as a single one does. Raises ModelError where it adds none
    around a text: predictions for a whole text are computed from such a token.
    """
    first, second = (tuple(tokenizer(probe, add_special_tokens=False)["input_ids"]) for probe in _PROBES)
    single = tuple(tokenizer(_PROBES[0])["input_ids"])
    pair = tuple(tokenizer(*_PROBES)["input_ids"])
    head, tail = _cut(single, first)
    before, remainder = _cut(pair, first)
    between, after = _cut(remainder, second)
    if tail and not between:
        before, between, after = head, tail, tail
    if not (head and before) and not (tail and after):
        raise ModelError("This model's tokenizer puts no special token around a text; use an encoder such as XLM-R.")
    kept = _kept(tokenizer, len(before) + len(first), len(between))
    return SpecialTokens((head, tail), (before, between, after), kept, bool(getattr(tokenizer, CAUSAL, False)))


def _kept(tokenizer: Any, stop: int, between: int) -> int | None:
    """The number of tokens after the first text that are in its segment; None where segments are not marked."""
    if _TYPES not in getattr(tokenizer, "model_input_names", ()):
        return None
    types = tokenizer(*_PROBES, return_token_type_ids=True)[_TYPES]
    second = types.index(1) if 1 in types else 0
    marked = types == [0] * second + [1] * (len(types) - second) and stop <= second <= stop + between
    return second - stop if marked else None


def _cut(ids: tuple[int, ...], part: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    for start in range(len(ids) - len(part) + 1):
        if ids[start : start + len(part)] == part:
            return ids[:start], ids[start + len(part) :]
    raise ModelError("This model's tokenizer does not read a text the same way with and without special tokens.")

"""Encode texts as token ids, windows as tensors, and scores as whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.errors import ModelError, NotFinite

Scores = np.ndarray[Any, Any]

QUANTUM: Final = 1e-4
"""Scores are compared as multiples of this, so that the last bits of a float have no effect."""

_EXACT: Final = 2**53
"""The largest such multiple; float64 does not have all whole numbers above it."""

_PROBES: Final = ("a", "b")
_TYPES: Final = "token_type_ids"
CAUSAL: Final = "reads_causally"
"""The attribute of a tokenizer whose encoder lets each token see only those before it (`read_tokenizer` sets it)."""


@final
@dataclass(frozen=True, slots=True)
class Window:
    """One input of a model. An example has one or more of them.

    `example` is the index in the list that was encoded; `layout` is the family's record of the window's parts;
    `truncated`: text was left out (for spans of a text: the whole gold answer); `second` is the position where the
    segment of the second text begins, 0 where the tokenizer does not mark segments; `summary` is the position of the
    token that represents all of the input.
    """

    example: int
    input_ids: tuple[int, ...]
    layout: Any
    truncated: bool
    second: int = 0
    summary: int = 0


@final
@dataclass(frozen=True, slots=True)
class Pieces:
    """One string as tokens: their ids, and the code points (T, 2) that each of them represents."""

    ids: tuple[int, ...]
    offsets: Scores


@final
@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens of a model around one text and around two.

    `kept` is the number of tokens between two texts that belong to the first segment; None: segments are not marked.
    `causal`: each token sees only those before it.
    """

    single: tuple[tuple[int, ...], tuple[int, ...]]
    pair: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    kept: int | None = None
    causal: bool = False

    def around(self, *parts: Sequence[int]) -> tuple[int, ...]:
        """The input ids of one text or of two."""
        frame = self.single if len(parts) == 1 else self.pair
        ids = list(frame[0])
        for part, after in zip(parts, frame[1:], strict=True):
            ids += [*part, *after]
        return tuple(ids)

    def second(self, *parts: Sequence[int]) -> int:
        """The position where the second segment of the input ids begins; 0 where there is none or it is not marked."""
        return 0 if self.kept is None or len(parts) == 1 else len(self.pair[0]) + len(parts[0]) + self.kept

    def summary(self, ids: Sequence[int]) -> int:
        """The position of the token that represents all of the input ids: a special token at the start, else the last.

        It is the last in a causal encoder too, where the first token has not seen the text.
        """
        return len(ids) - 1 if self.causal or not self.single[0] else 0

    def room(self, parts: int, max_length: int) -> int:
        """The number of text tokens that fit. Raises ModelError where not every part has room for a token."""
        frame = self.single if parts == 1 else self.pair
        room = max_length - sum(map(len, frame))
        if room < parts:
            raise ModelError(f"A length of {max_length} tokens leaves no room for text. Use a longer one.")
        return room


def token_ids(tokenizer: Any, texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """The ids of each distinct text, without special tokens."""
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return {}
    return {text: tuple(ids) for text, ids in zip(distinct, _call(tokenizer, distinct)["input_ids"], strict=True)}


def pieces(tokenizer: Any, texts: Iterable[str]) -> dict[str, Pieces]:
    """The ids and offsets of each distinct text, without special tokens."""
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return {}
    encoded = _call(tokenizer, distinct, return_offsets_mapping=True)
    rows = zip(distinct, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return {text: Pieces(tuple(ids), np.array(spans, dtype=np.int32).reshape(-1, 2)) for text, ids, spans in rows}


def _call(tokenizer: Any, texts: list[str], **options: Any) -> Any:
    quiet = {"return_attention_mask": False, "return_token_type_ids": False, "verbose": False}
    return tokenizer(texts, add_special_tokens=False, **quiet, **options)


def frame_of(tokenizer: Any) -> Frame:
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
    return Frame((head, tail), (before, between, after), kept, bool(getattr(tokenizer, CAUSAL, False)))


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


def framed(index: int, parts: Sequence[tuple[int, ...]], frame: Frame, max_length: int, layout: Any = None) -> Window:
    """The window of one text or two. Of a pair that is too long, the longer text loses its end first."""
    kept = _fit([len(part) for part in parts], frame.room(len(parts), max_length))
    cut = any(keep < len(part) for keep, part in zip(kept, parts, strict=True))
    shortened = [part[:keep] for keep, part in zip(kept, parts, strict=True)]
    ids = frame.around(*shortened)
    return Window(index, ids, layout, cut, frame.second(*shortened), frame.summary(ids))


def _fit(lengths: Sequence[int], room: int) -> list[int]:
    """The tokens that each text keeps: the longer text is cut first, and the first text where they are equal."""
    if sum(lengths) <= room:
        return list(lengths)
    if len(lengths) == 1:
        return [room]
    first, second = lengths
    if first > second:
        kept = min(second, room // 2)
        return [room - kept, kept]
    kept = min(first, room // 2)
    return [kept, room - kept]


def collate(windows: Sequence[Window], pad_id: int) -> tuple[Tensor, Tensor]:
    """Token ids (B, L) padded at the end, and the mask (B, L) that is 1 on tokens; both int64, on the CPU."""
    lengths = np.array([len(window.input_ids) for window in windows])
    inside = np.arange(lengths.max())[None, :] < lengths[:, None]
    ids = np.full(inside.shape, pad_id, dtype=np.int64)
    ids[inside] = np.concatenate([np.array(window.input_ids, dtype=np.int64) for window in windows])
    return torch.from_numpy(ids), torch.from_numpy(inside.astype(np.int64))


def encoder_inputs(encoder: nn.Module, ids: Tensor, mask: Tensor, windows: Sequence[Window]) -> dict[str, Tensor]:
    """The inputs of an encoder: ids (B, L), mask (B, L), and segments (B, L) where it distinguishes two."""
    named = {"input_ids": ids, "attention_mask": mask}
    config: Any = encoder.config
    if int(getattr(config, "type_vocab_size", 0) or 0) > 1:
        # 1 from the start of a window's second segment, 0 before it, on padding, and where segments are not marked
        length = mask.shape[1]
        starts = torch.tensor([window.second or length for window in windows], device=mask.device)
        named[_TYPES] = (torch.arange(length, device=mask.device) >= starts[:, None]).to(mask.dtype) * mask
    return named


def summaries(hidden: Tensor, windows: Sequence[Window]) -> Tensor:
    """The states (B, H) of the tokens that represent the inputs (B, L, H); where L is 1, the only state."""
    positions = [window.summary for window in windows]
    if hidden.shape[1] == 1 or not any(positions):
        return hidden[:, 0]
    return hidden[torch.arange(len(positions), device=hidden.device), torch.tensor(positions, device=hidden.device)]


def quantised(scores: Scores) -> Scores:
    """Scores as whole numbers of QUANTUM (int64). Raises NotFinite where one is NaN, infinite or beyond 2^53."""
    whole: Scores = np.rint(np.asarray(scores, dtype=np.float64) / QUANTUM)
    if not (np.abs(whole) <= _EXACT).all():
        raise NotFinite("The model's scores are not finite numbers, or too large to be compared.")
    return whole.astype(np.int64)

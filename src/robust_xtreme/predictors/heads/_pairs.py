"""Shared by families that read one text or two off one token: special tokens, truncation and the scoring head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from robust_xtreme.models.windows import Frame, Window
from robust_xtreme.predictors.family import DROPOUT


def scoring_head(hidden_size: int, scores: int) -> nn.Module:
    """From the tokens that represent texts (B, H) to scores (B, scores): XLM-R's head for sequences."""
    return nn.Sequential(
        nn.Dropout(DROPOUT),
        nn.Linear(hidden_size, hidden_size),
        nn.Tanh(),
        nn.Dropout(DROPOUT),
        nn.Linear(hidden_size, scores),
    )


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

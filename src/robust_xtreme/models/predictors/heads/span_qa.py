"""Span QA: the span of the context that answers the question; long contexts are read in overlapping windows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.core.columns import Ranges, column_of
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Answers, Example
from robust_xtreme.models.predictors.family import Examples, Family
from robust_xtreme.models.reading.members import span_qa as reading
from robust_xtreme.models.reading.scores import Labels
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import Scores, on


def _loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over windows of the two cross-entropies; a window without the answer has the summary token as target."""
    scores = scores.float()
    allowed = on(scores.device, _allowed(windows, scores.shape[1]))
    scores = scores.masked_fill(~allowed[:, :, None], torch.finfo(scores.dtype).min)
    return nn.functional.cross_entropy(scores, on(scores.device, gold_tokens(windows, examples)))


def _allowed(windows: Windows, length: int) -> Scores:
    """Where an answer may begin or end (B, L): at the context's tokens, or, without an answer, at the summary."""
    layout, position = reading.contexts_of(windows), np.arange(length)[None, :]
    first, summary = layout.first[:, None], windows.summary[:, None]
    allowed: Scores = ((position >= first) & (position < first + layout.count[:, None])) | (position == summary)
    return allowed


def gold_tokens(windows: Windows, examples: Examples) -> Scores:
    """The positions (B, 2) int64 of the first and last token of each window's gold answer, or its summary token's."""
    golds = column_of([_answers(examples[number]) for number in windows.example.tolist()])
    assert isinstance(golds, Ranges)
    layout = reading.contexts_of(windows)
    ends = np.stack(reading.answer_tokens(layout, golds), axis=1)
    positions: Scores = np.where(ends < 0, windows.summary[:, None], ends + layout.first[:, None])
    return positions


def _answers(example: Example) -> Answers:
    match example.target:
        case Answers():
            return example.target
        case other:
            raise ModelError(f"{example.id}: an answer is a span of the context, not {type(other).__name__}.")


span_qa = Family(
    name="span_qa",
    summary="The span of the context that answers the question.",
    reading=reading.span_qa,
    head=lambda hidden_size, _: nn.Linear(hidden_size, 2),
    forward=lambda head, hidden, *_: head(hidden),  # (B, L, 2): how well each token begins and ends the answer
    score_loss=_loss,
)

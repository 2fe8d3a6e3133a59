"""Span QA: the span of the context that answers the question; long contexts are read in overlapping windows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.errors import ModelError
from robust_xtreme.examples import NO_ANSWER, Answers, Example, Span
from robust_xtreme.graphemes import split
from robust_xtreme.models.windows import Scores, Window, frame_of, pieces, quantised
from robust_xtreme.predictors.family import Examples, Family, Labels, Windows

QUESTION_TOKENS: Final = 64
"""Longer questions are truncated, as in the official scripts."""

ANSWER_TOKENS: Final = 30
"""No answer is longer, as in the official scripts."""

_LEFT_OUT: Final = 32
_QUESTION: Final = "question"
_CONTEXT: Final = "context"


@final
@dataclass(frozen=True, slots=True)
class ContextLayout:
    """Context tokens are from `first` on; `offsets` (T, 2) are their code points in the context.

    `reach` is the span of the context that the window reads, with characters at its ends that no token represents.
    """

    first: int
    offsets: Scores
    reach: tuple[int, int]


def _encode(
    examples: Examples, tokenizer: Any, max_length: int, stride: int, candidate_length: int = 0
) -> list[Window]:
    """Question and a span of context per window; the next window begins `stride` context tokens later.

    A stride of 0, or one that is longer than a window's room, means windows without overlap.
    """
    frame = frame_of(tokenizer)
    room = frame.room(2, max_length)
    tokenised = pieces(tokenizer, (example.texts[name].value for example in examples for name in (_QUESTION, _CONTEXT)))
    windows = []
    for index, example in enumerate(examples):
        question = tokenised[example.texts[_QUESTION].value].ids[: min(QUESTION_TOKENS, room // 2)]
        context = tokenised[example.texts[_CONTEXT].value]
        first = len(frame.pair[0]) + len(question) + len(frame.pair[1])
        ranges = list(_ranges(len(context.ids), room - len(question), stride))
        length = len(example.texts[_CONTEXT].value)
        layouts = [ContextLayout(first, context.offsets[a:b], _reach(context.offsets, a, b, length)) for a, b in ranges]
        lost = not _contains_gold(example, layouts)
        second = frame.second(question, context.ids)
        windows += [
            Window(index, ids, layout, lost, second, frame.summary(ids))
            for ids, layout in zip((frame.around(question, context.ids[a:b]) for a, b in ranges), layouts, strict=True)
        ]
    return windows


def _ranges(length: int, room: int, stride: int) -> Iterator[tuple[int, int]]:
    """Ranges of the context's tokens; at least one, and the last ends with the context."""
    step = min(stride, room) if stride else room
    start = 0
    while start + room < length:
        yield start, start + room
        start += step
    yield start, length


def _reach(offsets: Scores, start: int, stop: int, length: int) -> tuple[int, int]:
    """From the end of the token before a window to the beginning of the one after it, or to the context's ends."""
    begin = min(offsets[start, 0], offsets[start - 1, 1]) if start else 0
    end = max(offsets[stop - 1, 1], offsets[stop, 0]) if stop < len(offsets) else length
    return int(begin), int(end)


def _golds(example: Example) -> tuple[Span, ...]:
    match example.target:
        case Answers(spans):
            return spans
        case other:
            raise ModelError(f"{example.id}: an answer is a span of the context, not {type(other).__name__}.")


def _contains_gold(example: Example, layouts: Sequence[ContextLayout]) -> bool:
    """Whether some window contains a gold answer whole; true where there is none to contain."""
    golds = _golds(example)
    return not golds or any(_tokens(gold, layout) is not None for layout in layouts for gold in golds)


def _tokens(gold: Span, layout: ContextLayout) -> tuple[int, int] | None:
    """The first and last context token of a gold answer; None where the window does not contain all of it."""
    starts, stops = layout.offsets[:, 0], layout.offsets[:, 1]
    inside = np.flatnonzero((starts < gold.stop) & (stops > gold.start) & (stops > starts))
    if not len(inside):
        return None
    if gold.start < layout.reach[0] or gold.stop > layout.reach[1]:
        return None
    return int(inside[0]), int(inside[-1])


def _loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over windows of the two cross-entropies; a window without the answer has the summary token as target."""
    scores = scores.float()
    allowed = torch.from_numpy(_allowed(windows, scores.shape[1])).to(scores.device)
    scores = scores.masked_fill(~allowed[:, :, None], torch.finfo(scores.dtype).min)
    gold = torch.tensor([_gold(window, examples[window.example]) for window in windows], device=scores.device)
    return nn.functional.cross_entropy(scores, gold)


def _allowed(windows: Windows, length: int) -> Scores:
    """Where an answer may begin or end (B, L): at the context's tokens, or, without an answer, at the summary."""
    first = np.array([window.layout.first for window in windows])[:, None]
    count = np.array([len(window.layout.offsets) for window in windows])[:, None]
    summary = np.array([window.summary for window in windows])[:, None]
    position = np.arange(length)[None, :]
    allowed: Scores = ((position >= first) & (position < first + count)) | (position == summary)
    return allowed


def _gold(window: Window, example: Example) -> tuple[int, int]:
    for gold in _golds(example):
        tokens = _tokens(gold, window.layout)
        if tokens is not None:
            return window.layout.first + tokens[0], window.layout.first + tokens[1]
    return window.summary, window.summary


def _decode(example: Example, windows: Windows, scores: Sequence[Scores], labels: Labels) -> Answers:
    """The best span over all windows; ties go to the first window, start and stop.

    Where the head has a label for no answer, the result is empty if the summary token (the first, in most encoders),
    in the window where it scores lowest, scores more than the best span as begin and end (the rule for SQuAD 2.0 in
    BERT's run_squad.py, with its threshold of 0).
    """
    best: tuple[int, int, int, int] | None = None
    for window, window_scores in zip(windows, scores, strict=True):
        span = _best_span(window.layout, window_scores)
        if span is not None and (best is None or span[0] > best[0]):
            best = span
    if best is None or (NO_ANSWER in labels and _no_answer(windows, scores) > best[0]):
        return Answers(())
    return _trimmed(example.texts[_CONTEXT].value, *best[1:])


def _no_answer(windows: Windows, scores: Sequence[Scores]) -> int:
    """The lowest score of the windows' summary tokens, because an answer in one window is an answer."""
    return min(
        int(quantised(window_scores[window.summary]).sum())
        for window, window_scores in zip(windows, scores, strict=True)
    )


def _best_span(layout: ContextLayout, scores: Scores) -> tuple[int, int, int, int] | None:
    """Score and bounds of a window's best span of at most ANSWER_TOKENS tokens, and the begin of the next token."""
    count = len(layout.offsets)
    if not count:
        return None
    begin, end = quantised(scores[layout.first : layout.first + count]).T
    padded = np.concatenate([end, np.full(ANSWER_TOKENS - 1, np.iinfo(np.int64).min // 4)])
    ends = np.lib.stride_tricks.sliding_window_view(padded, min(ANSWER_TOKENS, count))[:count]
    length = ends.argmax(axis=1)
    total = begin + np.take_along_axis(ends, length[:, None], axis=1)[:, 0]
    start = int(total.argmax())
    last = start + int(length[start])
    stop = int(layout.offsets[last, 1])
    following = layout.offsets[last + 1 :, 0]
    following = following[following >= stop]
    until = int(following[0]) if len(following) else layout.reach[1]
    return int(total[start]), int(layout.offsets[start, 0]), stop, until


def _trimmed(context: str, start: int, stop: int, until: int) -> Answers:
    """The span without surrounding spaces, and with parts of its last character that no token covers."""
    stop += _left_out(context[start:until][: _LEFT_OUT + stop - start], stop - start)
    inside = context[start:stop]
    start += len(inside) - len(inside.lstrip())
    stop = start + len(inside.strip())
    return Answers((Span(start, stop),) if start < stop else ())


def _left_out(text: str, stop: int) -> int:
    """How many code points after `stop` belong to the user-perceived character before it: marks, or parts of a letter.

    Joiners and non-joiners at its end do not belong to it.
    """
    if stop >= len(text) or text[stop].isspace():
        return 0
    ends = accumulate(map(len, split(text)))
    end = next(end for end in ends if end >= stop)
    while end > stop and unicodedata.category(text[end - 1]) == "Cf":
        end -= 1
    return end - stop


span_qa = Family(
    name="span_qa",
    summary="The span of the context that answers the question.",
    head=lambda hidden_size, _: nn.Linear(hidden_size, 2),
    encode=_encode,
    forward=lambda head, hidden, *_: head(hidden),  # (B, L, 2): how well each token begins and ends the answer
    score_loss=_loss,
    decode=_decode,
    status=lambda _, windows: "truncated_gold" if any(window.truncated for window in windows) else "ok",
)

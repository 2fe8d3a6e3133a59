"""Classification: one label for a text or a pair of texts, read off the first token."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

from robust_xtreme.errors import ModelError
from robust_xtreme.examples import Choice, Example
from robust_xtreme.models.windows import Window, frame_of, framed, quantised, summaries, token_ids
from robust_xtreme.predictors.family import DROPOUT, Examples, Family, Labels, Windows

_MOST_FIELDS: Final = 2


def scoring_head(hidden_size: int, scores: int) -> nn.Module:
    """From the tokens that represent texts (B, H) to scores (B, scores): XLM-R's head for sequences."""
    return nn.Sequential(
        nn.Dropout(DROPOUT),
        nn.Linear(hidden_size, hidden_size),
        nn.Tanh(),
        nn.Dropout(DROPOUT),
        nn.Linear(hidden_size, scores),
    )


def _encode(
    examples: Examples, tokenizer: Any, max_length: int, stride: int, candidate_length: int = 0
) -> list[Window]:
    """One window per example. Of a pair that is too long, the longer text loses its end first; `stride` is not used."""
    frame = frame_of(tokenizer)
    ids = token_ids(tokenizer, (text.value for example in examples for text in example.texts.values()))
    windows = []
    for index, example in enumerate(examples):
        parts = [ids[text.value] for text in example.texts.values()]
        if len(parts) > _MOST_FIELDS:
            raise ModelError(f"{example.id} has {len(parts)} fields; a classifier reads one text or two.")
        windows.append(framed(index, parts, frame, max_length))
    return windows


def summary_scores(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
    """Scores (B, labels) of each window's first token, or of that which represents its text."""
    scores: Tensor = head(summaries(hidden, windows))
    return scores


def _loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    gold = torch.tensor([_gold(examples[window.example]) for window in windows], device=scores.device)
    return nn.functional.cross_entropy(scores.float(), gold)


def _gold(example: Example) -> int:
    match example.target:
        case Choice(index):
            return index
        case other:
            raise ModelError(f"{example.id}: a classifier cannot learn from {type(other).__name__}.")


classification = Family(
    name="classification",
    summary="One label for a text or a pair of texts, read off the first token.",
    head=lambda hidden_size, labels: scoring_head(hidden_size, len(labels)),
    encode=_encode,
    forward=summary_scores,
    score_loss=_loss,
    decode=lambda _example, _windows, scores, _labels: Choice(int(quantised(scores[0]).argmax())),
)

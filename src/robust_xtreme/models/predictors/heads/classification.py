"""Classification: one label for a text or a pair of texts, read off the first token."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Choice, Example
from robust_xtreme.models.predictors.family import DROPOUT, Examples, Family
from robust_xtreme.models.reading.members import labelled as reading
from robust_xtreme.models.reading.scores import Labels
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import summaries


def scoring_head(hidden_size: int, scores: int) -> nn.Module:
    """From the tokens that represent texts (B, H) to scores (B, scores): XLM-R's head for sequences."""
    return nn.Sequential(
        nn.Dropout(DROPOUT),
        nn.Linear(hidden_size, hidden_size),
        nn.Tanh(),
        nn.Dropout(DROPOUT),
        nn.Linear(hidden_size, scores),
    )


def summary_scores(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
    """Scores (B, labels) of each window's first token, or of that which represents its text."""
    scores: Tensor = head(summaries(hidden, windows))
    return scores


def _loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    gold = torch.tensor([_gold(examples[number]) for number in windows.example.tolist()], device=scores.device)
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
    reading=reading.classification,
    head=lambda hidden_size, labels: scoring_head(hidden_size, len(labels)),
    forward=summary_scores,
    score_loss=_loss,
)

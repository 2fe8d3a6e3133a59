"""Heads that answer with a label: of an example, and the best of several choices."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Choice, Example
from robust_xtreme.models.predictors.family import DROPOUT, Examples, Family
from robust_xtreme.models.reading.members import labelled as reading
from robust_xtreme.models.reading.scores import Labels
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import summaries

# Classification: one label for a text or a pair of texts, read off the first token.


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


# Choice: which of several texts fits a premise and a question; each is encoded with them and scored.


def _choice_loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over examples of the cross-entropy over its choices; examples may differ in their number."""
    groups = [(index, len(list(group))) for index, group in groupby(windows.example.tolist())]
    for index, count in groups:
        if count != reading.choices_of(examples[index].texts):
            raise ValueError(f"a batch contains {count} of the choices of {examples[index].id}")
    counts = torch.tensor([count for _, count in groups])
    inside = torch.arange(int(counts.max()))[None, :] < counts[:, None]
    scores = scores.float()[:, 0]
    rows = scores.new_full(inside.shape, torch.finfo(scores.dtype).min)
    rows = rows.masked_scatter(inside.to(scores.device), scores)
    gold = torch.tensor([_choice_gold(examples[index], count) for index, count in groups], device=scores.device)
    return nn.functional.cross_entropy(rows, gold)


def _choice_gold(example: Example, count: int) -> int:
    match example.target:
        case Choice(index) if 0 <= index < count:
            return index
        case Choice(index):
            raise ModelError(f"{example.id}: the right choice is number {index + 1}, but it has {count}.")
        case other:
            raise ModelError(f"{example.id}: a choice cannot be learned from {type(other).__name__}.")


choice = Family(
    name="choice",
    summary="One of several texts for a premise and a question, each scored off the first token.",
    reading=reading.choice,
    head=lambda hidden_size, _: scoring_head(hidden_size, 1),
    forward=summary_scores,  # (B, 1): how well the choice of each window fits
    score_loss=_choice_loss,
    together=True,
)

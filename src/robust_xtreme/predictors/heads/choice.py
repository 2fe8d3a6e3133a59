"""Choice: which of several texts fits a premise and a question; each is encoded with them and scored."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.errors import ModelError
from robust_xtreme.examples import Choice, Example
from robust_xtreme.models.windows import Window, frame_of, framed, quantised, token_ids
from robust_xtreme.predictors.family import Examples, Family, Labels, Windows
from robust_xtreme.predictors.heads.classification import scoring_head, summary_scores

_PREMISE: Final = "premise"
_QUESTION: Final = "question"
_CHOICE: Final = "choice"
_FEWEST: Final = 2


def _asked(example: Example) -> str:
    """Premise and question as one text, a space between them, as run_xcopa.py of google-research/xtreme joins them."""
    return " ".join(example.texts[name].value for name in (_PREMISE, _QUESTION) if name in example.texts)


def _choices(example: Example) -> list[str]:
    """The texts to choose from: the fields choice1, choice2, ... Raises ModelError where they are not numbered so."""
    count = sum(name.startswith(_CHOICE) for name in example.texts)
    names = [f"{_CHOICE}{number}" for number in range(1, count + 1)]
    if _PREMISE not in example.texts or count < _FEWEST or not all(name in example.texts for name in names):
        have = ", ".join(example.texts)
        raise ModelError(f"{example.id} has the fields {have}; a choice needs premise, choice1, choice2 and so on.")
    return [example.texts[name].value for name in names]


def _encode(
    examples: Examples, tokenizer: Any, max_length: int, stride: int, candidate_length: int = 0
) -> list[Window]:
    """One window per choice: premise and question, and the choice.

    Texts that are too long are cut as in pairs of sentences; `stride` is not used. Without a question, or
    with an empty one, the first text is the premise alone.
    """
    frame = frame_of(tokenizer)
    several = [(_asked(example), _choices(example)) for example in examples]
    ids = token_ids(tokenizer, (text for asked, choices in several for text in (asked, *choices)))
    return [
        framed(index, (ids[asked], ids[choice]), frame, max_length)
        for index, (asked, choices) in enumerate(several)
        for choice in choices
    ]


def _loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over examples of the cross-entropy over its choices; examples may differ in their number."""
    groups = [(index, len(list(group))) for index, group in groupby(window.example for window in windows)]
    for index, count in groups:
        if count != len(_choices(examples[index])):
            raise ValueError(f"a batch contains {count} of the choices of {examples[index].id}")
    counts = torch.tensor([count for _, count in groups])
    inside = torch.arange(int(counts.max()))[None, :] < counts[:, None]
    scores = scores.float()[:, 0]
    rows = scores.new_full(inside.shape, torch.finfo(scores.dtype).min)
    rows = rows.masked_scatter(inside.to(scores.device), scores)
    gold = torch.tensor([_gold(examples[index], count) for index, count in groups], device=scores.device)
    return nn.functional.cross_entropy(rows, gold)


def _gold(example: Example, count: int) -> int:
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
    head=lambda hidden_size, _: scoring_head(hidden_size, 1),
    encode=_encode,
    forward=summary_scores,  # (B, 1): how well the choice of each window fits
    score_loss=_loss,
    decode=lambda _example, _windows, scores, _labels: Choice(int(quantised(np.stack(scores)[:, 0]).argmax())),
    together=True,
)

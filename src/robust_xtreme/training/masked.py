"""Masked LM: predicting masked tokens of plain text, as a part of a stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.config import CANINE, check_fits, fitted, in_units, longest, positions
from robust_xtreme.models.reading.tokens import Lexicon, backend_of, frame_of
from robust_xtreme.models.reading.windows import pieces
from robust_xtreme.models.tensors import Scores
from robust_xtreme.training.device import own_random
from robust_xtreme.training.lessons import Lesson
from robust_xtreme.training.objective import IGNORED, HeadUnits, Masking, Taken


def fit(lessons: Sequence[Lesson], encoder: Any, called: str, tell: Callable[[str], None]) -> tuple[Lesson, ...]:
    """The lessons, their inputs cut where the encoder is a text tower, which is reported.

    Where it reads bytes or characters, inputs have several for each token.
    Raises ModelError, one line, where any other encoder reads fewer tokens than a task's inputs have.
    """
    config = encoder.config.to_dict()
    lessons = [replace(lesson, task=in_units(lesson.task, config)) for lesson in lessons]
    fitted_lessons = tuple(replace(lesson, task=fitted(lesson.task, config)) for lesson in lessons)
    for before, after in zip(lessons, fitted_lessons, strict=True):
        check_fits(after.task, config, called, f"Leave {after.task.name} out, or")
        if after.task is not before.task:
            what = f"inputs of {longest(before.task)} tokens are cut to the {positions(config)} that {called} reads"
            tell(f"{after.task.name}: {what}")
    return fitted_lessons


def text_length(encoder: Any) -> int:
    """The tokens of plain text that an encoder reads at once: TEXT_LENGTH, or fewer where it cannot."""
    return min(TEXT_LENGTH, positions(encoder.config.to_dict()) or TEXT_LENGTH)


MASKED_SHARE: Final = 0.15
TEXT_LENGTH: Final = 128
NAME: Final = "masked_lm"


def masked_part(encoder: Any, tokenizer: Any, lines: Sequence[str], seed: int) -> HeadUnits:
    """Predict masked tokens of plain text as BERT does, with scores over the encoder's own embeddings.

    Lines are windows of at most TEXT_LENGTH tokens; a longer line is several. The seed draws the head's weights. Raises
    ModelError where the tokenizer has no mask token, or the encoder no embeddings to predict tokens by.
    """
    if encoder.config.model_type == CANINE:
        raise ModelError("CANINE has no embedding for each character, by which masked LM predicts. Leave --text out.")
    lexicon = Lexicon(backend_of(tokenizer))
    numbers = np.unique(lexicon.numbers(lines))
    windows = pieces(frame_of(tokenizer), lexicon.tokens, numbers, text_length(encoder), 0)

    def take(spans: Sequence[tuple[int, int]]) -> Taken:
        return Taken(windows.take([unit for unit, _ in spans]), tuple(1 for _ in spans))

    def terms(taken: Taken) -> int:
        return 0 if taken.targets is None else int((taken.targets != IGNORED).sum())

    with own_random(seed):
        head = MaskedHead(encoder.get_input_embeddings(), int(encoder.config.hidden_size))
    return HeadUnits(NAME, head, tuple(windows.lengths.tolist()), take, _loss, terms, masking(tokenizer))


class MaskedHead(nn.Module):
    """From hidden states (N, H) to scores over the vocabulary (N, V), by the encoder's own embeddings."""

    def __init__(self, embedding: nn.Embedding, hidden_size: int) -> None:
        nn.Module.__init__(self)
        size = embedding.embedding_dim
        self.change = nn.Sequential(nn.Linear(hidden_size, size), nn.GELU(), nn.LayerNorm(size))
        self.bias = nn.Parameter(torch.zeros(embedding.num_embeddings))
        self.weight = embedding.weight

    def forward(self, hidden: Tensor) -> Tensor:
        """Scores (N, V)."""
        return nn.functional.linear(self.change(hidden), self.weight, self.bias)


def _loss(head: nn.Module, hidden: Tensor, _: Tensor, taken: Taken) -> Tensor:
    """The mean cross-entropy over masked tokens; only these are scored."""
    if taken.targets is None:
        raise ValueError("a batch of masked words has targets")
    chosen = taken.targets != IGNORED
    rows, columns = (torch.from_numpy(indices).to(hidden.device) for indices in np.nonzero(chosen))
    right = torch.from_numpy(taken.targets[chosen]).to(hidden.device)
    scores: Tensor = head(hidden[rows, columns])
    return nn.functional.cross_entropy(scores.float(), right, reduction="sum") / max(1, len(right))


def masking(tokenizer: Any) -> Masking:
    """A function that masks tokens of ids (N, L). Raises ModelError where the tokenizer has no mask."""
    if tokenizer.mask_token_id is None:
        raise ModelError("This model's tokenizer has no mask token, and masked LM needs one.")
    special, mask_id, size = np.array(sorted(tokenizer.all_special_ids)), int(tokenizer.mask_token_id), len(tokenizer)

    def hide(ids: Scores, generator: np.random.Generator) -> tuple[Scores, Scores]:
        """Of 15 % of the tokens mask 8 in 10, replace 1, keep 1; also return their targets, IGNORED for all others."""
        chosen = (generator.random(ids.shape) < MASKED_SHARE) & ~np.isin(ids, special)
        # `how` decides for each chosen token whether it is masked, replaced by `other`, or kept.
        how = generator.random(ids.shape)
        other = generator.integers(0, size, ids.shape)
        hidden = np.where(chosen & (how < 0.8), mask_id, ids)
        hidden = np.where(chosen & (how >= 0.8) & (how < 0.9), other, hidden)
        return hidden, np.where(chosen, ids, IGNORED)

    return hide

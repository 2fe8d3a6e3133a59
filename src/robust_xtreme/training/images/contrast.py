"""The contrast between images and captions as a part of a stage: CLIP's loss, or SigLIP's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import digest
from robust_xtreme.models.reading.tokens import Lexicon, backend_of, frame_of
from robust_xtreme.models.reading.windows import Windows, framed
from robust_xtreme.models.tensors import Scores
from robust_xtreme.training.device import own_random
from robust_xtreme.training.images.pairs import NAME, Pairs
from robust_xtreme.training.images.towers import ImageTower
from robust_xtreme.training.objective import HeadUnits, Taken, text_length

CLIP: Final = "clip"
SIGLIP: Final = "siglip"
CONTRASTS: Final = (CLIP, SIGLIP)
WIDTH: Final = 128
"""The size of the space in which images and captions are compared."""

_MOST_BYTES: Final = 4 * 10**9
"""The most bytes of decoded images that stay in memory; more are decoded again in each pass."""


class ContrastHead(nn.Module):
    """The image tower, projections of both sides, and the scale (and bias) of their products. It is not kept."""

    def __init__(self, tower: ImageTower, hidden_size: int, contrast: str) -> None:
        nn.Module.__init__(self)
        self.tower = tower
        self.of_text = nn.Linear(hidden_size, WIDTH, bias=False)
        self.of_image = nn.Linear(tower.width, WIDTH, bias=False)
        # Starts and bound of the scale: arXiv 2103.00020, section 2.5; arXiv 2303.15343, algorithm 1.
        siglip = contrast == SIGLIP
        self.scale = nn.Parameter(torch.tensor(math.log(10.0) if siglip else math.log(1 / 0.07)))
        self.bias = nn.Parameter(torch.tensor(-10.0)) if siglip else None

    def texts(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Vectors (N, D) of length 1: the mean over tokens of hidden states (N, L, H), projected."""
        kept = mask[:, :, None].float()
        mean = (hidden.float() * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
        return nn.functional.normalize(self.of_text(mean).float(), dim=-1)

    def images(self, pixels: Tensor) -> Tensor:
        """Vectors (N, D) of length 1 of images (N, S, S, 3)."""
        return nn.functional.normalize(self.of_image(self.tower(pixels)).float(), dim=-1)

    def forward(self, hidden: Tensor, mask: Tensor, pixels: Tensor) -> Tensor:
        """Scores (N, N) of each caption (row) and image (column)."""
        scale = self.scale.clamp(max=math.log(100.0)).exp()
        scores = scale * self.texts(hidden, mask) @ self.images(pixels).T
        return scores if self.bias is None else scores + self.bias


def clip_loss(scores: Tensor) -> Tensor:
    """The mean of two cross-entropies: the image of each caption, and the caption of each image, in scores (N, N)."""
    right = torch.arange(len(scores), device=scores.device)
    both = nn.functional.cross_entropy(scores, right) + nn.functional.cross_entropy(scores.T, right)
    return both / 2


def siglip_loss(scores: Tensor) -> Tensor:
    """The sum over pairs (N, N) of a sigmoid's cross-entropy, whether they belong together, divided by N."""
    signs = 2 * torch.eye(len(scores), device=scores.device) - 1
    return -nn.functional.logsigmoid(signs * scores).sum() / len(scores)


def contrast_part(
    encoder: Any, tokenizer: Any, pairs: Pairs, contrast: str, seed: int, tower: Callable[[], ImageTower]
) -> HeadUnits:
    """Tell the image of a caption from the other images of a batch, and the caption of an image.

    A unit is an image: a batch never contains two captions of one. In each pass it takes its next caption, in an order
    that the seed draws; once every caption was taken the order is drawn again. The seed draws the weights of the head.
    Raises DataError where an image cannot be decoded.
    """
    windows, first = _windows(encoder, tokenizer, pairs)
    with own_random(seed):
        head = ContrastHead(tower(), int(encoder.config.hidden_size), contrast)
    pixels = _decoded(pairs, head.tower.size)

    def take(spans: Sequence[tuple[int, int]]) -> Taken:
        rows = [first[unit] + caption_of(pairs, unit, turn, seed) for unit, turn in spans]
        return Taken(windows.take(rows), tuple(1 for _ in spans), pixels=pixels([unit for unit, _ in spans]))

    lengths = np.maximum.reduceat(windows.lengths, first)
    ids = np.unique(windows.ids)
    return HeadUnits(
        NAME, head, tuple(lengths.tolist()), take, _loss(contrast), lambda taken: len(taken.sizes), ids=ids
    )


def caption_of(pairs: Pairs, unit: int, turn: int, seed: int) -> int:
    """The caption of an image in a pass: each once before any comes again."""
    picture = pairs.pictures[unit]
    cycle, position = divmod(turn, len(picture.captions))
    key = int(digest("caption", str(seed), str(cycle), picture.identity), 16)
    return int(np.random.default_rng(key).permutation(len(picture.captions))[position])


def _windows(encoder: Any, tokenizer: Any, pairs: Pairs) -> tuple[Windows, Scores]:
    """A window for each caption, cut to the tokens that the encoder reads, and the first window of each image."""
    texts = [caption.text for picture in pairs.pictures for caption in picture.captions]
    frame = frame_of(tokenizer)
    lexicon = Lexicon(backend_of(tokenizer))
    numbers = lexicon.numbers(texts)
    windows = framed(frame, lexicon.tokens, [numbers], text_length(encoder), np.arange(len(texts)))
    counts = np.array([len(picture.captions) for picture in pairs.pictures])
    return windows, np.cumsum(counts) - counts


def _decoded(pairs: Pairs, size: int) -> Callable[[Sequence[int]], Scores]:
    """A function that gives the colours (N, size, size, 3) of images; every image is decoded once before.

    Raises DataError for an image that cannot be decoded, before anything is trained.
    """
    pictures = pairs.pictures
    if not pictures:
        raise DataError(pairs.name, "contains no image with a caption.")
    if len(pictures) * size * size * 3 <= _MOST_BYTES:
        every = np.stack([picture.pixels(size) for picture in pictures])
        return lambda units: every[list(units)]
    for picture in pictures:
        picture.pixels(size)
    return lambda units: np.stack([pictures[unit].pixels(size) for unit in units])


def _loss(contrast: str) -> Callable[[nn.Module, Tensor, Tensor, Taken], Tensor]:
    def loss(head: nn.Module, hidden: Tensor, mask: Tensor, taken: Taken) -> Tensor:
        if taken.pixels is None:
            raise ValueError("a batch of captions has images")
        pixels = torch.from_numpy(taken.pixels).to(hidden.device)
        scores: Tensor = head(hidden, mask, pixels)
        return siglip_loss(scores.float()) if contrast == SIGLIP else clip_loss(scores.float())

    return loss

"""Image towers, new or of a checkpoint of CLIP's or SigLIP's kind, and the contrast of their images with captions."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import digest
from robust_xtreme.models.config import check_config, loading, reading
from robust_xtreme.models.folder import check_files, check_size, check_weights, read_json, weight_files
from robust_xtreme.models.loading import check_complete, check_finite, parameters_of
from robust_xtreme.models.reading.tokens import Lexicon, backend_of, frame_of
from robust_xtreme.models.reading.windows import Windows, framed
from robust_xtreme.models.tensors import Scores
from robust_xtreme.tasks.sources.hub import fetched, on_hub
from robust_xtreme.training.device import own_random
from robust_xtreme.training.images.pairs import NAME, Pairs
from robust_xtreme.training.objective import HeadUnits, Taken, text_length

_NEW: Final[Mapping[str, Any]] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
_CLASSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("clip", "clip_vision_model"), "CLIPVisionModel"),
    **dict.fromkeys(("siglip", "siglip_vision_model"), "SiglipVisionModel"),
}
_HALF: Final = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_OF_CLIP: Final = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and standard deviation of colours that a tower expects: SigLIP's, and those of openai/clip-vit-base-patch32."""

_PREPROCESSOR: Final = "preprocessor_config.json"
_LARGEST: Final = 1024


class ImageTower(nn.Module):
    """A vision encoder with its normalisation of colours: from uint8 (N, S, S, 3) to vectors (N, V)."""

    def __init__(self, vision: nn.Module, colours: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
        nn.Module.__init__(self)
        self.vision = vision
        config: Any = vision.config
        self.size = int(config.image_size)
        self.width = int(config.hidden_size)
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in colours)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("deviation", deviation, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Vectors (N, V) of images."""
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        values = (pixels.permute(0, 3, 1, 2).to(mean.dtype) / 255.0 - mean) / deviation
        pooled: Tensor = self.vision(pixel_values=values).pooler_output
        return pooled


def new_tower() -> ImageTower:
    """A small vision encoder of CLIP's shape for images of 32 x 32; torch's generator draws its weights."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    return ImageTower(CLIPVisionModel(CLIPVisionConfig(**_NEW)), _HALF)


def vision_folder(name: str, *, offline: bool) -> Path:
    """The folder of a named tower, which is fetched where it is on the hub. Raises ModelError, and as `fetched`."""
    folder = fetched(name, "", offline=offline).folder if on_hub(name) else Path(name)
    if not (folder / "config.json").is_file():
        raise ModelError(f"{name[:200]} contains no config.json: it is not a vision encoder of transformers.")
    return folder


def read_tower(folder: Path) -> ImageTower:
    """The image part of a checkpoint of CLIP or SigLIP: float32, only safetensors, no code of its own.

    Raises ModelError, one line.
    """
    import transformers

    called = str(folder)
    config = read_json(folder / "config.json")
    check_config(config, called)
    check_weights(folder)
    check_files(folder, called, here=True)
    name = _CLASSES.get(str(config.get("model_type")))
    if name is None:
        what = f"a model of type {str(config.get('model_type'))[:80]!r}, not a vision encoder of CLIP or SigLIP"
        raise ModelError(f"{called} is {what}.")
    architecture: Any = getattr(transformers, name)
    with reading(called, "config.json"), torch.random.fork_rng(devices=()):
        shape = architecture.config_class.from_pretrained(called, **loading())
        check_size(parameters_of(architecture, shape), weight_files(folder, called))
        options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
        vision, report = architecture.from_pretrained(called, config=shape, **options, **loading())
    check_complete(called, report)
    size, channels = vision.config.image_size, vision.config.num_channels
    if type(size) is not int or not 1 <= size <= _LARGEST or channels != 3:
        raise ModelError(f"{called} reads images of {size} x {size} and {channels} colours; expected 3 and {_LARGEST}.")
    vision = vision.float()
    check_finite(vision, called)
    return ImageTower(vision, _colours(folder, name))


def _colours(folder: Path, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of colours, from the folder's preprocessor where it has one."""
    usual = _OF_CLIP if name.startswith("CLIP") else _HALF
    if not (folder / _PREPROCESSOR).is_file():
        return usual
    facts = read_json(folder / _PREPROCESSOR)
    mean, deviation = (facts.get(key, values) for key, values in zip(("image_mean", "image_std"), usual, strict=True))
    numbers = [value for values in (mean, deviation) if isinstance(values, list | tuple) for value in values]
    if len(numbers) != 6 or not all(isinstance(value, int | float) for value in numbers) or 0 in deviation:
        raise ModelError(f"{folder / _PREPROCESSOR} has no mean and deviation of three colours. Get it again.")
    return tuple(map(float, mean)), tuple(map(float, deviation))


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

    def loss(head: nn.Module, hidden: Tensor, mask: Tensor, taken: Taken) -> Tensor:
        assert taken.pixels is not None
        scores: Tensor = head(hidden, mask, torch.from_numpy(taken.pixels).to(hidden.device))
        return siglip_loss(scores.float()) if contrast == SIGLIP else clip_loss(scores.float())

    lengths = tuple(np.maximum.reduceat(windows.lengths, first).tolist())
    return HeadUnits(NAME, head, lengths, take, loss, lambda taken: len(taken.sizes), ids=np.unique(windows.ids))


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
    if len(pictures) * size * size * 3 <= _MOST_BYTES:
        every = np.stack([picture.pixels(size) for picture in pictures])
        return lambda units: every[list(units)]
    for picture in pictures:
        picture.pixels(size)
    return lambda units: np.stack([pictures[unit].pixels(size) for unit in units])

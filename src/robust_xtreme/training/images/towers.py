"""Image towers: a small new one, or the image part of a checkpoint of CLIP's or SigLIP's kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.config import check_config, loading, reading
from robust_xtreme.models.folder import check_files, check_size, check_weights, read_json, weight_files
from robust_xtreme.models.loading import check_complete, check_finite, parameters_of
from robust_xtreme.tasks.sources.hub import fetched, on_hub

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

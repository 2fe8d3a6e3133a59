"""New encoders of mini's architecture: bundled word vectors and tokenizers, and new layers, in several sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

import torch
from torch import nn

from robust_xtreme.core import resources
from robust_xtreme.core.examples import digest
from robust_xtreme.models.config import MONOLINGUAL, MULTILINGUAL
from robust_xtreme.models.mini import MiniConfig, MiniModel, register
from robust_xtreme.training.device import own_random

VECTORS: Final = "vectors.safetensors"
WEIGHTS: Final = "model.safetensors"
TOKENIZER: Final = "tokenizer.json"
EMBEDDINGS: Final = "embeddings.weight"
"""The name of the word vectors (V, 128) among the weights."""
_NOISE: Final[Mapping[str, Any]] = MappingProxyType({"dropout": 0.1, "type_noise": 0.3, "type_dropout": 0.1})
_HEADS: Final = 8
_NEAR: Final = ((-1.0, 1.0), (0.0, 1.0), (0.0, 0.3), (0.0, 0.1))
"""Where the heads by distance look at first, and how narrowly."""


@final
@dataclass(frozen=True, slots=True)
class Shape:
    """The hidden size and the number of layers of an encoder, and the bundled folder of its word vectors.

    `kind` is that of the languages of the vectors, as the column `base_kind` has it.
    """

    hidden: int
    layers: int
    vectors: str = "model"

    @property
    def kind(self) -> str:
        """`multilingual` or `monolingual`."""
        return MULTILINGUAL if self.vectors == "model" else MONOLINGUAL

    @property
    def folder(self) -> Path:
        """The bundled folder with the tokenizer. Raises RobustXtremeError where it is missing."""
        folder = resources.mini(self.vectors)
        return folder / "model" if self.kind == MULTILINGUAL else folder

    @property
    def weights(self) -> Path:
        """The bundled file with the word vectors."""
        return self.folder / (WEIGHTS if self.kind == MULTILINGUAL else VECTORS)


_LADDER: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"": (128, 3), "-32": (32, 3), "-64": (64, 3), "-128": (128, 3), "-192": (192, 4)}
)
"""Hidden size and layers by the end of a name: each rung has three to four times the parameters of the one before."""

SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        f"{name}{rung}": Shape(hidden, layers, vectors)
        for name, vectors in (("mini", "model"), ("mini-en", "english"))
        for rung, (hidden, layers) in _LADDER.items()
    }
)
"""The sizes of `--from-scratch` that need no text."""


def identity(name: str) -> str:
    """The hash of the bundled tokenizer and word vectors that encoders of a size share."""
    shape = SHAPES[name]
    return digest(*(resources.content(path).hex() for path in (shape.folder / TOKENIZER, shape.weights)))


def new_model(name: str, seed: int) -> tuple[Any, Any]:
    """An encoder of a size with bundled word vectors and new layers, and its tokenizer.

    The same seed gives the same weights. Raises RobustXtremeError where the vectors are missing.
    """
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    register()
    shape, auto = SHAPES[name], AutoTokenizer
    tokenizer: Any = auto.from_pretrained(shape.folder)
    return new_encoder(load_file(shape.weights)[EMBEDDINGS], tokenizer, seed, shape), tokenizer


def new_encoder(vectors: torch.Tensor, tokenizer: Any, seed: int, shape: Shape = SHAPES["mini"]) -> Any:
    """An encoder with these word vectors (V, E); the same seed gives the same weights, and no global state changes."""
    config = MiniConfig(
        vocab_size=len(tokenizer),
        embedding_size=vectors.shape[1],
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=_HEADS,
        intermediate_size=2 * shape.hidden,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **_NOISE,
    )
    with own_random(seed), torch.no_grad():
        encoder = MiniModel(config)
        _start(encoder, vectors.float())
    return encoder


def _start(encoder: Any, vectors: torch.Tensor) -> None:
    """Put the vectors in, and let the layers begin by comparing words."""
    special = torch.randn(int(encoder.config.eos_token_id) + 1, vectors.shape[1])
    encoder.embeddings.weight.copy_(vectors)
    encoder.embeddings.weight[: len(special)] = special
    for module in encoder.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    encoder.projection.weight.copy_(torch.eye(encoder.config.hidden_size, vectors.shape[1]))
    nn.init.normal_(encoder.segments.weight, std=0.3)
    nn.init.normal_(encoder.matched.weight)
    encoder.centres.copy_(torch.tensor([centre for centre, _ in _NEAR]))
    encoder.slopes.copy_(torch.tensor([slope for _, slope in _NEAR]))
    for layer in encoder.layers:
        layer.attention_output.weight.mul_(0.5)
        layer.step[2].weight.mul_(0.5)
    first = encoder.layers[0]
    first.key.load_state_dict(first.query.state_dict())

"""Writes encoders without training that read subwords, bytes (ByT5) and characters (CANINE), of equal size.

`python -m tools.untrained --text FILE --out runs/untrained` writes folders `subword`, `bytes` and `characters`, which
`robust-xtreme train --from` takes. Layers differ, so that the parameters without embeddings do not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from transformers import (
    ByT5Tokenizer,
    CanineConfig,
    CanineModel,
    CanineTokenizer,
    T5Config,
    T5EncoderModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from robust_xtreme.models.folder import parameters
from robust_xtreme.training.text import Size, new_tokenizer, read_lines

WIDTH: Final = 192
HEADS: Final = 3
WIDE: Final = 4 * WIDTH
POSITIONS: Final = 2048
SIZE: Final = Size(vocabulary=8_000, layers=4, hidden=WIDTH, heads=HEADS)


def subword(text: Path) -> tuple[Any, Any]:
    """XLM-R's architecture: four layers, and a vocabulary of byte pairs that is trained on the text."""
    tokenizer = new_tokenizer(read_lines(text), SIZE)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        num_hidden_layers=SIZE.layers,
        num_attention_heads=HEADS,
        intermediate_size=WIDE,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
    )
    return XLMRobertaModel(config, add_pooling_layer=False), tokenizer


def bytes_of_text(_: Path) -> tuple[Any, Any]:
    """ByT5's encoder: four layers; three matrices of its gated layers are as large as two of others."""
    config = T5Config(
        vocab_size=384,
        d_model=WIDTH,
        d_kv=WIDTH // HEADS,
        d_ff=2 * WIDE // 3,
        num_layers=SIZE.layers,
        num_heads=HEADS,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.1,
        is_encoder_decoder=False,
        use_cache=False,
    )
    return T5EncoderModel(config), ByT5Tokenizer()


def characters(_: Path) -> tuple[Any, Any]:
    """CANINE: a local layer, one of positions that stand for four characters, a last one, and two convolutions."""
    config = CanineConfig(
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=HEADS,
        intermediate_size=WIDE,
        max_position_embeddings=POSITIONS,
        num_hash_functions=8,
        num_hash_buckets=4096,
        pad_token_id=0,
    )
    tokenizer: Any = CanineTokenizer
    return CanineModel(config, add_pooling_layer=False), tokenizer(model_max_length=POSITIONS)


MODELS: Final[Mapping[str, Callable[[Path], tuple[Any, Any]]]] = {
    "subword": subword,
    "bytes": bytes_of_text,
    "characters": characters,
}


def write(name: str, text: Path, folder: Path) -> int:
    """Write one of MODELS, whose weights are the same each time; returns its parameters without embeddings."""
    torch.manual_seed(0)
    model, tokenizer = MODELS[name](text)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return parameters((folder / "model.safetensors",))[1]


def main() -> None:
    """Write the folders, and print the parameters of each without embeddings."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--text", type=Path, required=True, help="plain text for the vocabulary of subwords")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    for name in MODELS:
        print(f"{asked.out / name}: {write(name, asked.text, asked.out / name):,} parameters without embeddings")


if __name__ == "__main__":
    main()

"""Mini's encoder before it learns a task: word vectors from parallel clauses, and layers that begin by comparing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from tools.mini import embeddings
from tools.mini.parallel import Said
from tools.mini.tokenizer import Cuts
from torch import nn

from robust_xtreme.models.mini import MiniConfig, MiniModel
from robust_xtreme.training.device import own_random

SIZE: Final = 128
_CUTS: Final = 6
_DROPPED: Final = 0.1
_CUT_COLUMNS: Final = 2
_FITTED: Final = 3
_WHITENED: Final = 0.5
_UNMET: Final = 11
_NEAR: Final = ((-1.0, 1.0), (0.0, 1.0), (0.0, 0.3), (0.0, 0.1))
"""Where the heads by distance look at first, and how narrowly."""


def vectors(texts: Sequence[Mapping[str, Said]], tokenizer: Any, seed: int) -> embeddings.Matrix:
    """Word vectors (V, SIZE): tokens of the texts as they are cut, and of other cuts of the same words.

    Tokens in fewer than _FITTED texts, or only in other cuts, do not influence the directions; a token in none
    has a random vector.
    """
    plain = _plain(texts, tokenizer)
    every = [tokens | other for tokens, other in zip(plain, _other_cuts(texts, tokenizer, seed), strict=True)]
    size = len(tokenizer)
    fitted = embeddings.counted(plain, size)
    often = np.asarray(fitted.sum(axis=1)).ravel() >= _FITTED
    rows = embeddings.weighted(fitted).multiply(often[:, None]).tocsr()
    left, values = embeddings.svd(rows, SIZE, seed)
    folded = (embeddings.weighted(embeddings.counted(every, size)) @ (rows.T @ left)) / values**2
    matrix = np.where(often[:, None], left, folded) * values**_WHITENED
    unmet = ~matrix.any(axis=1)
    matrix[unmet] = np.random.default_rng((seed, _UNMET)).standard_normal((int(unmet.sum()), SIZE))
    scaled: embeddings.Matrix = embeddings.unit(matrix) * np.sqrt(SIZE)
    return scaled


def _plain(texts: Sequence[Mapping[str, Said]], tokenizer: Any) -> list[set[int]]:
    """The tokens of each text in all languages."""
    flat = [phrase.text for each in texts for phrase in each.values()]
    ids = dict(zip(flat, tokenizer(flat, add_special_tokens=False)["input_ids"], strict=True))
    return [{token for phrase in each.values() for token in ids[phrase.text]} for each in texts]


def _other_cuts(texts: Sequence[Mapping[str, Said]], tokenizer: Any, seed: int) -> list[set[int]]:
    """The tokens of each text's words in other cuts; a word has _CUTS of them, which take turns."""
    cuts = Cuts(tokenizer, _DROPPED, seed)
    known: dict[tuple[str, int], list[int]] = {}
    all_tokens = []
    for index, each in enumerate(texts):
        cut_tokens: set[int] = set()
        words = [word for phrase in each.values() for word in phrase.words]
        for number, word in enumerate(words * _CUT_COLUMNS):
            key = (word, (index + number) % _CUTS)
            if key not in known:
                known[key] = cuts.ids(word, str(key[1]))
            cut_tokens.update(known[key])
        all_tokens.append(cut_tokens)
    return all_tokens


def new_encoder(matrix: embeddings.Matrix, tokenizer: Any, seed: int) -> Any:
    """An encoder with these word vectors; the same seed gives the same weights, and no global state changes."""
    config = MiniConfig(
        vocab_size=len(tokenizer),
        embedding_size=SIZE,
        hidden_size=SIZE,
        num_hidden_layers=3,
        num_attention_heads=8,
        intermediate_size=2 * SIZE,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        dropout=0.1,
        type_noise=0.3,
        type_dropout=0.1,
    )
    with own_random(seed), torch.no_grad():
        encoder = MiniModel(config)
        _initialise(encoder, torch.tensor(matrix, dtype=torch.float32))
    return encoder


def _initialise(encoder: Any, vectors: torch.Tensor) -> None:
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

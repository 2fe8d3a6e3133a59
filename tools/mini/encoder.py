"""Mini's encoder before it learns a task: word vectors from parallel clauses, and layers that begin by comparing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from tools.mini import embeddings
from tools.mini.parallel import Said
from tools.mini.tokenizer import Cuts

from robust_xtreme.training import scratch

SIZE: Final = 128
_CUTS: Final = 6
_DROPPED: Final = 0.1
_CUT_COLUMNS: Final = 2
_FITTED: Final = 3
_WHITENED: Final = 0.5
_UNMET: Final = 11


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
    return scratch.new_mini(torch.tensor(matrix, dtype=torch.float32), tokenizer, seed)

"""Mini's tokenizer: byte pairs inside words, of all languages alike, and the same words in other cuts.

Text is decomposed (a Korean syllable is its letters) and lower-cased, cut at spaces and punctuation, and merged. Words
are not marked as beginnings, so that languages without spaces are cut in running text as they are word by word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from robust_xtreme.core.randomness import draws, salt, text_keys
from robust_xtreme.training.text import BYTES, SPECIAL, as_fast

_UNIT: Final = float(2**-64)


def new_tokenizer(words: Iterable[str], letters: Sequence[str], size: int) -> Any:
    """A fast tokenizer of `size` entries from words as often as they occur; every one of `letters` is an entry.

    The same words give the same tokenizer. Characters that are not among the letters are read as bytes.
    """
    raw = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    raw.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase()])
    raw.pre_tokenizer = _cuts()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*SPECIAL, *BYTES],
        initial_alphabet=sorted({letter for form in letters for letter in raw.normalizer.normalize_str(form)}),
        show_progress=False,
    )
    raw.train_from_iterator(words, trainer)
    return as_fast(raw)


def _cuts() -> Any:
    """Cuts at spaces; punctuation and single digits are tokens by themselves."""
    alone = pre_tokenizers.Split(Regex(r"[\p{P}\p{S}]|\p{Nd}"), "isolated")
    return pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), alone])


class Cuts:
    """Words in cuts that leave out some merges, by keyed draws: the same word and key give the same cut."""

    def __init__(self, tokenizer: Any, share: float, seed: int) -> None:
        raw = tokenizer.backend_tokenizer
        model = json.loads(raw.to_str())["model"]
        self._normalizer, self._cuts = raw.normalizer, raw.pre_tokenizer
        self._ids: Mapping[str, int] = model["vocab"]
        self._ranks = {tuple(pair): index for index, pair in enumerate(model["merges"])}
        self._share = share
        self._salt = salt("cuts", str(seed))

    def ids(self, text: str, key: str) -> list[int]:
        """The ids of a text in the cut of that key."""
        normal = self._normalizer.normalize_str(text)
        parts = [part for part, _ in self._cuts.pre_tokenize_str(normal)]
        return [token for index, part in enumerate(parts) for token in self._word(part, f"{key}/{index}")]

    def _word(self, word: str, key: str) -> list[int]:
        pieces, step = list(word), 0
        key_array = text_keys(self._salt, [key])
        while len(pieces) > 1:
            drawn = draws(np.repeat(key_array, len(pieces) - 1), np.arange(step, step + len(pieces) - 1)) * _UNIT
            step += len(pieces)
            pairs = [
                (self._ranks.get(pair, -1), index)
                for index, pair in enumerate(pairwise(pieces))
                if drawn[index] >= self._share
            ]
            ranked = [(rank, index) for rank, index in pairs if rank >= 0]
            if not ranked:
                break
            _, index = min(ranked)
            pieces[index : index + 2] = ["".join(pieces[index : index + 2])]
        return [token for piece in pieces for token in self._piece(piece)]

    def _piece(self, piece: str) -> list[int]:
        if piece in self._ids:
            return [self._ids[piece]]
        return [self._ids[f"<0x{value:02X}>"] for value in piece.encode()]

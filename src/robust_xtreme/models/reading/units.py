"""Texts as bytes of UTF-8 or as characters, which are the tokens of ByT5 and CANINE."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme.core.columns import Array, bounds_of

TOKENIZER_CONFIG: Final = "tokenizer_config.json"
TOKENIZER_CLASS: Final = "tokenizer_class"
UNITS: Final[Mapping[str, str]] = {"ByT5Tokenizer": "bytes", "CanineTokenizer": "characters"}
"""Tokenizers of transformers without a part in Rust whose tokens are bytes or characters, and what these are called."""

PER_TOKEN: Final = 4
"""The bytes or characters that count as one token where a length is named in tokens."""

_LAST: Final = (0x7F, 0x7FF, 0xFFFF)
"""The last code points of one, two and three bytes in UTF-8."""


def units_of(config: Mapping[str, Any], of_tokenizer: Mapping[str, Any]) -> dict[str, str]:
    """The class of a tokenizer by config.json and tokenizer_config.json, where its tokens are bytes or characters."""
    default = "CanineTokenizer" if config.get("model_type") == "canine" else config.get(TOKENIZER_CLASS)
    named = str(of_tokenizer.get(TOKENIZER_CLASS) or default)
    return {TOKENIZER_CLASS: named} if named in UNITS else {}


def unit_ids(texts: Sequence[str], shift: int | None) -> tuple[Array, Array, Array]:
    """The tokens of t texts: ids (n,) int32, bounds of texts (t + 1,), and the code point of its text of each (n,).

    A byte has the id `byte + shift`; without a `shift` tokens are characters, with the ids of their code points.
    """
    joined = "".join(texts)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    edges = bounds_of(np.fromiter(map(len, texts), np.int64, len(texts)))
    within = np.arange(len(points)) - np.repeat(edges[:-1], np.diff(edges))
    if shift is None:
        return points.astype(np.int32), edges, within
    sizes = 1 + np.searchsorted(_LAST, points)
    utf8 = np.frombuffer(joined.encode("utf-8", "surrogatepass"), np.uint8)
    return utf8.astype(np.int32) + np.int32(shift), bounds_of(sizes)[edges], np.repeat(within, sizes)

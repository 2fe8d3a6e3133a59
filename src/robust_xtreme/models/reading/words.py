"""Texts as words, where a tokenizer reads each word by itself: a word that occurs often is tokenised once."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from robust_xtreme.core.edits import ragged
from robust_xtreme.core.graphemes import clusters, string_properties
from robust_xtreme.core.target_columns import bounds_of, gathered, numbering, numbers_of, owners

Array = npt.NDArray[Any]

_SPACE: Final = " "
_NORMALIZERS: Final = frozenset(
    {"BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled", "StripAccents"}
)
"""Each code point, or grapheme cluster, by itself, or composed with those before it but for a space."""

_DIVIDING: Final = frozenset({"BertPreTokenizer", "Whitespace", "WhitespaceSplit"})
_WITHIN: Final = frozenset({"Digits", "Punctuation", "Split"})
"""What divides at white space, and what divides each word further."""

_SEVERAL: Final = ("normalizers", "pretokenizers", "processors")
"""Where a sequence has its steps."""

_ADDING: Final = frozenset({"BertProcessing", "TemplateProcessing"})
"""What adds special tokens, and moves no offsets."""

_RARE: Final = 0.6
"""The share of distinct words from which on texts are tokenised as they are."""


def reads_words(tokenizer: Any) -> bool:
    """Whether a tokenizer of the package tokenizers gives a text the tokens of its words, one after the other."""
    normalizers, splits = (_parts(part) for part in (tokenizer.normalizer, tokenizer.pre_tokenizer))
    plain = all(part["type"] in _NORMALIZERS for part in normalizers)
    divides = bool(splits) and splits[0]["type"] in _DIVIDING
    within = all(part["type"] in _WITHIN or part.get("prepend_scheme") in ("always", "never") for part in splits[1:])
    added = tokenizer.get_added_tokens_decoder().values()
    exact = not any(token.normalized or _SPACE in token.content for token in added)
    return plain and divides and within and exact and not getattr(tokenizer.model, "dropout", None)


def keeps_offsets(tokenizer: Any) -> bool:
    """Whether the tokens of a text have the same offsets in it when it is one of a list of texts."""
    return all(part["type"] in _ADDING for part in _parts(tokenizer.post_processor))


def _parts(part: Any) -> list[dict[str, Any]]:
    """The steps of a normalizer, pre-tokenizer or post-processor, as it describes itself."""
    if part is None:
        return []
    state = json.loads(part.__getstate__())
    return next((list(state[name]) for name in _SEVERAL if name in state), [state])


@final
@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of t texts: `distinct` (w,), and the numbers of those of each text, one text after the other (n,).

    Text i has those `bounds[i]:bounds[i + 1]` (t + 1,) of `numbers`. The last `whole` distinct words are whole texts,
    which cannot be read beside others.
    """

    distinct: list[str]
    numbers: Array
    bounds: Array
    whole: int = 0

    @property
    def repeat(self) -> bool:
        """Whether words repeat so often that it takes less time to tokenise each once."""
        return len(self.distinct) < _RARE * len(self.numbers)

    def tokens(self, bounds: Array) -> tuple[Array, Array, Array]:
        """The tokens of the texts, from the bounds of those of the distinct words (w + 1,).

        Their positions among the words' tokens (m,), their bounds by text (t + 1,), and the position in its text at
        which the word of each begins (m,).
        """
        positions, after = gathered(bounds, self.numbers)
        begins = bounds_of(_lengths(self.distinct)[self.numbers] + 1)[:-1]
        begins = begins - np.repeat(begins[self.bounds[:-1]], np.diff(self.bounds))
        return positions, after[self.bounds], np.repeat(begins, np.diff(after))


def words_of(texts: Sequence[str], names: Collection[str]) -> Words:
    """The words between the spaces of texts.

    A text is a single word where one of its words contains one of the names, which a tokenizer looks for in the whole
    text, or begins with what a normalizer may remove, or where a space is part of a grapheme cluster.
    """
    words = _numbered(texts)
    odd = _odd(words.distinct, names)
    if not odd.any():
        return words
    return _whole(words, texts, np.unique(owners(words.bounds)[odd[words.numbers]]))


def _numbered(texts: Sequence[str]) -> Words:
    known = numbering()
    numbers = numbers_of(known, chain.from_iterable(text.split(_SPACE) for text in texts))
    counts = np.fromiter((text.count(_SPACE) + 1 for text in texts), np.int64, len(texts))
    return Words(list(known), numbers, bounds_of(counts))


def _whole(words: Words, texts: Sequence[str], rows: Array) -> Words:
    """The words of texts of which those by row (k,) are single words."""
    first, counts, several = words.bounds[rows], np.diff(words.bounds), len(words.distinct)
    numbers, left_out = words.numbers.copy(), np.zeros(len(words.numbers), np.bool_)
    left_out[ragged(first + 1, counts[rows] - 1)] = True
    numbers[first], counts[rows] = several + np.arange(len(rows)), 1
    numbers = numbers[~left_out]
    used = np.bincount(numbers) > 0
    distinct = chain(words.distinct, map(texts.__getitem__, rows.tolist()))
    kept = list(compress(distinct, used.tolist()))
    return Words(kept, np.cumsum(used)[numbers] - 1, bounds_of(counts), len(rows))


def _odd(words: Sequence[str], names: Collection[str]) -> Array:
    """Which words (w,) make a text a single word."""
    joined, odd = _SPACE.join(words), ~_apart(words)
    if not joined.isprintable():
        odd |= np.fromiter((not word[:1].isprintable() for word in words), np.bool_, len(odd))
    named = re.compile("|".join(map(re.escape, names)))
    if names and named.search(joined):
        odd |= np.fromiter((named.search(word) is not None for word in words), np.bool_, len(odd))
    return odd


def _lengths(words: Sequence[Sequence[str]]) -> Array:
    return np.fromiter(map(len, words), np.int64, len(words))


def _apart(words: Sequence[str]) -> Array:
    """Beside which words (w,) a space is a grapheme cluster: no mark begins them, and no prefix ends them."""
    breaks = clusters(string_properties(f" {_SPACE.join(words)} ")).breaks
    ends = np.cumsum(_lengths(words) + 1)
    apart: Array = breaks[ends - _lengths(words)] & breaks[ends]
    return apart

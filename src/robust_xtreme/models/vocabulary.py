"""Measure the share of a language's text that is unknown to a tokenizer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.targets.kinds import kind_of
from robust_xtreme.models.checkpoint import check_length, tokenizer_of
from robust_xtreme.models.on_disk import Located
from robust_xtreme.models.reading.tokens import Lexicon, backend_of, misplaced

UNKNOWN_TOKENS: Final = "unknown_tokens"
MISPLACED: Final = "misplaced_tokens"
MOST: Final = 0.5
"""The largest share of characters in unknown tokens: above it, noise mostly changes what the model cannot read."""

_SAMPLE: Final = 256
_SPARE: Final = 0.1
"""The share of unknown characters that may be in the texts that are read first, before all are read."""


def unreadable(model: Located, task: TaskSpec, examples: Sequence[Example], language: str) -> str:
    """A sentence where more than half of the clean texts' characters are unknown to the model; else empty.

    The first 256 examples are counted. Raises ModelError where the tokenizer does not fit the model, or the task's
    inputs are longer than the model reads.
    """
    check_length(model, task)
    share = unknown_share(tokenizer_of(model), model.family, examples[:_SAMPLE], MOST)
    if share <= MOST:
        return ""
    return f"{model.task} {language}: {share:.0%} of the text is unknown to {model.name}, which cannot read it."


def leave_out_misplaced(models: dict[str, Located], asked: Collection[str]) -> dict[str, str]:
    """Remove models whose tokenizers have wrong offsets from tasks that need them; a sentence by name of the task.

    Raises ModelError where such a task is in `asked`, or no other is left.
    """
    left = {
        name: line
        for name, model in models.items()
        if registry.load("family", model.family).reading.offsets
        if (line := misplaced(tokenizer_of(model), model.shown, f"Leave {name} out of --tasks"))
    }
    if left and (len(left) == len(models) or not left.keys().isdisjoint(asked)):
        raise ModelError(next(iter(left.values())))
    for name in left:
        del models[name]
    return left


def unknown_share(tokenizer: Any, family: str, examples: Sequence[Example], most: float = 0.0) -> float:
    """The share of characters that are in unknown tokens; a text without any token is unknown as a whole.

    Texts are read until it is certain that their share is at most `most`; then it is that of the texts that were read.
    """
    unknown = tokenizer.unk_token_id
    if unknown is None:
        return 0.0
    texts = [text for example in examples for text in example.texts.values()]
    words = kind_of(family).words
    read = [piece for text in texts for piece in text.pieces(words)]
    distinct = list(dict.fromkeys(read or [text.value for text in texts]))
    letters = list(accumulate((len("".join(text.split())) for text in distinct), initial=0))
    total = letters[-1]
    first = bisect_left(letters, min(1, 1 - most + _SPARE) * total)
    lost, rest = _lost(tokenizer, unknown, distinct[:first]), total - letters[first]
    if lost + rest <= most * total:
        return lost / letters[first] if lost else 0.0
    return (lost + _lost(tokenizer, unknown, distinct[first:])) / total


def _lost(tokenizer: Any, unknown: int, texts: Sequence[str]) -> int:
    """The characters of texts that are in unknown tokens, without white space."""
    lexicon, lost = Lexicon(backend_of(tokenizer)), 0
    lexicon.numbers(texts)
    strange = (lexicon.tokens.count(unknown) > 0) | (lexicon.tokens.lengths == 0)
    some = [texts[number] for number in np.flatnonzero(strange).tolist()]
    tokens = backend_of(tokenizer)(some, True)  # few texts need offsets, which cost as much as tokens
    for number, text in enumerate(some):
        first, last = tokens.bounds[number : number + 2].tolist()
        letters = ~np.array([letter.isspace() for letter in text], dtype=bool)
        unread = np.full(len(text), first == last)
        for start, stop in tokens.spans[first:last][tokens.ids[first:last] == unknown].tolist():
            unread[start:stop] = True
        lost += int((letters & unread).sum())
    return lost

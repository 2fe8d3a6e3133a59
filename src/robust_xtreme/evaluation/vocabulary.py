"""Whether a tokenizer can read a language at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from robust_xtreme import registry
from robust_xtreme.evaluation.checkpoint import check_length, tokenizer_of
from robust_xtreme.evaluation.located import Located
from robust_xtreme.examples import Example
from robust_xtreme.families._batch import token_ids

UNKNOWN_TOKENS: Final = "unknown_tokens"
MOST: Final = 0.5
"""A larger share of unknown tokens is no reading: what is changed by noise is unknown before and after."""

_SAMPLE: Final = 256


def unreadable(model: Located, examples: Sequence[Example], language: str) -> str:
    """A sentence where more than half of the tokens of the clean texts are unknown to the model; else empty.

    Looked at are the first 256 examples. Raises ModelError where the tokenizer does not fit the model, or the task's
    inputs are longer than the model reads.
    """
    check_length(model, registry.load("task", model.task))
    share = unknown_share(tokenizer_of(model), model.family, examples[:_SAMPLE])
    if share <= MOST:
        return ""
    return f"{model.task} {language}: {share:.0%} of the tokens are unknown to {model.name}, which cannot read them."


def unknown_share(tokenizer: Any, family: str, examples: Sequence[Example]) -> float:
    """The share of unknown tokens among those of the examples' texts; a text without any token is an unknown one."""
    texts = [text for example in examples for text in example.texts.values()]
    words = [text.at(span) for text in texts for span in text.spans] if family == "tagging" else []
    found = token_ids(tokenizer, words or [text.value for text in texts])
    every = [ids or (tokenizer.unk_token_id,) for text, ids in found.items() if text.strip()]
    total = sum(map(len, every))
    unknown = sum(ids.count(tokenizer.unk_token_id) for ids in every)
    return unknown / total if total and tokenizer.unk_token_id is not None else 0.0

"""Generators of typos: each makes wrong forms of a word, of which those one edit away count."""

from __future__ import annotations

import random
import string
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme.core.edits import span_table
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values

COPIES: Final = 50
STRENGTH: Final = "0.1"

Made = dict[str, list[str]]
"""Words and the forms made of each."""


def spec(rates: Mapping[str, str]) -> str:
    """The spec of keyboard_typo with these rates."""
    return "".join((f"keyboard_typo:{STRENGTH}", *(f"@{kind}={rate}" for kind, rate in rates.items())))


def ours(words: Sequence[str], rates: Mapping[str, str]) -> Made:
    """Forms by keyboard_typo with some rates; at a tenth, so that most changed words have one edit."""
    link = bound(PerturbationSpec.parse(spec(rates)))[0]
    values = [word for word in words for _ in range(COPIES)]
    ids = [f"{word}/{copy}" for word in words for copy in range(COPIES)]
    noisy = noise_values(values, ids, span_table([()] * len(values)), "en", link, 0).moved.values
    return _made(words, noisy)


def _made(words: Sequence[str], forms: Sequence[str]) -> Made:
    size = len(forms) // len(words)
    return {word: list(forms[index * size : (index + 1) * size]) for index, word in enumerate(words)}


def nlpaug(words: Sequence[str]) -> Made:
    """Forms by nlpaug's KeyboardAug for English, one letter of each word, its other settings as they come.

    It draws from the process's generators, whose state is put back.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nlpaug.augmenter import char
    options: dict[str, Any] = {"aug_char_min": 1, "aug_char_max": 1, "aug_word_min": 1, "aug_word_max": 1}
    augmenter = char.KeyboardAug(**options)
    kept, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - nlpaug draws from these
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - nlpaug draws from it
    forms = [_first(augmenter.augment(word)) for word in words for _ in range(COPIES // 5)]
    random.setstate(kept)
    np.random.set_state(arrays)  # noqa: NPY002 - nlpaug draws from it
    return _made(words, forms)


def _first(forms: list[str] | str) -> str:
    return forms if isinstance(forms, str) else forms[0] if forms else ""


def uniform(words: Sequence[str]) -> Made:
    """Forms by letters drawn evenly: replaced, inserted, left out or swapped, each as often."""
    return {word: [_any(word, random.Random(f"{word}/{copy}")) for copy in range(COPIES)] for word in words}


def _any(word: str, draw: random.Random) -> str:
    at, way = draw.randrange(len(word)), draw.randrange(4)
    letter = draw.choice(string.ascii_lowercase)
    head, middle, tail = word[:at], word[at], word[at + 1 :]
    return head + (letter + tail, letter + middle + tail, tail, tail[:1] + middle + tail[1:])[way]

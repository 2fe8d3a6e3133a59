"""All results of one wrong key in a Vietnamese word: the reference for Telex and VNI key errors."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator

from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.input.vietnamese import Method, keys, parts, typed

KEYS = string.ascii_lowercase + string.digits


def reachable(word: str, method: Method) -> set[str]:
    """The word with one key missed, put in, replaced or struck before the one in front of it; or without any mark.

    A foreign name, which the method would change, is typed with the method off.
    """
    reached = {"".join(parts(letter)[0] for letter in word)}
    for struck in {keys(word, method, tone_last=last) for last in (False, True)}:
        if typed(struck, method) == word:
            reached.update(typed(wrong, method) for wrong in _wrong(struck))
        else:
            reached.update(_wrong(word))
    return reached


def _wrong(struck: str) -> Iterator[str]:
    for index in range(len(struck) + 1):
        head, tail = struck[:index], struck[index:]
        yield head + tail[1:]
        yield head + tail[:1].swapcase() + tail[1:]
        yield head + tail[1:2] + tail[:1] + tail[2:]
        for key in KEYS if struck.islower() else KEYS + string.ascii_uppercase:
            yield head + key + tail
            yield head + key + tail[1:]


def single_key_errors(words: Iterable[str], method: Method, draws: int) -> list[tuple[str, str]]:
    """Words and what `keyboard_typo` makes of them with one edit, each word drawn several times."""
    texts = [Text(f"{word}/{number}", "vi", word) for word in words for number in range(draws)]
    noised = noise_texts(texts, PerturbationSpec.parse(f"keyboard_typo:0.15@layout=vi-{method}"), 0)
    return [
        (noised_text.clean.value, noised_text.text.value)
        for noised_text in noised
        if sum(noised_text.edits.values()) == 1
    ]

"""Swaps words with the next word; their letters, capitals included, do not change.

Only words with nothing but white space between them are swapped, within one span or outside all spans. Languages
written without spaces are not served; in Vietnamese, which puts a space between syllables, syllables are swapped. A tag
belongs to the position of its word, so that tagging tasks are refused.
"""

from __future__ import annotations

from robust_xtreme.languages import language as language_of
from robust_xtreme.noise.engine.perturbation import known_language
from robust_xtreme.noise.engine.words import Form, words


def _lacks(code: str) -> str:
    return known_language(code) or ("" if language_of(code).spaces else "no spaces between words")


@words(strength="share of words exchanged with the next", rates={"swap": "1"}, lacks=_lacks, refuses=("tagging",))
def word_order(word: str, language: str) -> tuple[Form, ...]:  # noqa: ARG001 - the engine does all there is to do
    """Let neighbouring words change places."""
    return ()

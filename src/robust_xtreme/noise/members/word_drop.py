"""Deletes words with the white space beside them.

Every text keeps at least one word, and so does every span. Languages written without spaces are not served; in
Vietnamese, which puts a space between syllables, syllables are deleted. A deleted word has no tag, so that tagging
tasks are refused.
"""

from __future__ import annotations

from robust_xtreme.languages import language as language_of
from robust_xtreme.noise.engine.perturbation import known_language
from robust_xtreme.noise.engine.words import Form, words


def _lacks(code: str) -> str:
    return known_language(code) or ("" if language_of(code).spaces else "no spaces between words")


@words(strength="share of words left out", rates={"drop": "1"}, lacks=_lacks, refuses=("tagging",))
def word_drop(word: str, language: str) -> tuple[Form, ...]:  # noqa: ARG001 - the engine does all there is to do
    """Leave words out."""
    return ()

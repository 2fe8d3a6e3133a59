"""Deletes words with the white space beside them.

Every text keeps at least one word, and so does every span. Languages written without spaces are not served; in
Vietnamese, which puts a space between syllables, syllables are deleted. A deleted word has no tag, so that tagging
tasks are refused.
"""

from __future__ import annotations

from robust_xtreme.noise.engine.words import Form, needs_spaces, words


@words(strength="share of words left out", rates={"drop": "1"}, lacks=needs_spaces, refuses=("tagging",))
def word_drop(word: str, language: str) -> tuple[Form, ...]:  # noqa: ARG001 - the engine does all there is to do
    """Leave words out."""
    return ()

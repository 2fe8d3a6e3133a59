"""Swaps words with the next word; their letters, capitals included, do not change.

Only words with nothing but white space between them are swapped, within one span or outside all spans. Languages
written without spaces are not served; in Vietnamese, which puts a space between syllables, syllables are swapped. A tag
belongs to the position of its word, so that tagging tasks are refused.
"""

from __future__ import annotations

from robust_xtreme.noise.engine.words import Form, needs_spaces, words


@words(strength="share of words exchanged with the next", rates={"swap": "1"}, lacks=needs_spaces, refuses=("tagging",))
def word_order(word: str, language: str) -> tuple[Form, ...]:  # noqa: ARG001 - the engine does all there is to do
    """Let neighbouring words change places."""
    return ()

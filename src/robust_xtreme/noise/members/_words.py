"""Perturbations of whole words: dropped, in another order, or replaced by a language model."""

from functools import partial

from robust_xtreme.core.edits import Array, Edits
from robust_xtreme.noise.engine.perturbation import Job, member
from robust_xtreme.noise.engine.rewriter import OPTION, substituted
from robust_xtreme.noise.engine.words import Form, needs_spaces, words
from robust_xtreme.noise.label_risk import pattern

# Every text keeps at least one word, and so does every span. Languages written without spaces are not served; in
# Vietnamese, which puts a space between syllables, syllables are deleted. A deleted word has no tag, so that tagging
# tasks are refused.


@words(strength="share of words left out", rates={"drop": "1"}, lacks=needs_spaces, refuses=("tagging",))
def word_drop(word: str, language: str) -> tuple[Form, ...]:  # noqa: ARG001 - the engine does all there is to do
    """Leave words out."""
    return ()


# Only words with nothing but white space between them are swapped, within one span or outside all spans; their letters,
# capitals included, do not change. Languages are served as above. A tag belongs to the position of its word, so that
# tagging tasks are refused.


@words(strength="share of words exchanged with the next", rates={"swap": "1"}, lacks=needs_spaces, refuses=("tagging",))
def word_order(word: str, language: str) -> tuple[Form, ...]:  # noqa: ARG001 - the engine does all there is to do
    """Let neighbouring words change places."""
    return ()


# The model is a folder (`@lm=DIR`) with safetensors; nothing is downloaded. Negators are never put in.


@partial(
    member,
    kind="words",
    unit="word",
    strength="share of words substituted",
    operators=("substitute",),
    lacks=needs_spaces,
    free=(OPTION,),
)
def masked_words(job: Job) -> tuple[Edits, Array]:
    """Substitute words that a masked language model expects there."""
    return substituted(job, pattern, "masked_words")

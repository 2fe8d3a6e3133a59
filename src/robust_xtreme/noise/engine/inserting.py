"""Noise that puts a character between two letters of a word.

A member is a function from a language to the characters, which are equally likely. The engine selects letters that are
before another letter, and puts a character after them: never within a cluster, nor before or after a Thai vowel that
belongs to the letter beside it, nor where a span begins or ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Unpack

import numpy as np

from robust_xtreme.core import packs, randomness
from robust_xtreme.core.edits import Array, Edits, at
from robust_xtreme.noise.engine._select import unit_draws
from robust_xtreme.noise.engine.alphabet import alphabet
from robust_xtreme.noise.engine.letters import Letters, page_of
from robust_xtreme.noise.engine.perturbation import Declared, Job, Perturbation, member

THAI_BEFORE: Final = "เแโใไ"
THAI_AFTER: Final = "ะาำๅฯๆ"
"""Thai vowels that are written before a consonant; vowels and signs that are written after what they belong to."""


def inserting(
    *, strength: str, operator: str, **declared: Unpack[Declared]
) -> Callable[[Callable[[str], Iterable[str]]], Perturbation]:
    """Make a perturbation of a function from a language to the characters that are put between letters.

    `operator` is the name of its only kind of edit. `declared` are fields of Perturbation.
    """

    def make(author: Callable[[str], Iterable[str]]) -> Perturbation:
        @packs.cached
        def characters(language: str) -> Array:
            return np.array([ord(character) for character in author(language)], np.uint32)

        def edit(job: Job) -> tuple[Edits, Array]:
            return _decided(job, page_of(job.batch, alphabet(job.language)), characters(job.language))

        return member(author, "letters", "grapheme cluster", strength, (operator,), edit, **declared)

    return make


def _decided(job: Job, page: Letters, characters: Array) -> tuple[Edits, Array]:
    """The edits of a batch, and the number of eligible units of each text (t,)."""
    # A letter and what is put after it are the two pieces of an edit.
    batch, draws = job.batch, unit_draws(job.batch, job.keys)
    where = _between(page)
    eligible = np.add.reduceat(where, batch.bounds[:-1], dtype=np.int64)
    numbers = np.flatnonzero(where & randomness.chosen(draws, job.strength))
    start, stop = at(batch.clusters.starts, numbers), at(batch.clusters.starts, numbers + 1)
    drawn = randomness.below(randomness.stream(draws[numbers], randomness.REPLACEMENT), len(characters))
    source = np.stack((start, len(batch.points) + drawn), axis=1)
    length = np.stack((stop - start, np.ones_like(start)), axis=1)
    none = np.zeros(len(numbers), np.int64)
    return Edits(start, stop, none, np.ones(len(numbers), np.uint8), source, length, characters), eligible


def _between(page: Letters) -> Array:
    """Which clusters (m,) are letters directly before another letter that they do not belong to."""
    letter = page.letter if page.closed is None else page.letter & page.closed
    where = np.zeros(len(letter), np.bool_)
    where[:-1] = letter[:-1] & letter[1:]
    if page.edge is not None:
        where[:-1] &= ~page.edge[1:]
    points = page.points
    where &= ~np.isin(points, [ord(vowel) for vowel in THAI_BEFORE])
    where[:-1] &= ~np.isin(points[1:], [ord(sign) for sign in THAI_AFTER])
    return where

"""Images and their captions as a stage learns them, from files or from drawn scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from robust_xtreme.core.errors import MissingData
from robust_xtreme.core.examples import digest

WORLD: Final = "world"
"""The pairs that ship with the program: drawn scenes of the embedded world."""

NAME: Final = "images"
"""The stage that learns from pairs."""

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
"""The colours of an image, uint8 (height, width, 3)."""


@final
@dataclass(frozen=True, slots=True)
class Caption:
    """A caption and its language; the language is empty where the files do not name one."""

    text: str
    language: str


@final
@dataclass(frozen=True, slots=True)
class Picture:
    """An image with its captions.

    `identity` is the hash of its content, `pixels(size)` its colours, uint8 (size, size, 3).
    """

    name: str
    identity: str
    captions: tuple[Caption, ...]
    pixels: Callable[[int], Pixels]


@final
@dataclass(frozen=True, slots=True)
class Pairs:
    """The images of a stage, each with one caption or several; no two images have the same content."""

    name: str
    pictures: tuple[Picture, ...]

    @property
    def identity(self) -> str:
        """The hash of the images and their captions, in order."""
        return digest(
            *(
                part
                for picture in self.pictures
                for part in (
                    picture.identity,
                    str(len(picture.captions)),
                    *(word for caption in picture.captions for word in (caption.language, caption.text)),
                )
            )
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the captions, sorted; an order of words is not a language (`en/3`)."""
        codes = {caption.language.partition("/")[0] for picture in self.pictures for caption in picture.captions}
        return tuple(sorted(codes - {""}))

    @property
    def count(self) -> int:
        """The number of captions."""
        return sum(len(picture.captions) for picture in self.pictures)

    def texts(self) -> list[str]:
        """Every distinct caption, in order: the data of masked LM on the same text."""
        return list(dict.fromkeys(caption.text for picture in self.pictures for caption in picture.captions))


def read_pairs(source: str, languages: Sequence[str] = (), most: int = 0) -> Pairs:
    """The pairs of a file, a folder or `world`, with the captions of some languages, or of all.

    `most` bounds the number of captions: whole images in hash order, at least one, so that a smaller number gives a
    subset. Raises MissingData, DataError, and UserError where Pillow is not installed.
    """
    from robust_xtreme.training.images import files, world

    pairs = world.pairs() if source == WORLD else files.read(Path(source))
    return _within(_in_languages(pairs, tuple(languages), source), most)


def _in_languages(pairs: Pairs, languages: tuple[str, ...], source: str) -> Pairs:
    """The pairs with captions of some languages. The world's orders of words are read only where they are named."""
    there = {caption.language for picture in pairs.pictures for caption in picture.captions}
    wanted = languages or tuple(code for code in there if source != WORLD or "/" not in code)
    missing = sorted(set(wanted) - there)
    if missing:
        known = ", ".join(sorted(there - {""})) or "unnamed"
        raise MissingData(f"{source} has no captions in {', '.join(missing)}; its languages are {known}.")
    kept = (
        replace(picture, captions=tuple(caption for caption in picture.captions if caption.language in wanted))
        for picture in pairs.pictures
    )
    return replace(pairs, pictures=tuple(picture for picture in kept if picture.captions))


def _within(pairs: Pairs, most: int) -> Pairs:
    if not most or pairs.count <= most:
        return pairs
    chosen: set[str] = set()
    taken = 0
    for picture in sorted(pairs.pictures, key=lambda picture: digest(picture.identity)):
        taken += len(picture.captions)
        if chosen and taken > most:
            break
        chosen.add(picture.identity)
    return replace(pairs, pictures=tuple(picture for picture in pairs.pictures if picture.identity in chosen))


def exchanged(pairs: Pairs, seed: int) -> Pairs:
    """The pairs with the captions of other images: a control, in which captions say nothing of their images."""
    order = np.random.default_rng((seed, len(pairs.pictures))).permutation(len(pairs.pictures))
    pictures = zip(pairs.pictures, order, strict=True)
    return replace(
        pairs,
        pictures=tuple(replace(picture, captions=pairs.pictures[other].captions) for picture, other in pictures),
    )

"""The pairs that a source names; scenes of the embedded world have captions in four languages and in made-up orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import digest
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file
from robust_xtreme.training.images.drawing import SIZE, Scene, drawn, scene_of
from robust_xtreme.training.images.pairs import WORLD, Caption, Pairs, Picture, Pixels, read

FILE: Final = "images/scenes.jsonl"


def read_scenes(path: Path) -> Pairs:
    """The scenes of a file: JSON objects with `id`, `scene` and `captions` by language. Raises DataError."""
    pictures: dict[str, Picture] = {}
    for number, line in numbered_lines(read_file(path).text):
        location = f"{path}:{number}"
        row = parse(line, location)
        scene, captions = scene_of(_table(row, "scene", location), location), _captions(row, location)
        picture = Picture(str(row.get("id", number)), identity_of(scene), captions, partial(scaled, scene))
        if picture.identity in pictures:
            raise DataError(location, f"draws the same image as scene {pictures[picture.identity].name}.")
        pictures[picture.identity] = picture
    return Pairs(WORLD, tuple(pictures.values()))


def _captions(row: Mapping[str, Any], location: str) -> tuple[Caption, ...]:
    captions = _table(row, "captions", location)
    if not captions or not all(isinstance(text, str) and text.strip() for text in captions.values()):
        raise DataError(location, "has no captions by language, or an empty one.")
    return tuple(Caption(text, language) for language, text in captions.items())


def _table(row: Mapping[str, Any], key: str, location: str) -> Mapping[str, Any]:
    value = row.get(key)
    if not isinstance(value, dict):
        raise DataError(location, f"has no object {key!r}.")
    return value


@cache
def identity_of(scene: Scene) -> str:
    """The hash of a scene's pixels."""
    return digest(drawn(scene).tobytes().hex())


def scaled(scene: Scene, size: int) -> Pixels:
    """The scene, uint8 (size, size, 3): each pixel is that of the drawing which is nearest."""
    nearest = np.arange(size) * SIZE // size
    return drawn(scene)[nearest][:, nearest]


def read_pairs(source: str, languages: Sequence[str] = (), most: int = 0) -> Pairs:
    """The pairs of a file, a folder or `world`, with the captions of some languages, or of all.

    `most` bounds the number of captions: whole images in hash order, at least one, so that a smaller number gives a
    subset. Raises MissingData, DataError, and UserError where Pillow is not installed.
    """
    pairs = read_scenes(resources.mini(WORLD) / FILE) if source == WORLD else read(Path(source))
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

"""The scenes of the embedded world, with captions in four languages and in made-up orders of English words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import digest
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file
from robust_xtreme.training.images.drawing import SIZE, Scene, drawn, scene_of
from robust_xtreme.training.images.pairs import WORLD, Caption, Pairs, Picture, Pixels

FILE: Final = "images/scenes.jsonl"


def scenes_file() -> Path:
    """The file of the scenes: a JSON object each line, with `id`, `scene` and `captions` by language."""
    return resources.mini(WORLD) / FILE


def pairs() -> Pairs:
    """The drawn scenes and all their captions. Raises DataError where the file is damaged."""
    return read(scenes_file())


def read(path: Path) -> Pairs:
    """The scenes of a file. Raises DataError."""
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

"""The pairs that a source names; scenes of the embedded world have captions in four languages and in made-up orders.

A scene is 32 x 32 colours, the same bytes on every machine, drawn with numpy alone. At the top are the subject (left),
the object (middle) and the recipient (right). At the bottom are the sign of the verb (left) and that of the place
(right); the place gives the background its tint, too. A thing has the shape of its kind, the sign of its noun, and the
colour, size or mark of its adjective. A person has a round head, a role a square one, an organisation a roof. Signs and
other colours are drawn from the hash of a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from colorsys import hls_to_rgb
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import digest
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file
from robust_xtreme.training.images.pairs import WORLD, Caption, Pairs, Picture, Pixels, read

SIZE: Final = 32
"""The height and width of a scene in pixels."""

_COLUMNS: Final = (0, 11, 22)
_GREY: Final = (150, 150, 150)
_DARK: Final = (30, 30, 30)
_COLOURS: Final[Mapping[str, tuple[int, int, int]]] = MappingProxyType(
    {
        "red": (215, 30, 35),
        "blue": (40, 80, 215),
        "green": (30, 150, 60),
        "white": (250, 250, 250),
        "black": (25, 25, 25),
        "yellow": (240, 215, 40),
    }
)
_RADII: Final[Mapping[str, float]] = MappingProxyType({"big": 5.0, "small": 3.0})

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """Somebody or something in a scene.

    `names` are those of a person (first and last), a role, an organisation (stem and kind), or a thing (its noun).
    `kind` is that of a thing (`vehicle`), `quality` its adjective; both can be empty.
    """

    sort: str
    names: tuple[str, ...]
    kind: str = ""
    quality: str = ""


@final
@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn: a verb, up to three figures (subject, object, recipient), and the city, which can be empty."""

    verb: str
    figures: tuple[Figure | None, ...]
    city: str = ""


def scene_of(row: Mapping[str, Any], location: str) -> Scene:
    """The scene of a JSON object: `verb`, `figures`, `place`. Raises DataError."""
    try:
        figures = tuple(None if figure is None else _figure(figure) for figure in row["figures"])
        verb, city = row["verb"], row.get("place", "")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(location, "is not a scene with 'verb' and 'figures'.") from error
    if not isinstance(verb, str) or not isinstance(city, str) or not 0 < len(figures) <= len(_COLUMNS):
        raise DataError(location, f"is not a scene of a verb, 1 to {len(_COLUMNS)} figures and a place.")
    return Scene(verb, figures, city)


def _figure(value: Mapping[str, Any]) -> Figure:
    if value["sort"] not in _DRAWERS:
        raise ValueError(value["sort"])
    names = tuple(map(str, value["names"]))
    return Figure(value["sort"], names, str(value.get("kind", "")), str(value.get("quality", "")))


def drawn(scene: Scene) -> Pixels:
    """The colours of a scene, uint8 (32, 32, 3)."""
    canvas = np.full((SIZE, SIZE, 3), 235, np.uint8)
    if scene.city:
        canvas[:] = _colour(f"place/{scene.city}", light=0.86)
        _paint(canvas, _sign(f"place/{scene.city}", scale=2), 21, 21, _DARK)
    _paint(canvas, _sign(f"verb/{scene.verb}", scale=2), 21, 1, (110, 20, 110))
    for figure, left in zip(scene.figures, _COLUMNS, strict=False):
        if figure is not None:
            _DRAWERS[figure.sort](canvas, figure, left)
    return canvas


def _person(canvas: Pixels, figure: Figure, left: int) -> None:
    """A round head with the colour and the sign of the first name, and a body with those of the last."""
    first, *last = figure.names
    _paint(canvas, _disc(5.0), 0, left, _colour(f"first/{first}"))
    _paint(canvas, _sign(f"first/{first}"), 2, left + 2, _DARK)
    _paint(canvas, np.ones((9, 7), np.bool_), 11, left + 1, _colour(f"last/{last[0]}") if last else _GREY)
    if last:
        _paint(canvas, _sign(f"last/{last[0]}"), 13, left + 2, _DARK)


def _role(canvas: Pixels, figure: Figure, left: int) -> None:
    """A grey square head, and a wide body with the colour and the sign of the role."""
    _paint(canvas, np.ones((8, 8), np.bool_), 2, left + 1, _GREY)
    _paint(canvas, np.ones((9, 10), np.bool_), 11, left, _colour(f"role/{figure.names[0]}"))
    _paint(canvas, _sign(f"role/{figure.names[0]}"), 13, left + 2, _DARK)


def _organisation(canvas: Pixels, figure: Figure, left: int) -> None:
    """A roof with the colour of the kind, and a wall with the colour and the sign of the stem."""
    stem, kind = figure.names
    _paint(canvas, _triangle(5.0), 0, left, _colour(f"organisation/{kind}"))
    _paint(canvas, np.ones((10, 10), np.bool_), 10, left, _colour(f"stem/{stem}"))
    _paint(canvas, _sign(f"stem/{stem}"), 12, left + 2, _DARK)


def _thing(canvas: Pixels, figure: Figure, left: int) -> None:
    """The shape of the kind, with the colour or the size of the adjective, the noun's sign, the adjective's mark."""
    quality = figure.quality
    shape = _SHAPES[_number(f"kind/{figure.kind}") % len(_SHAPES)] if figure.kind not in _KINDS else _KINDS[figure.kind]
    colour = _COLOURS.get(quality, _GREY)
    _paint(canvas, shape(_RADII.get(quality, 4.3)), 0, left, colour)
    _paint(canvas, _sign(f"noun/{figure.names[0]}"), 11, left + 2, _DARK)
    if quality and quality not in _COLOURS and quality not in _RADII:
        _paint(canvas, _sign(f"quality/{quality}"), 2, left + 2, _colour(f"quality/{quality}", light=0.3))


_DRAWERS: Final = MappingProxyType(
    {"person": _person, "role": _role, "organisation": _organisation, "thing": _thing},
)


_DOWN: Final = np.arange(10)[:, None] - 4.5
_RIGHT: Final = _DOWN.T
"""Distances (10, 10) of the pixels of a figure from its middle."""


def _disc(radius: float) -> Mask:
    return np.asarray(radius**2 >= _DOWN**2 + _RIGHT**2)


def _square(radius: float) -> Mask:
    return np.asarray(np.maximum(np.abs(_DOWN), np.abs(_RIGHT)) <= radius - 0.5)


def _diamond(radius: float) -> Mask:
    return np.asarray(np.abs(_DOWN) + np.abs(_RIGHT) <= radius)


def _triangle(radius: float) -> Mask:
    return np.asarray((np.abs(_RIGHT) * 2 <= _DOWN + radius) & (np.abs(_DOWN) <= radius))


def _cross(radius: float) -> Mask:
    return np.asarray(np.minimum(np.abs(_DOWN), np.abs(_RIGHT)) <= radius / 3) & _square(radius)


def _ring(radius: float) -> Mask:
    return _disc(radius) & ~_disc(radius / 2)


def _bar(radius: float) -> Mask:
    return np.asarray(np.abs(_DOWN) <= radius / 2) & _square(radius)


_SHAPES: Final = (_disc, _square, _diamond, _triangle, _cross, _ring, _bar)
_KINDS: Final = MappingProxyType(
    dict(zip(("fruit", "furniture", "garment", "instrument", "animal", "vehicle", ""), _SHAPES, strict=True))
)
"""Each kind of thing has its shape; things without a kind are bars, and unknown kinds share these shapes."""


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _sign(name: str, scale: int = 1) -> Mask:
    """A pattern (5, 5) that is the same from the left and from the right, drawn from the hash of a name, enlarged."""
    bits = _number(name) | 1
    half = np.array([[bits >> (3 * row + column) & 1 for column in range(3)] for row in range(5)], np.bool_)
    return np.concatenate([half, half[:, 1::-1]], axis=1).repeat(scale, axis=0).repeat(scale, axis=1)


def _colour(name: str, light: float = 0.55) -> tuple[int, int, int]:
    """A colour whose hue is drawn from the hash of a name."""
    red, green, blue = (round(255 * part) for part in hls_to_rgb((_number(name) >> 32) % 360 / 360, light, 0.75))
    return red, green, blue


def _paint(canvas: Pixels, mask: Mask, top: int, left: int, colour: Sequence[int]) -> None:
    """Paint the pixels of a mask, whose upper left corner is at `top` and `left`."""
    height, width = mask.shape
    canvas[top : top + height, left : left + width][mask] = colour


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

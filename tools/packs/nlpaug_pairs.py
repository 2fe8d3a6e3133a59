"""Compares the neighbours of keys with nlpaug's maps of keyboards: docs/nlpaug-pairs.md.

It has for each language how many pairs of characters are of neighbouring keys, of one key, of keys apart, or of no key;
and all that are of no neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import hypot
from pathlib import Path
from typing import Final, NamedTuple

from tools.gallery import seen

from robust_xtreme.noise.input.keyboards import Layout, Stroke, layout, of_language
from robust_xtreme.report.blocks import Code, Heading, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

KINDS: Final = ("adjacent", "same key", "apart", "not typed")
_HEAD: Final = """\
nlpaug's maps of keyboards (MIT licence) name for each character those that may be hit in its place. Below is what our
usual layout of the language says of each pair: `adjacent`, of keys whose centres are at most 1.25 key pitches apart,
which are all among our neighbours; of the `same key`, with and without Shift; of keys further `apart`; or `not typed`,
where this layout has no key for one of them. All pairs but the adjacent ones are listed, those of both directions once,
those apart by their distance in key pitches. Written by `python -m tools.generated docs/nlpaug-pairs.md`; a test
compares it.
"""


class Pair(NamedTuple):
    """Two characters that nlpaug's map calls neighbours, what our keyboard says, and how far apart the keys are."""

    letter: str
    other: str
    kind: str
    distance: float


def pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The pairs of a map: a character, and each of those that may replace it."""
    for letter, others in json.loads(path.read_text(encoding="utf-8")).items():
        yield from ((letter, other) for other in others)


def compared(path: Path, name: str) -> list[Pair]:
    """Each pair of a map on one of our layouts."""
    keyboard = layout(name)
    return [_pair(keyboard, letter, other) for letter, other in pairs(path)]


def _pair(keyboard: Layout, letter: str, other: str) -> Pair:
    first, second = _key(keyboard, letter), _key(keyboard, other)
    if first is None or second is None:
        return Pair(letter, other, "not typed", 0.0)
    distance = hypot(first.key.x - second.key.x, first.key.y - second.key.y)
    if first.key is second.key:
        return Pair(letter, other, "same key", distance)
    near = second.key in keyboard.neighbours[first.key]
    return Pair(letter, other, "adjacent" if near else "apart", distance)


def _key(keyboard: Layout, sign: str) -> Stroke | None:
    strokes = keyboard.strokes(sign)
    return strokes[0] if strokes and len(strokes) == 1 else None


def counts(pairs: list[Pair]) -> dict[str, int]:
    """How many pairs are of each kind."""
    return {kind: sum(pair.kind == kind for pair in pairs) for kind in KINDS}


def page(folder: Path) -> str:
    """The page, in Markdown, from a folder of maps: `en.json` and so on (nlpaug/res/char/keyboard)."""
    comparisons = {path.stem: compared(path, of_language(path.stem)[0]) for path in sorted(folder.glob("*.json"))}
    head = ("language", "layout", *KINDS)
    rows = [
        (code, of_language(code)[0], *map(str, counts(compared_pairs).values()))
        for code, compared_pairs in comparisons.items()
    ]
    sections = (
        block
        for code, compared_pairs in comparisons.items()
        for block in (Heading(code), Code(tuple(_lines(compared_pairs))))
    )
    return markdown.render(ReportPage("Pairs of keys in nlpaug's maps", (Prose(_HEAD), grid(head, rows), *sections)))


def _lines(pairs: list[Pair]) -> Iterator[str]:
    """What is listed of one language."""
    for kind in KINDS[1:]:
        of_kind = [pair for pair in pairs if pair.kind == kind]
        for distance in sorted({round(pair.distance, 2) for pair in of_kind}):
            label = f"{kind} {distance:.2f}" if kind == "apart" else kind
            yield f"{label}: {_listed(pair for pair in of_kind if round(pair.distance, 2) == distance)}"


def _listed(listed: Iterable[Pair]) -> str:
    """Pairs in either order, once; marks on a circle, a blank as a sign."""
    pairs = sorted({tuple(sorted((pair.letter, pair.other))) for pair in listed})
    return " ".join("".join(seen(sign).replace(" ", "␣") for sign in both) for both in pairs)

"""Compare the neighbours of keys with nlpaug's maps of keyboards.

    python -m tools.packs.nlpaug_pairs FOLDER

where FOLDER holds `en.json` and so on (nlpaug/res/char/keyboard) prints, for each language, how many pairs of
characters are of neighbouring keys, of one key, of keys apart, or of no key; and those of keys apart, by distance.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from math import hypot
from pathlib import Path
from typing import Final, NamedTuple

from robust_xtreme.noise._keyboards import Layout, Stroke, layout, of_language

KINDS: Final = ("adjacent", "same key", "apart", "not typed")


class Pair(NamedTuple):
    """Two characters that nlpaug's map calls neighbours, what our keyboard says, and how far apart the keys are."""

    one: str
    other: str
    kind: str
    distance: float


def pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The pairs of a map: a character, and each of those that may stand in its place."""
    for one, others in json.loads(path.read_text(encoding="utf-8")).items():
        yield from ((one, other) for other in others)


def compared(path: Path, name: str) -> list[Pair]:
    """Each pair of a map on one of our layouts."""
    keyboard = layout(name)
    return [_pair(keyboard, one, other) for one, other in pairs(path)]


def _pair(keyboard: Layout, one: str, other: str) -> Pair:
    first, second = _key(keyboard, one), _key(keyboard, other)
    if first is None or second is None:
        return Pair(one, other, "not typed", 0.0)
    distance = hypot(first.key.x - second.key.x, first.key.y - second.key.y)
    if first.key is second.key:
        return Pair(one, other, "same key", distance)
    near = second.key in keyboard.neighbours(first.key)
    return Pair(one, other, "adjacent" if near else "apart", distance)


def _key(keyboard: Layout, sign: str) -> Stroke | None:
    strokes = keyboard.strokes(sign)
    return strokes[0] if strokes and len(strokes) == 1 else None


def counts(found: list[Pair]) -> dict[str, int]:
    """How many pairs are of each kind."""
    return {kind: sum(pair.kind == kind for pair in found) for kind in KINDS}


def main() -> None:
    """Print the table and the pairs of keys apart."""
    for path in sorted(Path(sys.argv[1]).glob("*.json")):
        name = of_language(path.stem)[0]
        found = compared(path, name)
        print(path.stem, name, *(f"{kind} {count}" for kind, count in counts(found).items()), sep="\t")
        apart = sorted({(round(pair.distance, 2), pair.one + pair.other) for pair in found if pair.kind == "apart"})
        print("\t" + " ".join(f"{both}:{distance}" for distance, both in apart))


if __name__ == "__main__":
    main()

"""The characters of neighbouring keys, for input methods that are typed on a Latin layout."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core import packs
from robust_xtreme.noise.input.keyboards import closeness, layout

LATIN: Final = "us"
"""The keyboard pack that says where the keys of Latin letters are."""

_SHIFT: Final = 1


@packs.cached
def near(name: str, sign: str) -> tuple[tuple[str, int], ...]:
    """The characters of a layout that neighbouring keys type at the level of this one, with their weights."""
    strokes = layout(name).strokes(sign)
    if not strokes:
        return ()
    key, level = strokes[-1]
    others = ((other.levels[level], closeness(key, other)) for other in layout(name).neighbours(key))
    return tuple((typed, weight) for typed, weight in others if len(typed) == 1)


@packs.cached
def shifted(name: str, sign: str) -> str:
    """What the same key types with Shift added or missed; "" if nothing."""
    strokes = layout(name).strokes(sign)
    return strokes[-1].key.levels[strokes[-1].level ^ _SHIFT] if strokes else ""

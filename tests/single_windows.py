"""The windows of a family one by one, with layouts that tests compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from robust_xtreme.models.reading.members.labelled import WordLayouts
from robust_xtreme.models.reading.members.retrieval import FIELDS, TextLayouts
from robust_xtreme.models.reading.members.span_qa import ContextLayouts
from robust_xtreme.models.reading.windows import Windows


@dataclass(frozen=True, slots=True)
class WordLayout:
    """Words `begin`, `begin + 1`, ... of the sentence are in this window, read off the tokens at `firsts`."""

    begin: int
    firsts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextLayout:
    """A text of the field `name`: `count` tokens from `first`, between the special tokens."""

    name: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class ContextLayout:
    """Context tokens are from `first` on; `offsets` (T, 2) are their code points, `reach` is what the window reads."""

    first: int
    offsets: Any
    reach: tuple[int, int]


Window = Any
"""A Window whose layout is one of these."""


def singly(windows: Windows) -> list[Window]:
    """Each of some windows, with its layout as a value that can be compared."""
    return [replace(window, layout=_layout(window.layout)) for window in windows]


def _layout(layout: Any) -> Any:
    match layout:
        case WordLayouts():
            firsts = layout.firsts[layout.bounds[0] : layout.bounds[1]]
            return WordLayout(int(layout.begin[0]), tuple(firsts.tolist()))
        case TextLayouts():
            return TextLayout(FIELDS[layout.field[0]], int(layout.first[0]), int(layout.count[0]))
        case ContextLayouts():
            begin, end = layout.reach[0].tolist()
            return ContextLayout(int(layout.first[0]), layout.offsets[layout.begin[0] : layout.stop[0]], (begin, end))
        case _:
            return layout

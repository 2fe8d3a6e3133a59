"""The windows of a family one by one, each as a value, for tests that compare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from robust_xtreme.models.reading.members.retrieval import TextLayouts
from robust_xtreme.models.reading.members.span_qa import ContextLayouts
from robust_xtreme.models.reading.members.tagging import WordLayouts
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


@dataclass(frozen=True, slots=True)
class Window:
    """One input of a model, as it is read off the columns of Windows."""

    example: int
    input_ids: tuple[int, ...]
    layout: Any
    truncated: bool
    second: int = 0
    summary: int = 0


def singly(windows: Windows) -> list[Window]:
    """Each of some windows as a value."""
    return [_window(windows, row) for row in range(len(windows))]


def _window(windows: Windows, row: int) -> Window:
    ids = tuple(windows.ids[windows.bounds[row] : windows.bounds[row + 1]].tolist())
    facts = int(windows.second[row]), int(windows.summary[row])
    return Window(int(windows.example[row]), ids, _layout(windows.layout, row), bool(windows.truncated[row]), *facts)


def _layout(layout: Any, row: int) -> Any:
    match layout:
        case WordLayouts():
            firsts = layout.firsts[layout.bounds[row] : layout.bounds[row + 1]]
            return WordLayout(int(layout.begin[row]), tuple(firsts.tolist()))
        case TextLayouts():
            return TextLayout(layout.names[layout.field[row]], int(layout.first[row]), int(layout.count[row]))
        case ContextLayouts():
            begin, end = layout.reach[row].tolist()
            return ContextLayout(
                int(layout.first[row]), layout.offsets[layout.begin[row] : layout.stop[row]], (begin, end)
            )
        case _:
            return layout

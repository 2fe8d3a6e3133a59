"""Keeps the splits that a plan has read until the run takes them, so that each is read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, final

from robust_xtreme.sources.loading import Split

ROOM: Final = 2_000_000
"""The most texts and spans that are kept, about 200 to 500 bytes each: all of XTREME-R but a part of PAN-X."""

Key = tuple[str, str, str]


@final
@dataclass(slots=True)  # filled while a run is planned, emptied while it is computed
class Splits:
    """Splits by task, language and split. A split that does not fit is not kept; it is read again."""

    kept: dict[Key, Split] = field(default_factory=dict)
    room: int = ROOM

    def keep(self, split: Split) -> None:
        """Keep a split until it is taken, if there is room for it."""
        size = _size(split)
        if size <= self.room:
            self.room -= size
            self.kept[split.task, split.language, split.split] = split

    def take(self, task: str, language: str, split: str) -> Split | None:
        """Remove and return a split; None where it was not kept."""
        taken = self.kept.pop((task, language, split), None)
        self.room += _size(taken) if taken else 0
        return taken


def _size(split: Split) -> int:
    """Texts and spans of the examples; `Pools` keeps the pools."""
    return sum(1 + len(text.spans) for example in split.examples for text in example.texts.values())

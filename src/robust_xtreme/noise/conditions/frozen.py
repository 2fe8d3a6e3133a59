"""Frozen texts: those that an attack on another model left.

A set is the texts of one attack condition of a run. It is named by the attack, its victim and a hash of its edits,
never by a path, so that a cell of another content has another name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.core.edits import Edit
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.examples import Example

KIND: Final = "frozen"
FROZEN: Final = f"{KIND}:"
"""What the names of these conditions begin with."""


@final
@dataclass(frozen=True, slots=True)
class Frozen:
    """The edits of an attack on the model `victim` in items of one task and language, by noise seed and example."""

    name: str
    attack: str
    victim: str
    fields: tuple[str, ...]
    edits: Mapping[tuple[int, str], tuple[Edit, ...]]
    fingerprints: Mapping[str, str]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The noise seeds of the attack."""
        return tuple(sorted({seed for seed, _ in self.edits}))

    def of(self, example: Example, seed: int) -> Sequence[Edit]:
        """The edits of an example. Raises Mismatch where the set has none, or those of other content."""
        if example.id not in self.fingerprints:
            raise Mismatch(f"{self.name} has no text for {example.id}. Evaluate the items that were attacked.")
        if self.fingerprints[example.id] != example.fingerprint:
            raise Mismatch(f"{example.id} is not what it was when {self.attack} was run: the data are others.")
        ends: dict[str, int] = {}
        for edit in sorted(self.edits[seed, example.id]):
            text = example.texts.get(edit.field)
            if text is None or not 0 <= edit.start <= edit.stop <= len(text.value):
                raise Mismatch(f"{self.name}: an edit of {example.id} is outside of its text.")
            if edit.start < ends.get(edit.field, 0):
                raise Mismatch(f"{self.name}: edits of {example.id} overlap.")
            ends[edit.field] = edit.stop
        return self.edits[seed, example.id]

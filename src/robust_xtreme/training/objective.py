"""The objective of a stage: parts, each with a head, units of windows, and a loss over units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import Final, final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.errors import counted
from robust_xtreme.examples import Example
from robust_xtreme.models.windows import Scores, Window
from robust_xtreme.predictors.family import Family, Labels
from robust_xtreme.targets.kinds import kind_of

IGNORED: Final = -100
"""The target of a token that is not masked."""

Masking = Callable[[Scores, np.random.Generator], tuple[Scores, Scores]]


@final
@dataclass(frozen=True, slots=True)
class Taken:
    """Some units of a part: their windows, the number of windows of each, and the examples that the windows index.

    For masked LM also the masked ids `hidden` (N, L), and `targets` (N, L), IGNORED where nothing is masked.
    """

    windows: tuple[Window, ...]
    sizes: tuple[int, ...]
    examples: Sequence[Example] = ()
    hidden: Scores | None = None
    targets: Scores | None = None

    def every(self, first: int, step: int) -> Taken:
        """Every `step`-th unit from the `first` on."""
        # Rows of unit u are ends[u] to ends[u + 1]: units have several windows.
        ends = [0, *accumulate(self.sizes)]
        chosen = range(first, len(self.sizes), step)
        rows = [row for unit in chosen for row in range(ends[unit], ends[unit + 1])]
        return replace(
            self,
            windows=tuple(self.windows[row] for row in rows),
            sizes=tuple(self.sizes[unit] for unit in chosen),
            hidden=None if self.hidden is None else self.hidden[rows],
            targets=None if self.targets is None else self.targets[rows],
        )


Take = Callable[[Sequence[tuple[int, int]]], Taken]
"""From units, each with the number of its pass, to their content in that pass."""


@final
@dataclass(frozen=True, slots=True)
class Part:
    """A head and the units that it learns from.

    `lengths` are the tokens of each unit's longest window. `loss(head, hidden (N, L, H), mask (N, L), taken)` is the
    mean over terms, and `terms(taken)` their number, so that losses over the shares of a batch add up to that of the
    whole. `masking` masks tokens.
    """

    name: str
    head: nn.Module
    lengths: tuple[int, ...]
    take: Take
    loss: Callable[[nn.Module, Tensor, Tensor, Taken], Tensor]
    terms: Callable[[Taken], int]
    masking: Masking | None = None


def task_part(
    name: str,
    family: Family,
    head: nn.Module,
    windows: Sequence[Window],
    examples: Sequence[Example],
    labels: Labels,
) -> Part:
    """A part that learns from windows; a unit is a window or, where a loss needs it, all windows of an example."""
    units = units_of(family, windows)

    def take(spans: Sequence[tuple[int, int]]) -> Taken:
        chosen = [units[unit] for unit, _ in spans]
        return Taken(tuple(window for unit in chosen for window in unit), tuple(map(len, chosen)), examples)

    return Part(name, head, lengths_of(units), take, _task_loss(family, labels), terms_of(family))


def noised_part(
    name: str,
    family: Family,
    head: nn.Module,
    windows: Sequence[Window],
    labels: Labels,
    draw: Callable[[Sequence[tuple[int, int]]], tuple[list[Window], Sequence[Example]]],
) -> Part:
    """A part that learns from examples that `draw` noises and encodes again in each pass; a unit is an example.

    `windows` are the clean windows, whose lengths the batches are planned by.
    """
    units = [tuple(group) for _, group in groupby(windows, key=lambda window: window.example)]

    def take(spans: Sequence[tuple[int, int]]) -> Taken:
        drawn, examples = draw(spans)
        sizes = [0] * len(spans)
        for window in drawn:
            sizes[window.example] += 1
        return Taken(tuple(drawn), tuple(sizes), examples)

    return Part(name, head, lengths_of(units), take, _task_loss(family, labels), terms_of(family))


def _task_loss(family: Family, labels: Labels) -> Callable[[nn.Module, Tensor, Tensor, Taken], Tensor]:
    def loss(head: nn.Module, hidden: Tensor, mask: Tensor, taken: Taken) -> Tensor:
        return family.loss(head, hidden, mask, taken.windows, taken.examples, labels)

    return loss


def terms_of(family: Family) -> Callable[[Taken], int]:
    """The number of terms that a family's loss is the mean of: examples, tagged words, or windows."""
    if family.together:
        return lambda taken: len(taken.sizes)
    if kind_of(family.name).words:
        return lambda taken: sum(len(window.layout.firsts) for window in taken.windows)
    return lambda taken: len(taken.windows)


def units_of(family: Family, windows: Iterable[Window]) -> list[tuple[Window, ...]]:
    """Units: single windows or, in families whose loss needs them together, all windows of an example."""
    if not family.together:
        return [(window,) for window in windows]
    return [tuple(group) for _, group in groupby(windows, key=lambda window: window.example)]


def lengths_of(units: Iterable[Sequence[Window]]) -> tuple[int, ...]:
    """Tokens of each unit's longest window."""
    return tuple(max(len(window.input_ids) for window in unit) for unit in units)


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """Rows `start` to `stop` of a batch: their part, the units taken, and the weight of their loss."""

    part: int
    start: int
    stop: int
    taken: Taken
    weight: float = 1.0


@final
@dataclass(frozen=True, slots=True)
class Batch:
    """The input of one pass through the encoder: ids (B, L), mask (B, L), windows, and their pieces."""

    ids: Tensor
    mask: Tensor
    windows: tuple[Window, ...]
    pieces: tuple[Piece, ...]

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device; its windows stay where they are."""
        ids, mask = (tensor.to(device, non_blocking=True) for tensor in (self.ids, self.mask))
        return replace(self, ids=ids, mask=mask)

    def named(self) -> str:
        """The ids of its first examples, for errors."""
        ids = [
            piece.taken.examples[window.example].id
            for piece in self.pieces
            for window in piece.taken.windows
            if piece.taken.examples
        ]
        shown = list(dict.fromkeys(ids))
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        return f"{', '.join(shown[:_SHOWN])}{more}" if shown else f"{counted(len(self.windows), 'line')} of text"


_SHOWN: Final = 3

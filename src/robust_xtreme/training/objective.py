"""The objective of a stage: parts, each with a head, units of windows, and a loss over units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.core.columns import gathered
from robust_xtreme.core.errors import counted
from robust_xtreme.core.examples import Example, kind_of
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.reading.members.tagging import WordLayouts
from robust_xtreme.models.reading.reading import Labels
from robust_xtreme.models.reading.windows import Windows, layout_of, of_examples
from robust_xtreme.models.tensors import Scores

IGNORED: Final = -100
"""The target of a token that is not masked."""

Masking = Callable[[Scores, np.random.Generator], tuple[Scores, Scores]]


@final
@dataclass(frozen=True, slots=True)
class Taken:
    """Some units of a part: their windows, the number of windows of each, and the examples that the windows index.

    For masked LM also the masked ids `hidden` (N, L), and `targets` (N, L), IGNORED where nothing is masked. For images
    and captions the colours `pixels` (N, H, W, 3) of the images of the units, uint8.
    """

    windows: Windows
    sizes: tuple[int, ...]
    examples: Sequence[Example] = ()
    hidden: Scores | None = None
    targets: Scores | None = None
    pixels: Scores | None = None

    def every(self, first: int, step: int) -> Taken:
        """Every `step`-th unit from the `first` on."""
        # Rows of unit u are ends[u] to ends[u + 1]: units have several windows.
        ends = [0, *accumulate(self.sizes)]
        chosen = range(first, len(self.sizes), step)
        rows = [row for unit in chosen for row in range(ends[unit], ends[unit + 1])]
        return replace(
            self,
            windows=self.windows.take(rows),
            sizes=tuple(self.sizes[unit] for unit in chosen),
            hidden=None if self.hidden is None else self.hidden[rows],
            targets=None if self.targets is None else self.targets[rows],
            pixels=None if self.pixels is None else self.pixels[list(chosen)],
        )


Take = Callable[[Sequence[tuple[int, int]]], Taken]
"""From units, each with the number of its pass, to their content in that pass."""


@final
@dataclass(frozen=True, slots=True)
class HeadUnits:
    """A head and the units that it learns from.

    `lengths` are the tokens of each unit's longest window. `loss(head, hidden (N, L, H), mask (N, L), taken)` is the
    mean over terms, and `terms(taken)` their number, so that losses over the shares of a batch add up to that of the
    whole. `masking` masks tokens. `ids` are the token ids that units can have, None where they are not known.
    """

    name: str
    head: nn.Module
    lengths: tuple[int, ...]
    take: Take
    loss: Callable[[nn.Module, Tensor, Tensor, Taken], Tensor]
    terms: Callable[[Taken], int]
    masking: Masking | None = None
    ids: Scores | None = None


Draw = Callable[[Sequence[tuple[int, int]]], tuple[Windows, Sequence[Example]]]


def task_part(
    name: str,
    family: Family,
    head: nn.Module,
    windows: Windows,
    examples: Sequence[Example],
    labels: Labels,
    draw: Draw | None = None,
) -> HeadUnits:
    """A part that learns from windows; a unit is a window or, where a loss needs it, all windows of an example.

    With `draw`, which noises examples and encodes them again in each pass, a unit is an example, and batches are
    planned by the lengths of its clean windows.
    """
    units = _by_example(windows) if draw else units_of(family, windows)

    def take(spans: Sequence[tuple[int, int]]) -> Taken:
        if draw:
            drawn, noised = draw(spans)
            return Taken(drawn, tuple(np.diff(of_examples(drawn, len(spans))).tolist()), noised)
        rows, bounds = gathered(units, np.array([unit for unit, _ in spans], np.int64))
        return Taken(windows.take(rows), tuple(np.diff(bounds).tolist()), examples)

    def loss(head: nn.Module, hidden: Tensor, mask: Tensor, taken: Taken) -> Tensor:
        return family.loss(head, hidden, mask, taken.windows, taken.examples, labels)

    lengths = tuple(np.maximum.reduceat(windows.lengths, units[:-1]).tolist()) if len(units) > 1 else ()
    ids = None if draw else np.unique(windows.ids)
    return HeadUnits(name, head, lengths, take, loss, terms_of(family), ids=ids)


def terms_of(family: Family) -> Callable[[Taken], int]:
    """The number of terms that a family's loss is the mean of: examples, tagged words, or windows."""
    if family.together:
        return lambda taken: len(taken.sizes)
    if kind_of(family.name).words:
        return lambda taken: len(layout_of(taken.windows, WordLayouts).firsts)
    return lambda taken: len(taken.windows)


def units_of(family: Family, windows: Windows) -> Scores:
    """The bounds of units (u + 1,): single windows or, where a loss needs them together, all windows of an example."""
    return _by_example(windows) if family.together else np.arange(len(windows) + 1)


def _by_example(windows: Windows) -> Scores:
    starts = np.flatnonzero(np.diff(windows.example, prepend=-1))
    return np.append(starts, len(windows))


@final
@dataclass(frozen=True, slots=True)
class BatchRows:
    """Rows `start` to `stop` of a batch: their part, the units taken, and the weight of their loss."""

    part: int
    start: int
    stop: int
    taken: Taken
    weight: float = 1.0


@final
@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """The input of one pass through the encoder: ids (B, L), mask (B, L), windows, and their pieces."""

    ids: Tensor
    mask: Tensor
    windows: Windows
    pieces: tuple[BatchRows, ...]

    def to(self, device: torch.device) -> TrainingBatch:
        """The same batch on a device; its windows stay where they are."""
        ids, mask = (tensor.to(device, non_blocking=True) for tensor in (self.ids, self.mask))
        return replace(self, ids=ids, mask=mask)

    def named(self) -> str:
        """The ids of its first examples, for errors."""
        ids = [
            piece.taken.examples[number].id
            for piece in self.pieces
            for number in piece.taken.windows.example.tolist()
            if piece.taken.examples
        ]
        shown = list(dict.fromkeys(ids))
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        return f"{', '.join(shown[:_SHOWN])}{more}" if shown else f"{counted(len(self.windows), 'line')} of text"


_SHOWN: Final = 3

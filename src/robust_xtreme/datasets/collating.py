"""`NoisyCollator`: gives the texts of a training new noise in each epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from robust_xtreme.core.errors import UserError, shown
from robust_xtreme.core.resources import Folders
from robust_xtreme.datasets.condition import condition
from robust_xtreme.exchange.perturbing.output import seed_of
from robust_xtreme.noise.engine.noising import seed_of_pass

_NAME: Final = "NoisyCollator"
_MOST: Final = 1 << 62


class NoisyCollator:
    """Noises the texts of rows, and gives the rows to a collate function.

    `collate` takes a list of rows with their texts, as a dataset has them, and makes a batch; rows are mappings.
    The other arguments are those of `perturb_dataset`. The noise of a text depends on seed, epoch, language and text
    alone: not on order, batch, worker or process, so that a training that continues at an epoch reads what it would
    have read. The seed of an epoch is that of a pass of `robust-xtreme train --perturb`.

    `set_epoch` sets the epoch, counted from 0, in the workers of a data loader too, persistent ones as well: the number
    is in memory that processes share. `LightningEpochs` and `TrainerEpochs` call it. Set it before the loader is
    iterated, because workers read ahead. Raises what `perturb_dataset` raises; a batch raises UserError.
    """

    def __init__(
        self,
        collate: Callable[[list[Any]], Any],
        spec: str,
        *,
        language: str | None = None,
        language_column: str | None = None,
        column: str | Sequence[str] | None = None,
        spans: str | None = None,
        seed: int = 0,
        keep_names: bool = False,
        packs: Folders = (),
    ) -> None:
        if not callable(collate):
            raise UserError(f"{_NAME} takes a function from a list of rows to a batch, not {shown(collate)}")
        self._collate = collate
        self._condition = condition(_NAME, spec, language, language_column, column, spans, seed, keep_names, packs)
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]  # torch has no types there

    @property
    def epoch(self) -> int:
        """The epoch whose noise is drawn, from 0."""
        return int(self._epoch[0])

    def set_epoch(self, epoch: int) -> None:
        """Draw the noise of an epoch from now on. Raises UserError where it is not a whole number from 0."""
        number = seed_of(_NAME, epoch, "epoch")
        if not 0 <= number < _MOST:
            most = f" to {_MOST - 1:,}" if number > 0 else ""
            raise UserError(f"{_NAME} counts epochs from 0{most}, not from {number}.")
        self._epoch[0] = number

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """The batch of rows after the noise of the epoch; the rows themselves do not change."""
        return self._collate(self.noised(rows))

    def noised(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The rows after the noise of the epoch, before they are collated. Raises UserError."""
        if not rows:
            return []
        drawn = replace(self._condition, seed=seed_of_pass(self._condition.seed, self.epoch))
        new = drawn.noised(self._columns(rows), range(len(rows)))
        return [{**row, **{name: values[number] for name, values in new.items()}} for number, row in enumerate(rows)]

    def _columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """The columns of rows, which all have those that are read. Raises UserError."""
        for row in rows:
            if not isinstance(row, Mapping):
                raise UserError(f"{_NAME} takes rows with the names of their columns, not {shown(row)}")
            for name in self._condition.reads():
                if name not in row:
                    known = ", ".join(map(str, row)) or "none"
                    cure = "Trainer removes columns that its model does not read: remove_unused_columns=False"
                    raise UserError(f"A row has no {name!r}; it has: {known}. transformers' {cure}")
        return {name: [row.get(name) for row in rows] for name in rows[0]}

"""The levels of a run that are exported: the headline metric of each cell, with its drop where it is perturbed."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.files.schema import CELL
from robust_xtreme.report.cells import headline, in_order, with_addresses, with_condition
from robust_xtreme.report.view import Results
from robust_xtreme.stats.claims import no_claim, unreached

_CELL: Final = (*CELL, "metric", "scope")


def levels(results: Results) -> pl.DataFrame:
    """SCORES of the headline metrics over all items, in the order of the page, unrounded.

    Beside them are `drop`, `drop_low`, `drop_high`, `drop_p_adjusted` and `drop_marks` of DELTAS, null on clean text
    and of attacks, the parts of the condition, and `address`, the name of the cell on the page. Cells are left out
    where the noise does not apply, edits nothing or does not reach the model.
    """
    scores = headline(results.scores.filter(pl.col("scope") == "all", unreached().is_null()), results)
    named = with_addresses(in_order(with_condition(scores), results))
    drops = results.deltas.filter(no_claim().is_null()).select(
        *_CELL, "drop", *(pl.col(name).alias(f"drop_{name}") for name in ("low", "high", "p_adjusted", "marks"))
    )
    return named.join(drops, on=_CELL, how="left", maintain_order="left")

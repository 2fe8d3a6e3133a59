"""Draws the items of a sheet for human raters: successes of attacks, answers that noise made wrong, clean controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import polars as pl

from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.core.randomness import salt, text_keys
from robust_xtreme.files.schema import CELL
from robust_xtreme.noise.conditions.condition import LIKE, RANDOM
from robust_xtreme.report.cells import perturbed
from robust_xtreme.report.samples.choosing import (
    CLEAN,
    ExampleChoice,
    SampleRows,
    cells_of,
    losses_of,
    parts_of,
    with_predictions,
)
from robust_xtreme.report.view import Results

CONTROLS: Final = 5
"""One row of so many is a clean text."""

_WHOLE: Final = 100.0
_CLEAN_SEED: Final = -1
_COMPARATORS: Final = (LIKE, f"search={RANDOM}")
_ITEM: Final = ("cell", "base", "noise_seed", "example")
_STRATA: Final = ("task", "language")


@final
@dataclass(frozen=True, slots=True)
class Drawn:
    """The rows of a sheet, in its order, as `with_predictions` gives them.

    `control` tells which are clean; `counts` has for each condition how many items were right, and how many of them
    became wrong.
    """

    rows: pl.DataFrame
    counts: Mapping[str, tuple[int, int]]


def drawn(results: Results, rows: SampleRows, wanted: ExampleChoice, many: int, seed: int) -> Drawn:
    """At most `many` rows, as many of each wanted condition as there can be, spread over its tasks and languages.

    Draws are keyed by the run and the seed. Raises UserError where no answer became wrong.
    """
    cells = cells_of(results, wanted)
    items = _right(cells, rows, wanted).join(cells.select("cell", *_STRATA, "cell_condition"), on="cell")
    common = salt("sheet", str(results.manifest.get("spec_hash", "")), str(seed))
    items = _in_order(items.sort(*_ITEM), common)
    counted = items.group_by("cell_condition").agg(pl.len(), pl.col("won").sum()).sort("cell_condition")
    counts = {name: (right, won) for name, right, won in counted.rows() if won}
    if not counts:
        raise UserError("No answer of the run became wrong under these conditions: there is nothing to draw.")
    shares = _shared({name: won for name, (_, won) in counts.items()}, max(1, many - many // CONTROLS))
    changed = pl.concat([_spread(items.filter("won", cell_condition=name), share) for name, share in shares.items()])
    controls = _controls(items, changed, cells, min(many // CONTROLS, many - changed.height))
    both = pl.concat([_with_cells(changed, cells), controls])
    shown = _in_order(with_predictions(both.with_columns(loss=pl.lit(0.0)), rows), common + 1)
    return Drawn(shown.sort("key", "example"), counts)


def conditions_of(results: Results, names: Sequence[str]) -> tuple[str, ...]:
    """The conditions that are meant by names, without any all but the comparators of attacks. Raises UnknownName."""
    cells = perturbed(results).select("perturbation", "noise", "condition").unique(maintain_order=True)
    if not names:
        every = cells.get_column("condition").to_list()
        return tuple(name for name in every if not any(word in name for word in _COMPARATORS)) or tuple(every)
    known = [*dict.fromkeys(name for column in ("noise", "condition", "perturbation") for name in cells[column])]
    for name in names:
        if name not in known:
            raise UnknownName("condition of the run", name, known, "robust-xtreme attack --help")
    meant = [pl.col(column).is_in(names) for column in cells.columns]
    return tuple(cells.filter(pl.any_horizontal(meant)).get_column("condition"))


def _right(cells: pl.DataFrame, rows: SampleRows, wanted: ExampleChoice) -> pl.DataFrame:
    """The items of the cells that are right when clean, with `won`: whether the answer became wrong.

    Those of an attack are right by its goal, others where their headline metric is full.
    """
    columns = ("cell", "base", "noise_seed", "example", "won")
    cell = {f"cell_{name}": name for name in CELL}
    keyed = cells.select("cell", "base", *cell).rename(cell)
    parts = []
    for attacked in rows.attacked:
        joined = attacked.filter(~pl.col("skipped")).join(keyed.lazy(), on=CELL)
        parts.append(joined.with_columns(won=pl.col("first") > 0).select(columns).collect())
    under = {cell for part in parts for cell in part.get_column("cell").unique()}
    others = cells.filter(~pl.col("cell").is_in(under))
    for some, stats in parts_of(others, rows):
        losses = losses_of(some, stats, wanted).filter(pl.col("value_clean") >= _WHOLE)
        parts.append(losses.with_columns(won=pl.col("loss") > 0).select(columns))
    return pl.concat(parts, how="vertical_relaxed")


def _in_order(items: pl.DataFrame, common: int) -> pl.DataFrame:
    """The items with `key`, a keyed draw (n,) uint64 each."""
    names = items.select(pl.concat_str("cell_condition", "noise_seed", "example", separator="\0")).to_series().to_list()
    return items.with_columns(pl.Series("key", text_keys(common % (1 << 64), names), dtype=pl.UInt64))


def _shared(there: Mapping[str, int], many: int) -> dict[str, int]:
    """As many rows for each condition as there are, up to equal shares; what is left over goes to the others."""
    shares = dict.fromkeys(there, 0)
    left = many
    while left and (open_ones := [name for name, count in there.items() if shares[name] < count]):
        for name in open_ones[:left]:
            shares[name] += 1
        left = many - sum(shares.values())
    return shares


def _spread(items: pl.DataFrame, many: int) -> pl.DataFrame:
    """So many items, each equally likely, evenly over tasks and languages: every n-th of the sorted ones."""
    ordered = items.sort(*_STRATA, "key", "example")
    if not many or ordered.is_empty():
        return ordered.clear()
    begin = int(ordered.item(0, "key")) / 2**64
    return ordered[[min(int((at + begin) * ordered.height / many), ordered.height - 1) for at in range(many)]]


def _controls(items: pl.DataFrame, changed: pl.DataFrame, cells: pl.DataFrame, many: int) -> pl.DataFrame:
    """Clean texts of items that are right, of the tasks and languages of the others, none of which is an example."""
    others = items.join(changed, on=("base", "example"), how="anti").unique(("base", "example"), maintain_order=True)
    picked = _with_cells(_spread(others, min(many, others.height)), cells)
    return picked.with_columns(
        noise_seed=pl.lit(_CLEAN_SEED, pl.Int64),
        cell_condition=pl.lit(CLEAN),
        address=pl.lit(CLEAN),
    )


def _with_cells(items: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    return items.select(*_ITEM).join(cells, on=("cell", "base"))

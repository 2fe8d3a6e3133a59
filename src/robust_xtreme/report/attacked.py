"""The attacks of a run with what they are compared with: random search by as many queries, and one draw of noise."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.external.condition import CLEAN, RANDOM, beside_attack
from robust_xtreme.report.cells import headline, perturbed
from robust_xtreme.report.view import Results
from robust_xtreme.results.schema import CELL
from robust_xtreme.specs import PerturbationSpec

_SCORED: Final = (*CELL[:-1], "metric", "scope")
LEVELS: Final = ("clean", "robust", "random", "noise")
"""The level on clean text, that which an attack leaves, and those that it is compared with."""


def attacked(results: Results) -> pl.DataFrame:
    """The cells of attacks by their headline metric, with the LEVELS, each with `_level`, `_low` and `_high`.

    The two that an attack is compared with are null for random search itself, and that of random search for recipes,
    which have none.
    """
    named = results.attacks.get_column("condition").unique().to_list()
    beside = pl.DataFrame(
        [(name, CLEAN, name, *_beside(name)) for name in named],
        {"condition": pl.String, **dict.fromkeys((f"of_{level}" for level in LEVELS), pl.String)},
        orient="row",
    )
    rows = headline(perturbed(results), results).filter(pl.col("scope") == "all").drop("words", strict=False)
    whole = rows.filter(pl.col("condition").is_in(named)).join(beside, on="condition", maintain_order="left")
    for level in LEVELS:
        bounds = {f"{level}_level": "value", f"{level}_low": "low", f"{level}_high": "high"}
        twin = results.scores.select(*_SCORED, pl.col("condition").alias(f"of_{level}"), **bounds)
        whole = whole.join(twin, on=[*_SCORED, f"of_{level}"], how="left", maintain_order="left")
    return whole


def _beside(condition: str) -> tuple[str | None, str | None]:
    """Random search and the noise that an attack is compared with; None where it is random search, or has none."""
    spec = PerturbationSpec.parse(condition)
    if dict(spec.links[0].params).get("search") == RANDOM:
        return None, None
    *random, drawn = beside_attack(spec, ())
    return (random[0].name if random else None), drawn.name

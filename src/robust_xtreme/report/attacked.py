"""The attacks of a run with what they are compared with: random search by as many queries, and one draw of noise."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.external.condition import RANDOM, beside_attack
from robust_xtreme.report.cells import headline, perturbed
from robust_xtreme.report.view import Results
from robust_xtreme.results.schema import CELL
from robust_xtreme.specs import PerturbationSpec

_SCORED: Final = (*CELL[:-1], "metric", "scope")
_TWINS: Final = (("random", "random"), ("noise", "drawn"))


def attacked(results: Results) -> pl.DataFrame:
    """The cells of attacks by their headline metric, with `robust`, `robust_random` and `robust_noise`.

    `robust_low` and others bound these levels; the two beside it are null for random search itself, and that of
    random search for recipes, which have none.
    """
    named = results.attacks.get_column("condition").unique().to_list()
    beside = pl.DataFrame(
        [(name, *_beside(name)) for name in named],
        {"condition": pl.String, "random": pl.String, "drawn": pl.String},
        orient="row",
    )
    bounds = results.scores.select(*_SCORED, "condition", level_low="low", level_high="high")
    rows = headline(perturbed(results), results).filter(pl.col("scope") == "all").drop("words", strict=False)
    rows = rows.join(bounds, on=[*_SCORED, "condition"], how="left", maintain_order="left")
    renamed = {"value": "robust", "level_low": "robust_low", "level_high": "robust_high"}
    whole = (
        rows.filter(pl.col("condition").is_in(named))
        .rename(renamed)
        .join(beside, on="condition", maintain_order="left")
    )
    for name, condition in _TWINS:
        columns = {f"robust_{name}": "value", f"{name}_low": "level_low", f"{name}_high": "level_high"}
        twin = rows.select(*_SCORED, pl.col("condition").alias(condition), **columns)
        whole = whole.join(twin, on=[*_SCORED, condition], how="left", maintain_order="left")
    return whole


def _beside(condition: str) -> tuple[str | None, str | None]:
    """Random search and the noise that an attack is compared with; None where it is random search, or has none."""
    spec = PerturbationSpec.parse(condition)
    if dict(spec.links[0].params).get("search") == RANDOM:
        return None, None
    *random, drawn = beside_attack(spec, ())
    return (random[0].name if random else None), drawn.name

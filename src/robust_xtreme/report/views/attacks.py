"""The view attacks."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.external.condition import RANDOM, beside_attack
from robust_xtreme.report.cells import headline, perturbed, sectioned
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.schema import CELL
from robust_xtreme.specs import PerturbationSpec

_COLUMNS: Final = (
    "language", "noise", "clean", "robust", "robust_random", "robust_noise", "success", "success_low", "success_high",
    "queries", "queries_to_success", "words", "graphemes", "no_edit", "attacked", "n", "label_risk",
)  # fmt: skip
_SCORED: Final = (*CELL[:-1], "metric", "scope")


@view(title="Attacks", order=36)
def attacks(results: Results) -> pl.DataFrame:
    """The score that an attack leaves, beside random search by as many queries and one draw with as many edits."""
    named = results.attacks.get_column("condition").unique().to_list()
    beside = pl.DataFrame(
        [(name, *_beside(name)) for name in named],
        {"condition": pl.String, "random": pl.String, "drawn": pl.String},
        orient="row",
    )
    rows = headline(perturbed(results), results).filter(pl.col("scope") == "all").drop("words", strict=False)
    values = rows.select(*_SCORED, "condition", "value")
    whole = rows.rename({"value": "robust"}).join(beside, on="condition", maintain_order="left")
    for column, condition in (("robust_random", "random"), ("robust_noise", "drawn")):
        twin = values.rename({"condition": condition, "value": column})
        whole = whole.join(twin, on=[*_SCORED, condition], how="left", maintain_order="left")
    cost = results.attacks.drop("n", "clusters").rename({"words": "edited_words"})
    whole = whole.drop("success", "queries").join(cost, on=CELL, maintain_order="left")
    return sectioned(whole.rename({"edited_words": "words"}), "metric").select(SECTION, *_COLUMNS)


def _beside(condition: str) -> tuple[str | None, str | None]:
    """Random search and the noise that an attack is compared with; None where it is random search, or has none."""
    spec = PerturbationSpec.parse(condition)
    if dict(spec.links[0].params).get("search") == RANDOM:
        return None, None
    *random, drawn = beside_attack(spec, ())
    return (random[0].name if random else None), drawn.name

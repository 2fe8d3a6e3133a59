"""Views of attacks, and of models under the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.schema import BELOW_RANDOM, CELL
from robust_xtreme.noise.conditions.condition import CLEAN, RANDOM, beside_attack
from robust_xtreme.report.blocks import Chart
from robust_xtreme.report.cells import headline, perturbed, sectioned
from robust_xtreme.report.charts.figures import success_chart, successes
from robust_xtreme.report.view import SECTION, Results, view

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


_DESCRIPTION: Final = (
    "The share of items that are right when clean and wrong after at most so many queries, on average over languages."
)


def _charts(results: Results) -> Iterator[Chart]:
    """The success of each task by queries."""
    for task, points in successes(results):
        yield Chart(task, _DESCRIPTION, success_chart(points), task.split(" ")[0])


@view(title="Attacks", order=36, charts=_charts)
def attacks(results: Results) -> pl.DataFrame:
    """Levels that attacks leave; only items that are right are edited, so their drops are not tested or ranked."""
    whole = attacked(results)
    cost = results.attacks.drop("clusters").rename({"words": "edited_words"})
    whole = whole.drop("n", "success", "queries").join(cost, on=CELL, maintain_order="left")
    columns = (
        "language", "noise", *(f"{level}_{part}" for level in LEVELS for part in ("level", "low", "high")),
        *BELOW_RANDOM, "success", "success_low", "success_high", "queries", "queries_to_success", "words", "graphemes",
        "no_edit", "attacked", "n", "label_risk",
    )  # fmt: skip
    return sectioned(whole.rename({"edited_words": "words"}), "metric").select(SECTION, *columns)


@view(title="Defences", order=37)
def defences(results: Results) -> pl.DataFrame:
    """Models under the same attack: clean, under noise with as many edits, random search, and the robust level."""
    whole = attacked(results).filter(pl.col("of_noise").is_not_null())
    several = pl.col("model").n_unique().over("task", "split", "language", "condition") > 1
    shown = whole.filter(several)
    section = pl.concat_str(pl.col("task"), pl.lit(", "), "split", pl.lit(", "), "metric", pl.lit(", "), "condition")
    order = ("task", "split", "metric", "fields_rank", "condition", "language", "run_rank", "model")
    levels = [f"{name}_{part}" for name in ("clean", "noise", "random", "robust") for part in ("level", "low", "high")]
    return shown.with_columns(section.alias(SECTION)).sort(order).select(SECTION, "language", "model", *levels)

"""The view external."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from robust_xtreme.report.cells import headline, perturbed
from robust_xtreme.report.view import SECTION, Results, view

_KIND: Final = "external:"
_MATCHED: Final = "@matched="
_COLUMNS: Final = (
    "language", "perturbation", "pairs", "share", "pairing", "clean_left", "noisy_left", "grapheme_edit_rate",
    "word_edit_rate", "operators", "clean", "value", "change", "no_claim", "change_low", "change_high",
    "change_of_all", "only_edited",
)  # fmt: skip
_FACTS: Final = {
    "task": pl.String, "split": pl.String, "language": pl.String, "context_language": pl.String, "pairs": pl.Int64,
    "share": pl.Float64, "pairing": pl.String, "clean_left": pl.Int64, "noisy_left": pl.Int64,
    "only_edited": pl.Boolean,
}  # fmt: skip
_TWIN: Final = ("task", "split", "language", "context_language")


@view(title="Noisy sets beside the clean split", order=41)
def external(results: Results) -> pl.DataFrame:
    """Paired items alone; the pairs can favour long texts and mild noise, can be wrong, and keep the clean gold."""
    facts = pl.DataFrame(_facts(results), schema=_FACTS, orient="row")
    of_sets = pl.col("condition").str.starts_with(_KIND) | pl.col("condition").str.contains(_MATCHED, literal=True)
    deltas = results.deltas.filter(of_sets, pl.col("scope") == "all")
    given = Results(results.scores, deltas.join(facts, on=_TWIN, maintain_order="left"), results.manifest)
    rows = headline(perturbed(given), results)
    section = pl.concat_str("task", pl.lit(", "), "split", pl.lit(", "), "metric")
    whole = pl.when("only_edited").then(pl.col("change") * pl.col("share"))
    named = rows.with_columns(section.alias(SECTION), change_of_all=whole)
    return named.sort(SECTION, maintain_order=True).select(SECTION, *_COLUMNS)


def _facts(results: Results) -> list[tuple[Any, ...]]:
    """The pairs of each task run of a set, as the manifest has them."""
    rows = []
    for unit in results.manifest.get("units", ()):
        if given := unit.get("external"):
            question, _, context = unit["language"].partition("@")
            cell = unit["task"], unit["split"], question, context or question
            share = given["pairs"] / given["items"]
            counts = given["pairs"], share, given["pairing"], given["clean_left"], given["noisy_left"]
            rows.append((*cell, *counts, given["edited_only"]))
    return rows

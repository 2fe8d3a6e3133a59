"""The view tokenizer."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from robust_xtreme.languages import ALL_LANGUAGES, language
from robust_xtreme.report.cells import headline, highest, perturbed, sectioned
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.schema import CELL

_TWIN: Final = (*(name for name in CELL if name != "condition"), "metric", "scope")
_COLUMNS: Final = (
    "script", "language", "perturbation", "strength", "nominal", "change", "no_claim", "grapheme_edit_rate",
    "tokens_per_word_clean", "tokens_per_word", "unknown_clean", "unknown", "truncated_clean", "truncated",
    "tokens_changed",
)  # fmt: skip


@view(title="What the tokenizer makes of the noise", order=42)
def tokenizer(results: Results) -> pl.DataFrame:
    """Why a cell drops: tokens, unknown tokens and truncated items, at each perturbation's highest strength."""
    clean = results.scores.filter(pl.col("condition") == "clean")
    twins = clean.select(*_TWIN, pl.col("truncated").alias("truncated_clean"))
    scripts = pl.col("language").map_elements(_script, return_dtype=pl.String).alias("script")
    joined = results.deltas.join(twins, on=_TWIN, how="left", maintain_order="left").with_columns(scripts)
    read = pl.any_horizontal(pl.col("truncated", "tokens_per_word").is_not_null())  # an imported run knows no tokens
    rows = headline(highest(perturbed(replace(results, deltas=joined))), results).filter(pl.col("scope") == "all", read)
    named = sectioned(rows, "metric").with_columns(order=pl.col(SECTION).rank("dense"))
    return named.sort("order", "script", maintain_order=True).select(SECTION, *_COLUMNS)


def _script(code: str) -> str:
    return language(code).script if code in ALL_LANGUAGES else ""

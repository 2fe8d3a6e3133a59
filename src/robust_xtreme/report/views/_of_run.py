"""Views of what was asked for and what is missing."""

from typing import Any, Final

import polars as pl

from robust_xtreme.report.averages import TITLE, average_heading, benchmark_rows
from robust_xtreme.report.cells import headline, perturbed
from robust_xtreme.report.view import SECTION, Results, view

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
    of_sets = pl.col("condition").str.contains("^external:|@matched=")
    deltas = results.deltas.filter(of_sets, pl.col("scope") == "all")
    given = Results(results.scores, deltas.join(facts, on=_TWIN, maintain_order="left"), results.manifest)
    rows = headline(perturbed(given), results)
    section = pl.concat_str("task", pl.lit(", "), "split", pl.lit(", "), "metric")
    whole = pl.when("only_edited").then(pl.col("change") * pl.col("share"))
    named = rows.with_columns(section.alias(SECTION), change_of_all=whole)
    columns = (
        "language", "perturbation", "pairs", "share", "pairing", "clean_left", "noisy_left", "grapheme_edit_rate",
        "word_edit_rate", "operators", "clean", "value", "change", "no_claim", "change_low", "change_high",
        "change_of_all", "only_edited",
    )  # fmt: skip
    return named.sort(SECTION, maintain_order=True).select(SECTION, *columns)


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


@view(title="Conditions", order=49)
def conditions(results: Results) -> pl.DataFrame:
    """What each condition is: its kind, its unit, and how its strength was set."""
    noised = results.conditions.filter(pl.col("kind") != "clean").sort("condition", maintain_order=True)
    params = pl.when(pl.col("params") != "{}").then("params")  # an empty JSON says nothing
    columns = (
        "condition", "kind", "version", "params", "unit", "nominal", "target_axis", "target", "packs", "pairing",
        "edited_share", "victim", "query_budget", "search", "constraints",
    )  # fmt: skip
    return noised.with_columns(pl.lit("").alias(SECTION), params=params).select(SECTION, *columns)


@view(title="What the overall averages are over", order=4)
def missing_cells(results: Results) -> pl.DataFrame:
    """The split whose cells count for each task, and every missing cell of an average."""
    named: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    for (title, _), rows in benchmark_rows(results).group_by(TITLE, "condition", maintain_order=True):
        pairs = rows.filter(pl.col("task") != "").select("split", "task").unique(maintain_order=True)
        by_split = pairs.sort("split", maintain_order=True).group_by("split", maintain_order=True).agg("task")
        splits = "; ".join(f"{split}: {' '.join(tasks)}" for split, tasks in by_split.rows())
        for row in rows.filter(pl.col("task") == "").iter_rows(named=True):
            averages, noises = named.setdefault((str(title), splits, row["missing"] or ""), ([], []))
            averages.append(average_heading(row))
            noises.append(row["condition"])
    made = [
        (title, *(", ".join(dict.fromkeys(names)) for names in over), splits, absent)
        for (title, splits, absent), over in named.items()
    ]
    schema = dict.fromkeys((SECTION, "average", "noise", "splits", "absent"), pl.String)
    return pl.DataFrame(made, schema=schema, orient="row")


_KEY: Final = ("task", "split", "condition", "reason", "detail")


@view(title="Not computed", order=50)
def not_run(results: Results) -> pl.DataFrame:
    """The cells that were requested and have no result: missing, unreadable, unlabelled, not applicable or failed."""
    schema = dict.fromkeys((*_KEY, "language"), pl.String)
    asked = [{name: str(entry.get(name, "")) for name in schema} for entry in results.manifest.get("not_run", ())]
    for entry in asked:  # languages with one reason share a row
        entry["detail"] = entry["detail"].removeprefix(f"{entry['task']} {entry['language']}: ")
    missing = pl.col("language").sort().str.join(" ").alias("missing")
    rows = pl.DataFrame(asked, schema=schema).group_by(_KEY).agg(missing).sort(_KEY)
    return rows.select(pl.lit("").alias(SECTION), "task", "split", "reason", "missing", "condition", "detail")

"""Views of cells: levels, changes, marks, what noise did, and what attacks left."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.core.metric import CLEAN_TWIN, FOUND, ORDERED
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.schema import BELOW_RANDOM, CELL
from robust_xtreme.noise.conditions.condition import CLEAN, RANDOM, beside_attack
from robust_xtreme.report.averages import with_lost_share
from robust_xtreme.report.blocks import Chart
from robust_xtreme.report.cells import (
    few_clusters,
    headline,
    highest,
    in_order,
    language_name,
    perturbed,
    sectioned,
    with_condition,
    with_language,
    zeroed,
)
from robust_xtreme.report.charts.figures import forest, success_chart, successes
from robust_xtreme.report.columns import OVERLAP, percent, signed
from robust_xtreme.report.summary import MARKED, UNDECIDED, headline_cells, mark
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.stats.claims import SELECTED, no_claim
from robust_xtreme.stats.degrade import CONSTANT
from robust_xtreme.stats.stages import OWN


@view(title="Clean", order=5)
def clean_scores(results: Results) -> pl.DataFrame:
    """The clean level of each language with its interval, beside chance and the shallow predictor."""
    rows = with_condition(results.scores.filter(pl.col("condition") == "clean", pl.col("scope") == "all"))
    own_data = pl.col("task").is_in(list(results.manifest.get("own_data", ())))
    marks = [
        pl.when("near_chance").then(pl.lit("not shown above chance")),
        pl.when(pl.col("constant") >= CONSTANT).then(pl.lit("constant")),
    ]
    notes = [few_clusters(), *marks, pl.when("overlap").then(pl.lit(OVERLAP)), pl.when(own_data).then(pl.lit(OWN))]
    note = pl.concat_str(notes, separator=", ", ignore_nulls=True)
    shown = headline(rows, results).with_columns(level=pl.col("value"), note=note)
    named = with_language(shown).sort("model", "task", "split", "translated", "inference", "language")
    columns = (
        "language", "level", "low", "high", "chance", "chance_name", "above_chance", "shallow", "shallow_name", "note",
        "setting", "n", "clusters", "truncated",
    )  # fmt: skip
    return sectioned(named, "metric", noise=False).select(SECTION, *columns)


@view(title="By language", order=20)
def by_language(results: Results) -> pl.DataFrame:
    """Each perturbed cell of the headline metric beside its clean twin."""
    columns = (
        "language", "perturbation", "strength", "clean", "value", "change", "no_claim", "change_low", "change_high",
        "relative", "relative_corrected", "p_adjusted", "joint_change_low", "joint_change_high", "mde", "seed_spread",
        "n", "clusters", "chance", "chance_name", "shallow", "shallow_noisy", "marks", "grapheme_edit_rate",
        "word_edit_rate", "tokens_per_word_clean", "tokens_per_word", "unchanged", "not_applicable", "truncated",
        "inert", "overlap",
    )  # fmt: skip
    return sectioned(headline_cells(results), "metric").select(SECTION, *columns)


@view(title="By stage", order=25)
def by_stage(results: Results) -> pl.DataFrame:
    """Changes of a search in two stages, in two parts: what is no longer found, and what is no longer put first."""
    rows, at, parted = headline_cells(results), (*CELL, "metric", "scope"), perturbed(results)
    for name, part in (("first", FOUND), ("second", ORDERED)):
        parts = parted.filter(pl.col("metric").str.ends_with(part))
        values = [pl.col(f"change{end}").alias(f"{name}{end}") for end in ("", "_low", "_high")]
        rows = rows.join(
            parts.with_columns(pl.col("metric").str.strip_suffix(part)).select(*at, *values),
            on=at,
            maintain_order="left",
        )
    # so that the numbers shown add up as those behind them do
    exact = rows.with_columns(second=pl.col("change").round(1) - pl.col("first").round(1))
    parts_shown = [f"{name}{end}" for name in ("first", "second") for end in ("", "_low", "_high")]
    columns = ("language", "perturbation", "strength", "clean", "value", "change", "no_claim", *parts_shown)
    return sectioned(exact, "metric").select(SECTION, *columns)


_SCOPES: Final = ("noised_gold", "untouched")


@view(title="Noised and untouched", order=30)
def by_scope(results: Results) -> pl.DataFrame:
    """The gold spans that noise changed, and those it left, in clean and perturbed answers; attacks choose theirs."""
    scores = results.scores.filter(pl.col("condition") != "clean", no_claim().ne_missing(SELECTED))
    rows = headline(highest(in_order(with_language(with_condition(scores)), results)), results)
    whole = rows.filter(pl.col("scope") == "all")
    for scope in _SCOPES:
        whole = whole.join(_part(rows, scope), on=CELL, how="left", maintain_order="left")
    parted = whole.filter(pl.any_horizontal(pl.col(scope).is_not_null() for scope in _SCOPES))
    levels = [f"{scope}{end}" for scope in _SCOPES for end in ("_clean", "", "_low", "_high")]
    columns = ("language", "perturbation", "strength", "value", *levels, "word_edit_rate")
    return sectioned(parted, "metric").select(SECTION, *columns)


def _part(rows: pl.DataFrame, scope: str) -> pl.DataFrame:
    """The level of one scope with its interval, and the level of the same spans in the clean answers."""
    part = rows.filter(pl.col("scope") == scope)
    clean = rows.filter(pl.col("scope") == scope + CLEAN_TWIN)
    levels = part.select(*CELL, pl.col("value").alias(scope), pl.col("low", "high").name.prefix(f"{scope}_"))
    return levels.join(clean.select(*CELL, pl.col("value").alias(scope + CLEAN_TWIN)), on=CELL, how="left")


_OF_METRIC: Final = (*CELL, "metric", "scope")


@view(title="Right answers in another language", order=32)
def answer_languages(results: Results) -> pl.DataFrame:
    """Of queries whose nearest candidate is right: how many find it in another language, though theirs has one too."""
    scores = results.scores.filter(pl.col("scope") == "all", no_claim().ne_missing(SELECTED))
    levels = in_order(with_language(with_condition(scores)), results)
    changes = perturbed(results).select(*_OF_METRIC, "change", "change_low", "change_high")
    right = levels.filter(pl.col("metric") == "retrieval_accuracy").select(*CELL, right="value")
    own = levels.filter(pl.col("metric") == "own_language").join(right, on=CELL, how="left", maintain_order="left")
    rows = own.join(changes, on=_OF_METRIC, how="left", maintain_order="left")
    is_right = pl.col("right") > 0  # elsewhere there is no share, and 0 stands for it in the metric
    is_right_twice = is_right & is_right.filter(pl.col("condition") == CLEAN).first().over(CELL[:-1])
    shares = {"": 100 - pl.col("value"), "_low": 100 - pl.col("high"), "_high": 100 - pl.col("low")}
    of_shares = {"_change": "change", "_change_low": "change_high", "_change_high": "change_low"}
    named = sectioned(rows, noise=False).with_columns(
        *(pl.when(is_right).then(share).alias(f"elsewhere{end}") for end, share in shares.items()),
        *(pl.when(is_right_twice).then(zeroed(-pl.col(of))).alias(f"elsewhere{end}") for end, of in of_shares.items()),
    )
    columns = (f"elsewhere{end}" for end in (*shares, *of_shares))
    by_language = named.sort(SECTION, "language", pl.col("condition") != CLEAN, maintain_order=True)
    return by_language.select(SECTION, "language", "noise", "fields", "right", *columns)


@view(title="Label risk", order=45)
def label_risk(results: Results) -> pl.DataFrame:
    """Cells with edited numbers or negators, at each perturbation's highest strength, and their change without them."""
    rows = highest(headline_cells(results)).filter(pl.col("label_risk") > 0)
    columns = (
        "language", "perturbation", "strength", "label_risk", "change", "no_claim", "change_low", "change_high",
        "change_without_risk", "without_risk_low", "without_risk_high",
    )  # fmt: skip
    return sectioned(rows).select(SECTION, *columns)


@view(title="What the noise did", order=40)
def operator_mix(results: Results) -> pl.DataFrame:
    """Shares of the accepted edits by operator, at each perturbation's highest strength: languages differ in them."""
    rows = highest(headline_cells(results)).filter(pl.col("operators").is_not_null())
    counts = [json.loads(text) for text in rows.get_column("operators")]
    edits = pl.Series("edits", [sum(count.values()) for count in counts], dtype=pl.Int64)
    mix = pl.Series("mix", [_mix(count) for count in counts], dtype=pl.String)
    return sectioned(rows).select(SECTION, "language", "perturbation", "strength", edits, mix)


def _mix(counts: dict[str, int]) -> str:
    """The share of each operator, the largest first."""
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {percent(count / total)}" for name, count in ranked if count)


_TWIN: Final = (*(name for name in CELL if name != "condition"), "metric", "scope")


@view(title="What the tokenizer makes of the noise", order=42)
def tokenizer(results: Results) -> pl.DataFrame:
    """Why a cell drops: tokens, unknown tokens and truncated items, at each perturbation's highest strength."""
    clean = results.scores.filter(pl.col("condition") == "clean")
    twins = clean.select(*_TWIN, pl.col("truncated").alias("truncated_clean"))
    known = {code: language(code).script for code in ALL_LANGUAGES}
    scripts = pl.col("language").replace_strict(known, default="", return_dtype=pl.String).alias("script")
    joined = results.deltas.join(twins, on=_TWIN, how="left", maintain_order="left").with_columns(scripts)
    read = pl.any_horizontal(pl.col("truncated", "tokens_per_word").is_not_null())  # an imported run knows no tokens
    rows = highest(headline_cells(replace(results, deltas=joined))).filter(read)
    named = sectioned(rows, "metric").with_columns(order=pl.col(SECTION).rank("dense"))
    columns = (
        "script", "language", "perturbation", "strength", "nominal", "change", "no_claim", "grapheme_edit_rate",
        "tokens_per_word_clean", "tokens_per_word", "unknown_clean", "unknown", "truncated_clean", "truncated",
        "tokens_changed",
    )  # fmt: skip
    return named.sort("order", "script", maintain_order=True).select(SECTION, *columns)


_NOTES: Final = {MARKED: "has marks, such as not shown above chance", UNDECIDED: "without a verdict, tested or not"}


@view(title="Worst cells", order=1, notes=_NOTES)
def worst_cells(results: Results) -> pl.DataFrame:
    """The largest losses at each perturbation's highest strength."""
    cells = with_lost_share(highest(headline_cells(results)), pl.col("relative"))
    cells = cells.filter(pl.col("change") < 0).sort("change", "address").head(12)
    changes = [signed(row["change"]) + mark(row) for row in cells.iter_rows(named=True)]
    parts = {"task": pl.col("column"), SECTION: pl.lit("")}
    marked = pl.Series("marked_change", changes, dtype=pl.String)
    columns = (
        "task", "language", "noise", "clean", "value", "marked_change", "lost_share", *_bounds(cells), "p_adjusted",
        "marks", "grapheme_edit_rate",
    )  # fmt: skip
    return cells.with_columns(marked, **parts).select(SECTION, *columns)


def _bounds(cells: pl.DataFrame) -> tuple[str | pl.Expr, ...]:
    """The joint intervals of cells, or where none has one those of the cells alone."""
    if cells.get_column("joint_change_low").is_null().all():
        return "change_low", "change_high"
    return tuple(pl.col(f"joint_change_{end}").alias(f"tested_change_{end}") for end in ("low", "high"))


@view(title="Worst case over noise seeds", order=28)
def worst_of_seeds(results: Results) -> pl.DataFrame:
    """Levels if each item counts under its worst noise seed, at each perturbation's highest strength."""
    cells = highest(headline_cells(results)).filter(pl.col("worst").is_not_null())
    columns = ("language", "perturbation", "strength", "clean", "value", "worst", "seeds", "seed_spread")
    return sectioned(cells, "metric").select(SECTION, *columns)


_DESCRIPTION: Final = (
    "Change in points, the largest loss first. Thick: the interval that is valid for all tests at once; thin: that of "
    "a cell alone, where it is not tested or has too few clusters for the other; grey: no change is shown; the tick is "
    "the mde."
)


def _cells(results: Results) -> pl.DataFrame:
    """The cells with a change at each perturbation's highest strength, by section, the largest loss first."""
    cells = highest(headline_cells(results)).filter(pl.col("change").is_not_null())
    named = sectioned(cells, "metric").with_columns(rank=pl.col(SECTION).rank("dense"))
    return named.sort("rank", "change", "language", "noise")


_WORST: Final = 10


def _charts(results: Results) -> Iterator[Chart]:
    """The worst cells of all tasks on one axis, then those of each task."""
    cells = _cells(results)
    tested = cells.filter(pl.col("p_adjusted").is_not_null(), ~pl.col("near_chance"))
    worst = tested.filter(pl.col("change") < 0).sort("change", "address").head(_WORST)
    several = worst.height > 0 and cells.height > _WORST
    if several:
        of = "that can be measured" if cells["near_chance"].any() else "of the whole run"
        title = f"The {worst.height} largest tested losses {of}"
        yield Chart(title, _DESCRIPTION, forest(_in_words(worst, ", {}")))
    for (section, task), of_task in cells.group_by(SECTION, "task", maintain_order=True):
        yield Chart(str(section), _DESCRIPTION, forest(_in_words(of_task)), str(task), more=several)


def _in_words(cells: pl.DataFrame, ending: str = "") -> pl.DataFrame:
    """The cells with the names of their languages, and an ending with that of their column."""
    named = [language_name(row["language"]) + ending.format(row["column"]) for row in cells.iter_rows(named=True)]
    return cells.with_columns(pl.Series("language", named, dtype=pl.String))


@view(title="Largest losses", order=6, charts=_charts)
def largest_losses(results: Results) -> pl.DataFrame:
    """The worst changes, tested or not; joint intervals are valid for all tests at once, and need 160 clusters."""
    rows = _cells(results).group_by(SECTION, maintain_order=True).head(20)
    columns = (
        "language", "noise", "clean", "value", "change", *_bounds(rows), "mde", "p_adjusted", "marks",
        "grapheme_edit_rate",
    )  # fmt: skip
    return rows.select(SECTION, *columns)


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
    rows = headline_cells(results).drop("words", strict=False)
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


def _successes(results: Results) -> Iterator[Chart]:
    """The success of each task by queries."""
    items = "The share of items that are right when clean and wrong after at most so many queries"
    for task, points in successes(results):
        yield Chart(task, f"{items}, on average over languages.", success_chart(points), task.split(" ")[0])


@view(title="Attacks", order=36, charts=_successes)
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
    shown = whole.filter(pl.col("model").n_unique().over("task", "split", "language", "condition") > 1)
    section = pl.concat_str(pl.col("task"), pl.lit(", "), "split", pl.lit(", "), "metric", pl.lit(", "), "condition")
    order = ("task", "split", "metric", "fields_rank", "condition", "language", "run_rank", "model")
    levels = [f"{name}_{part}" for name in ("clean", "noise", "random", "robust") for part in ("level", "low", "high")]
    return shown.with_columns(section.alias(SECTION)).sort(order).select(SECTION, "language", "model", *levels)


@view(title="Calibration", order=44)
def calibration(results: Results) -> pl.DataFrame:
    """How far scores of answers tell right from wrong (--scores): in points; for auroc lower is worse, else higher."""
    section = pl.concat_str("task", pl.lit(", "), "measure").alias(SECTION)
    rows = with_condition(results.calibration).with_columns(section, no_claim=pl.lit(None, pl.String))
    columns = (
        "language", "noise", "clean", "value", "change", "no_claim", "change_low", "change_high", "n", "clusters",
    )  # fmt: skip
    return rows.sort(SECTION, "language", "noise").select(SECTION, *columns)

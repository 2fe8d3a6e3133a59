"""Prepares cells for views: what was noised and how much, which cells have a change, and their order."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import polars as pl

from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.noise.conditions.condition import FROZEN
from robust_xtreme.report.view import SECTION, Results
from robust_xtreme.stats.claims import no_claim
from robust_xtreme.stats.degrade import parts_of, without_fields
from robust_xtreme.stats.intervals import FEWEST_CLUSTERS

OTHER: Final = "Zyyy"
"""The script of what is not a known language, as ISO 15924 names it."""

_SCRIPTS: Final = {
    "Arab": "Arabic", "Beng": "Bengali", "Cyrl": "Cyrillic", "Deva": "Devanagari", "Geor": "Georgian", "Grek": "Greek",
    "Gujr": "Gujarati", "Guru": "Gurmukhi", "Hans": "Chinese", "Hant": "Chinese, traditional", "Hebr": "Hebrew",
    "Jpan": "Japanese", "Kore": "Korean", "Latn": "Latin", "Mlym": "Malayalam", "Mymr": "Burmese", "Taml": "Tamil",
    "Telu": "Telugu", "Thai": "Thai",
}  # fmt: skip


def script_name(code: str) -> str:
    """The name of a script by its code of ISO 15924; the code where it is not a known language's."""
    return _SCRIPTS.get(code, code)


def language_name(code: str) -> str:
    """A language's name with its code; of a pair both."""
    codes = code.split(" on ")
    return " on ".join(f"{language(each).name} ({each})" if each in ALL_LANGUAGES else each for each in codes)


def script(code: str) -> str:
    """The script of a language's texts; of a pair that of the first."""
    question = code.partition(" on ")[0]
    return language(question).script if question in ALL_LANGUAGES else OTHER


def cell_name(cell: Mapping[str, Any]) -> str:
    """A cell in words: `xnli, Swahili (sw), char_noise:0.1`."""
    return f"{cell['column']}, {language_name(cell['language'])}, {cell['noise']}"


def with_addresses(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells with `column`, the task and what else tells their columns apart, and `address`, each one's anchor.

    An address is `sw/xnli/char_noise:0.1`; where needed it names model, split and fields after the task.
    """
    several = {name: pl.col(name).n_unique().over("task") > 1 for name in ("model", "split")}
    parts = [
        *(pl.when(more, pl.col(name) != "").then(name) for name, more in several.items()),
        pl.when(pl.col("inferred") != "").then("inferred"),
        pl.when(pl.col("translated") != "").then("translated"),
        pl.when(pl.col("fields_rank") > 0, pl.col("fields") != "").then("fields"),
    ]
    named = _inferred(cells)
    named = named.with_columns(column=pl.concat_str(pl.col("task"), *parts, separator=" ", ignore_nulls=True))
    rows = named.select("language", pl.col("column").str.split(" "), "noise").iter_rows()
    addresses = [anchor(language, *column, noise) for language, column, noise in rows]
    return named.with_columns(pl.Series("address", addresses, dtype=pl.String))


def _inferred(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells with `inferred`: what of their settings of inference not all cells of the task have, as `dims=256`.

    It is all of them where some settings are among those of another cell, and empty where there are no others.
    """
    by_task: dict[str, dict[str, list[str]]] = {}
    for task, inference in cells.select("task", "inference").unique(maintain_order=True).iter_rows():
        by_task.setdefault(task, {})[inference] = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+', inference)
    short = {}
    for task, settings in by_task.items():
        every = set.intersection(*map(set, settings.values()))
        names = {name: " ".join(part for part in parts if part not in every) for name, parts in settings.items()}
        short[task] = names if len(names) < 2 or all(names.values()) else {name: name for name in names}
    pairs = cells.select("task", "inference").iter_rows()
    return cells.with_columns(pl.Series("inferred", [short[task][name] for task, name in pairs], dtype=pl.String))


def anchor(*parts: str) -> str:
    """An address in the page of any names."""
    return "/".join(quote(part, safe=":.,@=+-_") for part in parts)


_OF_RUN: Final = ": "
FEW: Final = "few clusters"
BUDGET: Final = r"@queries=\d+"
"""The part of an attack's name that says how many queries it may ask."""


def named_beside(run: str, models: Iterable[str]) -> dict[str, str]:
    """What each model of a run is called beside other runs: as the run where it has one model."""
    names = {*models}
    return {name: f"{run}{_OF_RUN}{name}" if len(names) > 1 else run for name in names}


def of_languages(results: Results, languages: Sequence[str]) -> Results:
    """The cells of some languages, which a note names; averages over languages are left out, as is what is not of them.

    Intervals and corrected tests stay those of the whole run.
    """
    frames = {"scores": results.scores, "deltas": results.deltas, "attacks": results.attacks}
    kept = {name: frame.filter(pl.col("language").is_in(languages)) for name, frame in frames.items()}
    rows = {name: results.manifest.get(name, ()) for name in ("units", "not_run")}
    rows = {name: [row for row in some if row.get("language") in languages] for name, some in rows.items()}
    note = f"Only {', '.join(languages)}: averages over languages are left out, tests are corrected over the whole run."
    manifest = {**results.manifest, **rows, "notes": [note, *results.manifest.get("notes", ())]}
    return replace(results, **kept, averages=results.averages.clear(), manifest=manifest)


@lru_cache(maxsize=4)  # of the same results for every view
def perturbed(results: Results) -> pl.DataFrame:
    """DELTAS with the parts of the condition, the signed change beside the drop, and `no_claim` where there is none.

    There is no change where the noise does not apply, edits no item, or does not reach the model.

    `change` = perturbed - clean, `change_low` and `change_high` bound it; `change_without_risk` is that of the items
    without label risk, with its bounds. All of them are null with `no_claim`.
    """
    data = with_condition(results.deltas).with_columns(no_claim())
    negated = {
        "change": "drop", "change_low": "high", "change_high": "low",
        "joint_change_low": "joint_high", "joint_change_high": "joint_low", "change_without_risk": "drop_without_risk",
        "without_risk_low": "high_without_risk", "without_risk_high": "low_without_risk",
    }  # fmt: skip
    claimed = {name: -pl.col(of) for name, of in negated.items()}
    claimed |= {name: pl.col(name) for name in ("relative", "relative_corrected", "p_adjusted", "mde")}
    only = [pl.when(pl.col("no_claim").is_null()).then(zeroed(value)).alias(name) for name, value in claimed.items()]
    return in_order(with_language(data.with_columns(only)), results)


def zeroed(value: pl.Expr) -> pl.Expr:
    """A value with 0.0 for -0.0, which stays where 0.0 is added."""
    return value.replace(0.0, 0.0)


def few_clusters() -> pl.Expr:
    """The note on a cell that has too few clusters for an interval."""
    return pl.when(pl.col("clusters") < FEWEST_CLUSTERS).then(pl.lit(FEW))


def with_language(data: pl.DataFrame) -> pl.DataFrame:
    """The rows with the context's language after the language where they differ."""
    language, context = pl.col("language"), pl.col("context_language")
    both = pl.concat_str(language, pl.lit(" on "), context)
    return data.with_columns(language=pl.when(language == context).then(language).otherwise(both))


def brief(condition: str) -> str:
    """A name for people: of texts that an attack left without its settings, `frozen:attack_letters:0.2/b6fecab3`."""
    first, *others = condition.split("/")
    return f"{first}/{others[-1]}" if others and condition.startswith(FROZEN) else condition


def with_condition(data: pl.DataFrame) -> pl.DataFrame:
    """The rows with perturbation, strength and fields of their condition; `noise` is the condition without fields."""
    names = data.get_column("condition").unique(maintain_order=True).to_list()
    parts = [(name, *parts_of(name), brief(without_fields(name))) for name in names]
    columns = ("condition", "perturbation", "strength", "fields", "noise")
    known = pl.DataFrame(parts, schema=dict.fromkeys(columns, pl.String), orient="row")
    translated = pl.when(pl.col("setting").str.starts_with("translate")).then(pl.col("setting")).otherwise(pl.lit(""))
    data = data.with_columns(translated=translated)
    return data.join(known, on="condition", how="left", maintain_order="left")


def in_order(data: pl.DataFrame, results: Results) -> pl.DataFrame:
    """Rows by task, headline metric and headline fields first, then language, perturbation and rising strength."""
    budgets = dict(results.conditions.select("condition", "query_budget").iter_rows())
    budget = pl.col("condition").replace_strict(budgets, default=None, return_dtype=pl.Int64)
    model, names = pl.col("model"), results.manifest.get("runs", ())  # of several that are beside each other
    of_run = [(model == name) | model.str.starts_with(f"{name}{_OF_RUN}") for name in names]
    numbers = (pl.when(known).then(number) for number, known in enumerate(of_run))
    ranks: dict[str, pl.Series | pl.Expr] = {
        "metric_rank": _ranks(data, "metric", {task: results.metrics(task) for task in _tasks(data)}),
        "fields_rank": _ranks(data, "fields", {task: results.field_groups(task) for task in _tasks(data)}),
        "strength_rank": data.get_column("strength").cast(pl.Float64, strict=False),
        "budget_rank": budget,
        "of_any_budget": pl.col("perturbation").str.replace(BUDGET, ""),
        "run_rank": pl.coalesce(*numbers, pl.lit(0)),
    }
    first = ("run_rank", "model", "task", "split", "translated", "inference", "metric_rank", "metric", "scope")
    then = ("fields_rank", "fields", "language", "of_any_budget", "strength_rank", "budget_rank", "condition")
    return data.with_columns(**ranks).sort(*first, *then, nulls_last=True)


def _tasks(data: pl.DataFrame) -> list[str]:
    return data.get_column("task").unique().to_list()


def _ranks(data: pl.DataFrame, column: str, orders: dict[str, tuple[str, ...]]) -> pl.Series:
    known = {(task, name): rank for task, names in orders.items() for rank, name in enumerate(names)}
    rows = data.select("task", column).iter_rows()
    return pl.Series([known.get((task, name), len(known)) for task, name in rows], dtype=pl.Int64)


def headline(data: pl.DataFrame, results: Results) -> pl.DataFrame:
    """The rows of each task's first metric."""
    first = {task: results.metrics(task)[0] for task in _tasks(data)}
    return data.filter(pl.col("metric") == pl.col("task").replace_strict(first, return_dtype=pl.String))


def highest(data: pl.DataFrame) -> pl.DataFrame:
    """The rows of each model's and perturbation's highest strength."""
    best = pl.col("strength_rank").max().over("model", "task", "split", "fields", "perturbation")
    return data.filter(pl.col("strength_rank").eq_missing(best))


def sectioned(data: pl.DataFrame, *parts: str, noise: bool = True) -> pl.DataFrame:
    """The rows with their section's name: task, split, the model if a task has several, `parts`, the fields."""
    several, data = pl.col("model").n_unique().over("task") > 1, _inferred(data)
    names: list[str | pl.Expr] = ["task", "split", pl.when(several).then("model")]
    names += [pl.when(pl.col(name) != "").then(name) for name in ("translated", "inferred")]
    names += parts
    if noise:
        named = pl.concat_str(pl.lit("noise on "), pl.col("fields").str.replace_all(",", " and ", literal=True))
        is_first = (pl.col("fields").n_unique().over("task") > 1) & (pl.col("fields_rank") == 0)
        first = pl.when(is_first).then(pl.lit(" (headline)")).otherwise(pl.lit(""))
        names.append(pl.when(pl.col("fields") != "").then(pl.concat_str(named, first)))
    return data.with_columns(pl.concat_str(names, separator=", ", ignore_nulls=True).alias(SECTION))

"""Whether imported items can be one run: each row once, one model, clean text beside all noise, the same examples."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.core.errors import Mismatch, counted, shown
from robust_xtreme.exchange.importing.items import GROUP
from robust_xtreme.files.schema import CHANCE, SHALLOW
from robust_xtreme.noise.conditions.condition import CLEAN, CLEAN_SEED

_TWIN: Final = GROUP[:-1]
_SAME: Final = ("fingerprint", "cluster")


def check_items(items: pl.DataFrame, path: str) -> None:
    """Raise Mismatch where rows cannot be one run.

    That is where a row occurs twice, several models answer, noise has no clean text beside it, or a condition has
    other examples than the clean one, or other fingerprints or clusters; the message names the example.
    """
    _check_once(items, path)
    answers = items.filter(~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})"))
    _check_model(answers)
    _check_clean(answers, path)
    _check_pairs(answers, path)


def _check_once(items: pl.DataFrame, path: str) -> None:
    repeated = items.select(*GROUP, "noise_seed", "example").is_duplicated()
    if repeated.any():
        raise Mismatch(f"{path}: {_named(items.filter(repeated))} occurs twice")


def _check_model(answers: pl.DataFrame) -> None:
    """Raise Mismatch where several models answer a task, or none does."""
    for task, models in answers.group_by("task").agg(pl.col("model").unique().sort()).sort("task").iter_rows():
        if len(models) != 1:
            what = f"The rows of {task} are of {counted(len(models), 'model')}: {', '.join(map(shown, models[:5]))}"
            raise Mismatch(f"{what}. Choose one with --only-model NAME.")
    if answers.is_empty():
        raise Mismatch("The rows are of no model: all are those of constants or of shallow predictors.")


def _check_clean(answers: pl.DataFrame, path: str) -> None:
    """Raise Mismatch where noise has no clean rows to be compared with."""
    groups = answers.group_by(_TWIN, maintain_order=True).agg(pl.col("condition").unique().sort())
    for row in groups.filter(~pl.col("condition").list.contains(CLEAN)).iter_rows(named=True):
        cell = f"{row['task']}/{row['language']} ({row['split']}, {row['inference']})"
        noises = ", ".join(row["condition"][:3])
        raise Mismatch(f"{path}: {cell} has {noises}, and no rows of the condition clean to be compared with")


def _check_pairs(answers: pl.DataFrame, path: str) -> None:
    """Raise Mismatch at an example that a condition adds, or that is another one there."""
    key = [*_TWIN, "example"]
    clean = answers.filter(pl.col("condition") == CLEAN).select(*key, *_SAME, there=pl.lit(True))
    noisy = answers.filter(pl.col("condition") != CLEAN)
    joined = noisy.join(clean, on=key, how="left", suffix="_clean")
    if (new := joined.filter(pl.col("there").is_null())).height:
        raise Mismatch(f"{path}: {_named(new)} has no clean row")
    for name in _SAME:
        if (other := joined.filter(pl.col(name) != pl.col(f"{name}_clean"))).height:
            pair = f"{shown(other.item(0, f'{name}_clean'))} in clean text"
            raise Mismatch(f"{path}: {_named(other)} has the {name} {shown(other.item(0, name))}, and {pair}")
    _check_complete(noisy, clean, path)


def _check_complete(noisy: pl.DataFrame, clean: pl.DataFrame, path: str) -> None:
    """Raise Mismatch at an example of the clean text that is not under a condition and noise seed."""
    counts = noisy.group_by(*GROUP, "noise_seed", maintain_order=True).len()
    wanted = clean.group_by(_TWIN).agg(wanted=pl.len())
    for row in counts.join(wanted, on=_TWIN).filter(pl.col("len") < pl.col("wanted")).iter_rows(named=True):
        there = noisy.filter(*(pl.col(name) == row[name] for name in (*GROUP, "noise_seed")))
        of_twin = clean.filter(*(pl.col(name) == row[name] for name in _TWIN))
        missing = of_twin.join(there, on="example", how="anti").item(0, "example")
        where = f"{row['task']}/{row['language']} {row['condition']} (noise seed {row['noise_seed']})"
        raise Mismatch(f"{path}: the example {shown(missing)} is missing in {where}")


def _named(rows: pl.DataFrame) -> str:
    """The first of some rows in words."""
    row = rows.row(0, named=True)
    seed = "" if row["noise_seed"] == CLEAN_SEED else f" (noise seed {row['noise_seed']})"
    return f"the example {shown(row['example'])} of {row['task']}/{row['language']} {row['condition']}{seed}"

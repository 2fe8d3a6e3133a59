"""PREDICTIONS, MODELS and CONDITIONS of imported rows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import polars as pl

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import DataError, UserError, shown
from robust_xtreme.core.targets.kinds import CHOICE, CLASSIFICATION, SPAN_QA
from robust_xtreme.exchange.importing.answers import index_of
from robust_xtreme.exchange.importing.items import TYPE, whole
from robust_xtreme.exchange.importing.scoring import Scoring
from robust_xtreme.files.schema import CHANCE, CONDITIONS, MODELS, PREDICTIONS, SHALLOW, build
from robust_xtreme.noise.conditions.condition import CLEAN, KIND, named
from robust_xtreme.noise.engine.noising import asks
from robust_xtreme.tasks.noisy.described import condition_row

_UNPARSED: Final = "unparsed"
_NOTHING: Final = "null"
_JSON: Final = r"^(\[|-?\d+$)"
"""How a list or a whole number begins in JSON."""


def answering(items: pl.DataFrame) -> pl.DataFrame:
    """The rows of a model, without those of constants and shallow predictors."""
    return items.filter(~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})"))


def predictions_of(items: pl.DataFrame, scoring: Scoring, path: str) -> pl.DataFrame:
    """PREDICTIONS of the items of one task. Raises DataError naming the example whose answer is none of the task."""
    rows = answering(items)
    nothing = pl.col("prediction").is_null() & pl.col("scores").is_null() & pl.col("sums").is_null()
    status = pl.when(nothing).then(pl.lit(_UNPARSED)).otherwise(pl.lit("ok"))
    answer = pl.col("prediction") if scoring.family == SPAN_QA.name else pl.lit(None, pl.String)
    made = pl.when(pl.col("sums").is_null()).then(pl.coalesce("answer", answer)).otherwise("answer")
    columns: dict[str, Any] = {
        "status": pl.coalesce("status", status),
        "answer": pl.when(made != "").then(made),
        "prediction": _stored(rows, "prediction", scoring, path),
        "gold": _stored(rows, "gold", scoring, path).fill_null(_NOTHING),
    }
    return whole(rows).with_columns(**columns).select(list(PREDICTIONS.columns))


def _stored(rows: pl.DataFrame, name: str, scoring: Scoring, path: str) -> pl.Series:
    """Answers as JSON: labels as their numbers; those with sums, which our runs have stored, as they are."""
    is_json = pl.col(name).str.contains(_JSON) & ~pl.col(name).is_in(_no_json(rows, name))
    if scoring.family == SPAN_QA.name:  # a number is a text, too
        is_json = pl.col("sums").is_not_null() & is_json if name == "prediction" else is_json
    written = pl.when(is_json).then(name).otherwise(_quoted(name))
    if scoring.family in (CHOICE.name, CLASSIFICATION.name):
        numbers = pl.col(name).replace_strict(_numbers(rows, name, scoring, path), default=None, return_dtype=pl.String)
        written = pl.when(pl.col("sums").is_null()).then(numbers).otherwise(written)
    return rows.select(written.alias(name)).to_series()


def _no_json(rows: pl.DataFrame, name: str) -> list[str]:
    """The texts that begin as JSON and are none."""
    is_text = pl.col(name + TYPE).is_null() if name + TYPE in rows.columns else True
    return [
        text for text in rows.filter(is_text, pl.col(name).str.contains(_JSON))[name].unique() if not _is_json(text)
    ]


def _is_json(text: str) -> bool:
    with suppress(ValueError, RecursionError):
        strict_json.loads(text)
        return True
    return False


def _quoted(name: str) -> pl.Expr:
    """A string as JSON."""
    encoded = pl.struct(pl.col(name).alias("")).struct.json_encode()
    return pl.when(pl.col(name).is_not_null()).then(encoded.str.strip_prefix('{"":').str.strip_suffix("}"))


def _numbers(rows: pl.DataFrame, name: str, scoring: Scoring, path: str) -> dict[str, str]:
    """The number of each label that occurs."""
    numbers = {}
    for value in rows.filter(pl.col("sums").is_null()).get_column(name).drop_nulls().unique():
        try:
            numbers[value] = str(index_of(value, scoring.labels))
        except UserError as error:
            example = rows.filter(pl.col(name) == value).item(0, "example")
            raise DataError(path, f"the {name} of the example {shown(example)}: {error}") from error
    return numbers


def models_of(items: pl.DataFrame) -> pl.DataFrame:
    """MODELS: the names alone are known."""
    names = answering(items).get_column("model").unique().sort()
    return build([{"model": name, "identity": ""} for name in names], MODELS)


def conditions_of(items: pl.DataFrame) -> pl.DataFrame:
    """CONDITIONS: our perturbations by their names, another condition as noise of others."""
    return build([_condition(name) for name in items.get_column("condition").unique().sort()], CONDITIONS)


def _condition(name: str) -> dict[str, Any]:
    if name == CLEAN:
        return condition_row(named(CLEAN))
    try:
        condition = named(name)
        if condition.spec and not asks(condition.spec):
            return condition_row(condition)
    except UserError:  # not one of our perturbations, or one that is not installed here
        pass
    return {"condition": name, "kind": KIND, "name": name, "pairing": "id"}

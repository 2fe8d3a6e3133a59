"""Turns predictions into frames: each item, its prediction, its noise and the sums of its metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import polars as pl

from robust_xtreme.evaluation.answered import Answered, columns_of, responses_of
from robust_xtreme.evaluation.rows import Rows, attacked_rows
from robust_xtreme.evaluation.stats import stats_of
from robust_xtreme.results.schema import PREDICTIONS
from robust_xtreme.results.sorting import ordered


@final
@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one task run, sorted: predictions, and statistics (those of chance and of shallow predictors, too).

    Strings of statistics, of which an item has many rows, are those of an Enum. `attacked` are the items under attacks;
    None where there is none.
    """

    predictions: pl.DataFrame
    stats: pl.DataFrame
    attacked: pl.DataFrame | None = None


def score_examples(answered: Answered) -> Part:
    """The frames of a task run, with the statistics of chance and of the shallow predictor.

    A condition with an answer that is not finite is `failed` and has no statistics of the model or of an attack.
    """
    columns = columns_of(answered.prepared)
    responses, rows = responses_of(answered, columns), Rows(answered)
    failed = [given is None for given in responses]
    predictions = pl.concat([rows.of(*each) for each in zip(answered.prepared.variants, failed, strict=True)])
    stats = stats_of(answered.prepared, columns, responses)
    return Part(ordered(predictions, PREDICTIONS.key), stats, attacked_rows(answered.prepared, failed))

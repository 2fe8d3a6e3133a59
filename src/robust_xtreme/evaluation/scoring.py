"""Turns predictions into frames: each item, its prediction, its noise and the sums of its metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import polars as pl

from robust_xtreme.evaluation.answered import Answered, whole
from robust_xtreme.evaluation.rows import Rows
from robust_xtreme.evaluation.stats import levels_of, stats_of
from robust_xtreme.results.schema import STATS, build


@final
@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one task run: predictions, and statistics (those of chance and of the shallow predictor, too)."""

    predictions: pl.DataFrame
    stats: pl.DataFrame


def score_examples(answered: Answered) -> Part:
    """The frames of a task run, with the statistics of chance and of the shallow predictor.

    A condition with an answer that is not finite is `failed` and has no statistics of the model.
    """
    variants = answered.prepared.variants
    failed = {variant.condition.name for variant in variants if not whole(answered, variant)}
    rows = Rows(answered)
    predictions = [rows.of(variant, variant.condition.name in failed) for variant in variants]
    stats = [stats_of(answered, variant) for variant in variants if variant.condition.name not in failed]
    stats += levels_of(answered.prepared)
    return Part(pl.concat(predictions), pl.concat(stats) if stats else build([], STATS))

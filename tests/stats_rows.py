"""STATS and PREDICTIONS made by hand: one row an item, accuracy of right (1) and wrong (0) answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from robust_xtreme.files.schema import CELL, PREDICTIONS, STATS, build
from robust_xtreme.stats._cells import cells
from robust_xtreme.stats.degrade import compared, deltas_of
from robust_xtreme.stats.score import scores_of

NOISE = "char_noise:0.1@fields=premise"

Right = Sequence[Any]
"""Of each item whether the answer is right."""


def cell(condition: str = "clean", **other: str) -> dict[str, Any]:
    """The columns that name a cell, of xnli in Swahili but for what is stated otherwise."""
    key = {**dict.fromkeys(CELL, "x"), "model": "m", "task": "xnli", "split": "test", "language": "sw"}
    return {**key, "context_language": "sw", "setting": "zero_shot", "condition": condition, **other}


def item(number: int, size: int = 3) -> dict[str, Any]:
    """The id, cluster and fingerprint of an item; `size` items a cluster."""
    return {"example": f"xnli/test/sw/{number:05}", "cluster": f"{number // size:05}", "fingerprint": f"f{number}"}


def stats_rows(
    right: Right, condition: str = "clean", seed: int = -1, *, scope: str = "all", **other: str
) -> list[dict[str, Any]]:
    """STATS rows of accuracy for one cell and noise seed."""
    named = {**cell(condition, **other), "noise_seed": seed, "metric": "accuracy", "scope": scope}
    return [{**named, **item(at), "stats": [float(value), 1.0]} for at, value in enumerate(right)]


def prediction_rows(count: int, condition: str = "clean", seed: int = -1, **other: Any) -> list[dict[str, Any]]:
    """PREDICTIONS rows of one cell and noise seed; noise edits two of twenty graphemes of each item."""
    noisy = condition != "clean"
    read = {"gold": "0", "status": "ok" if noisy else "unchanged", "eligible": 20}
    edits = {"edits": 2 * noisy, "operators": '{"swap": 1, "delete": 1}' if noisy else "{}"}
    rates = {"grapheme_edit_rate": 0.1 * noisy, "word_edit_rate": 0.5 * noisy, "words": 4}
    tokens = {"tokens_clean": 6, "tokens": 6 + 2 * noisy, "tokens_changed": noisy, "truncated": False}
    values = {**read, **edits, **rates, **tokens, "numbers_edited": 0, "negators_edited": 0}
    named = {name: other.pop(name) for name in list(other) if name in CELL}
    return [
        {**cell(condition, **named), "noise_seed": seed, **item(at), **values, "prediction": str(at % 3), **other}
        for at in range(count)
    ]


def frames(arms: Mapping[tuple[str, int], Right], **other: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """STATS and PREDICTIONS of one model, from (condition, noise seed) to right answers."""
    stats = [
        row
        for (condition, seed), right in arms.items()
        for row in stats_rows(right, condition, seed, scope="all", **other)
    ]
    rows = [
        row
        for (condition, seed), right in arms.items()
        for row in prediction_rows(len(right), condition, seed, **other)
    ]
    return build(stats, STATS), build(rows, PREDICTIONS)


def answers(count: int, share: float, seed: int = 0) -> Any:
    """Right or wrong answers, (count,) of bool, drawn at the given share."""
    return np.random.default_rng(seed).random(count) < share


def scores(stats: pl.DataFrame, predictions: pl.DataFrame, **given: Any) -> pl.DataFrame:
    """SCORES from STATS and PREDICTIONS."""
    return scores_of(cells(stats), predictions, **given)


def deltas(stats: pl.DataFrame, scored: pl.DataFrame, headlines: Mapping[str, str], **given: Any) -> pl.DataFrame:
    """DELTAS from STATS and their SCORES."""
    return deltas_of([compared(cells(stats), scored, headlines, **given)])

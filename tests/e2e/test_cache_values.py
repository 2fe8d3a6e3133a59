"""Entries of the cache whose checksums are right and whose values no input can have are computed again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from robust_xtreme import evaluate
from robust_xtreme.files.cache import info, opened


def _levels(task: str, out: Path) -> pl.DataFrame:
    evaluation = evaluate(tasks=[task], languages=["sw"], limit=6, device="cpu", workers="0", out=out)
    return evaluation.scores.select("model", "metric", "value", "low", "near_chance")


def _entries(kind: str) -> dict[bytes, bytes]:
    with closing(sqlite3.connect(next(info().folder.glob("cache-v*.sqlite3")))) as db:
        return dict(db.execute("SELECT key, value FROM entries WHERE kind = ?", (kind,)).fetchall())


_CHOICES = ['{"Choice": 3}', '{"Choice": -1}', f'{{"Choice": {10**30}}}', '{"Answers": [[0, 1]]}']
_SPANS = [
    '{"Answers": [[0, 99999]]}',
    '{"Answers": [[5, 5]]}',
    '{"Answers": [[-3, 2]]}',
    '{"Answers": [[0, 1], [1, 2]]}',
]


@pytest.mark.parametrize(
    ("task", "kind", "values"),
    [
        ("xnli", "predictions", [*_CHOICES, '{"Choice": 1, "score": 1.5}', '{"Choice": 1, "score": -1}']),
        ("xcopa", "predictions", ['{"Choice": 2}', '{"Tags": ["entailment"]}']),
        ("panx", "predictions", ['{"Tags": []}', '{"Tags": ["O"]}', '{"Document": ["O"]}', "another tag"]),
        ("xquad", "predictions", [*_SPANS, '{"Tags": ["O"]}']),
        ("tatoeba", "embeddings", ["half", "nan"]),
    ],
)
def test_a_value_that_no_input_can_have_is_computed_again(
    tmp_path: Path, cache: Path, task: str, kind: str, values: list[str]
) -> None:
    """The level is the one without a cache, and the entry is replaced: labels, choices, tags, spans and vectors."""
    before, stored = _levels(task, tmp_path / "first"), _entries(kind)
    assert len(stored) >= 2
    written = opened(lambda _: None)
    written.put(kind, {key: _forged(stored[key], values[at % len(values)]) for at, key in enumerate(sorted(stored))})
    written.close()
    assert _levels(task, tmp_path / "again").equals(before)
    assert _entries(kind) == stored


def _forged(value: bytes, forgery: str) -> bytes:
    if forgery == "half":
        return value[: len(value) // 2]
    if forgery == "nan":
        vectors = np.frombuffer(value, np.float32).copy()
        vectors[3] = np.nan
        return vectors.tobytes()
    if forgery == "another tag":
        return value.replace(b'"O"', b'"X"')
    return forgery.encode()

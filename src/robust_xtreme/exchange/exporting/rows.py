"""Writes the items of a run as JSON lines that `import` reads: with them the same scores and drops can be computed."""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.files import store
from robust_xtreme.files.manifest import check_file
from robust_xtreme.files.schema import CELL, CHANCE, SHALLOW
from robust_xtreme.report.view import Results

_KEY: Final = (*CELL, "noise_seed", "example")
_ROWS: Final = 1 << 16
_OVERLAP: Final = ("model", "task", "split", "language")


def items(folder: Path, results: Results) -> Iterator[dict[str, Any]]:
    """Each item of a model under each condition and seed, and those of constants and shallow predictors.

    Conditions that failed have none. Raises DataError where a file is not the one that the run wrote.
    """
    overlapping = set(results.scores.filter(pl.col("overlap")).select(_OVERLAP).unique().iter_rows())
    for name in ("predictions.parquet", "stats.parquet"):
        check_file(folder, name, results.manifest)
    scanned = (store.scan_frame(folder / name) for name in ("predictions.parquet", "stats.parquet"))
    predictions, stats = map(_rows, scanned)
    answered: dict[str, Any] = {}
    for key, rows in groupby(stats, key=_key):
        item = [*rows]
        while not item[0]["model"].startswith((CHANCE, SHALLOW)) and _key(answered) != key:
            answered = next(predictions)  # those of a condition that failed have no sums
        sums: dict[str, dict[str, list[float]]] = {}
        for row in item:
            sums.setdefault(row["metric"], {})[row["scope"]] = row["stats"]
        # Of constants and shallow predictors STATS have all that is known.
        stated = {name: item[0][name] for name in (*_KEY, "cluster", "fingerprint")}
        yield _item(answered if _key(answered) == key else stated, sums, overlapping)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in _KEY)


def _rows(stored: pl.LazyFrame) -> Iterator[dict[str, Any]]:
    """The rows of a file in their order, some in memory at a time."""
    for start in range(0, stored.select(pl.len()).collect().item(), _ROWS):
        yield from stored.slice(start, _ROWS).collect(engine="streaming").iter_rows(named=True)


def _item(row: Mapping[str, Any], sums: Mapping[str, Any], overlapping: set[tuple[Any, ...]]) -> dict[str, Any]:
    """What is known of one item, by the keys that `import` reads."""
    named = {"id": row["example"], **{name: value for name, value in row.items() if name not in ("example", "score")}}
    named["confidence"] = row.get("score")  # `score` is the key of a quality
    in_json = ("prediction", "gold", "operators")  # written as what they say
    kept = {name: json.loads(value) if name in in_json and value else value for name, value in named.items()}
    if tuple(row[name] for name in _OVERLAP) in overlapping:
        kept["overlap"] = True
    return {name: value for name, value in kept.items() if value is not None} | {"sums": sums}

"""Recomputes the tables of a run from its predictions.parquet, by other code than the project's.

`python -m tools.independent_reader RUN --gold xquad/en=xquad.en.json` compares scores.csv, deltas.csv and averages.csv
with what it computes, and prints how many numbers agree. It imports nothing of robust_xtreme: metrics are those of the
official scripts (tools/official_metrics.py), intervals the formulas of docs/method.md. Question answering needs the
official data files (SQuAD's JSON, or rows of a suite) with the gold answers; all else is in predictions.parquet.

Not computed: `surface_f1_*`, which compare noisy texts (`perturb --task` writes them); levels of the parts that noise
changed or left (scopes other than `all`), of chance and of shallow predictors, whose sums are in stats.parquet; bounds
valid for all tests at once (a bootstrap); intervals of averages, and averages over tasks.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from scipy import stats as distributions
from tools.official_metrics import Array, Golds, Row, gold_answers, reduced, sums_of

CELL: Final = ("model", "data", "task", "split", "language", "context_language", "setting", "inference", "condition")
CLEAN: Final = "clean"
WITHIN: Final = ("languages", "common", "script", "family")
"""The kinds of averages over languages of one task, of equal weights."""

OF_ATTACK: Final = re.compile(r"(^|\+)(attack_|textattack\.)|^frozen:|@like=")
"""Conditions that edit only what is right on clean text, whose drops are not tested."""

FEWEST: Final = 20
CLOSE: Final = 1e-6


class Estimate(NamedTuple):
    """An estimate in points with its interval (None: too few clusters); p is that of a drop."""

    value: float
    se: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None


def without_each(sums: Array) -> tuple[Array, Array]:
    """The value of each arm, and those without each cluster, from sums (arms, clusters, k)."""
    total = sums.sum(1)
    return reduced(total), np.stack([reduced(total - sums[:, at]) for at in range(sums.shape[1])], -1)


def moved(value: float, without: Array) -> tuple[float, Array, float, float]:
    """The value, what each cluster moves it by, V of the jackknife, and t."""
    count = len(without)
    moves = without.mean() - without
    return value, moves, (count - 1) / count * float((moves**2).sum()), float(distributions.t.ppf(0.975, count - 1))


def greatest_share(sums: Array) -> float:
    """The greatest share that one cluster has of what a mean divides by, or of all that an F1 counts."""
    sizes = sums[..., 1].sum(0) if sums.shape[-1] == 2 else sums.sum((0, 2))
    return float(sizes.max() / sizes.sum()) if sizes.any() else 1 / len(sizes)


def level(sums: Array) -> Estimate:
    """A score, with t on the logit scale."""
    values, without = without_each(sums)
    value, _, variance, t = moved(float(values.mean()), without.mean(0))
    if sums.shape[1] < FEWEST:
        return Estimate(value)
    if variance <= 1e-18:
        reach = 100 * (1 - 0.05 ** greatest_share(sums))
        return Estimate(value, math.sqrt(variance), max(value - reach, 0), min(value + reach, 100))
    share = min(max(value / 100, 1e-9), 1 - 1e-9)
    reach = t * math.sqrt(variance) / 100 / (share * (1 - share))
    low, high = (100 / (1 + math.exp(-x)) for x in (math.log(share / (1 - share)) + s * reach for s in (-1, 1)))
    return Estimate(value, math.sqrt(variance), low, high)


def drop(clean: Array, noisy: Array) -> Estimate:
    """Clean minus noisy, paired by cluster, with one differing cluster added to the variance."""
    (before, before_without), (after, after_without) = without_each(clean), without_each(noisy)
    value, moves, variance, t = moved(float((before - after).mean()), (before_without - after_without).mean(0))
    count, differing = clean.shape[1], int((clean != noisy).any(-1).any(0).sum())
    if count < FEWEST:
        return Estimate(value)
    still = variance <= 1e-18
    widened = variance if still else variance + float((moves**4).sum() / (moves**2).sum())
    reach = 100 * (1 - 0.05 ** greatest_share(clean)) if still else t * math.sqrt(widened)
    p = max(2 * float(distributions.t.sf(abs(value) * t / reach, count - 1)), 2.0 ** min(1 - differing, 0))
    p = 1.0 if value == 0 else p
    low, high = max(value - reach, -100), min(value + reach, 100)
    low, high = (min(low, 0.0), max(high, 0.0)) if p > 0.05 else (low, high)
    return Estimate(value, math.sqrt(variance), low, high, p)


def holm(values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given."""
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, at in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, values[at] * (len(values) - rank))
        adjusted[at] = min(largest, 1.0)
    return adjusted


class Reader:
    """The predictions of a run, and the gold answers of its questions."""

    def __init__(self, run: Path, golds: Golds) -> None:
        self.rows: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        self.golds = golds
        self.known: dict[tuple[tuple[str, ...], str], Array | None] = {}
        for row in pl.read_parquet(run / "predictions.parquet").iter_rows(named=True):
            self.rows[tuple(row[name] for name in CELL)].append(row)

    def sums(self, cell: tuple[str, ...], metric: str) -> Array | None:
        """Sums (noise seeds, clusters in the order of their names, k) of a cell."""
        if (cell, metric) not in self.known:
            self.known[cell, metric] = self._sums(self.rows[cell], metric)
        return self.known[cell, metric]

    def _sums(self, rows: Sequence[Row], metric: str) -> Array | None:
        seeds, clusters = (sorted({row[name] for row in rows}) for name in ("noise_seed", "cluster"))
        numbers = {cluster: at for at, cluster in enumerate(clusters)}
        total: Array | None = None
        for row in rows:
            sums = sums_of(row, metric, self.golds)
            if sums is None:
                return None
            total = np.zeros((len(seeds), len(clusters), len(sums))) if total is None else total
            total[seeds.index(row["noise_seed"]), numbers[row["cluster"]]] += sums
        return total

    def realised(self, cell: tuple[str, ...]) -> dict[str, float | None]:
        """What noise did to a cell: means over its rows, of rates over those with a text that could be noised."""
        rows = self.rows[cell]
        measured = [row for row in rows if row["words"] or row["tokens_clean"]] or rows
        words = sum(row["words"] for row in rows)
        return {
            "grapheme_edit_rate": sum(row["grapheme_edit_rate"] for row in rows) / len(measured),
            "word_edit_rate": sum(row["word_edit_rate"] for row in rows) / len(measured),
            "unchanged": 1 - sum(row["edits"] > 0 for row in rows) / len(measured),
            "not_applicable": sum(row["status"] == "not_applicable" for row in rows) / len(rows),
            "truncated": sum(row["truncated"] for row in rows) / len(rows),
            "tokens_per_word_clean": sum(row["tokens_clean"] for row in rows) / words if words else None,
            "tokens_per_word": sum(row["tokens"] for row in rows) / words if words else None,
            "n": len({row["example"] for row in rows}),
            "clusters": len({row["cluster"] for row in rows}),
            "seeds": len({row["noise_seed"] for row in rows}),
        }

    def score(self, row: Row) -> dict[str, float | None] | None:
        """The columns of a row of SCORES; None where the metric cannot be computed."""
        cell = tuple(row[name] for name in CELL)
        sums = self.sums(cell, row["metric"]) if row["scope"] == "all" else None
        return None if sums is None else {**level(sums)._asdict(), **self.realised(cell)}

    def delta(self, row: Row) -> dict[str, float | None] | None:
        """The columns of a row of DELTAS; None where the metric cannot be computed."""
        cell = tuple(row[name] for name in CELL)
        noisy, clean = self.sums(cell, row["metric"]), self.sums((*cell[:-1], CLEAN), row["metric"])
        if noisy is None or clean is None:
            return None
        before, after, estimate = level(clean).value, level(noisy).value, drop(clean, noisy)
        reached = not row["inert"] and max(row["not_applicable"], row["unchanged"]) < 1
        tested = estimate.p if reached and row["queries"] is None and not OF_ATTACK.search(row["condition"]) else None
        relative = 100 * estimate.value / before if before > 0 else None
        differing = int((clean != noisy).any(-1).any(0).sum())
        changed = {**estimate._asdict(), "p": tested, "value": after, "clean": before, "drop": estimate.value}
        return {**changed, "relative": relative, "differing": differing, **self.realised(cell)}

    def average(self, row: Row) -> dict[str, float | None] | None:
        """The levels and the drop of a row of AVERAGES over languages; None for other averages."""
        if row["kind"] not in WITHIN:
            return None
        cells = [cell for cell in self.rows if self._is_of(dict(zip(CELL, cell, strict=True)), row)]
        pairs = [(self.sums((*cell[:-1], CLEAN), row["metric"]), self.sums(cell, row["metric"])) for cell in cells]
        known = [
            (level(clean).value, level(noisy).value) for clean, noisy in pairs if not (clean is None or noisy is None)
        ]
        if not known or len(known) < len(cells):
            return None
        clean, noisy = (sum(values) / len(known) for values in zip(*known, strict=True))
        return {"clean": clean, "value": noisy, "drop": None if row["drop"] is None else clean - noisy}

    def _is_of(self, cell: Row, row: Row) -> bool:
        question, context = cell["language"], cell["context_language"]
        code = question if question == context else f"{question}@{context}"
        same = all(cell[name] == row[name] for name in ("model", "task", "split", "inference", "condition"))
        return same and code in row["languages"].split()


Difference = tuple[str, str, Any, Any]
"""Where a number differs: the cell and metric, the column, the run's number, and the one computed here."""


def compared(run: Path, golds: Golds) -> tuple[Counter[str], list[Difference]]:
    """How many numbers of each column were compared (skipped rows are `not computed`), and those that differ."""
    reader, counted = Reader(run, golds), Counter[str]()
    different: list[Difference] = []
    for name, columns_of in (("scores", reader.score), ("deltas", reader.delta), ("averages", reader.average)):
        for row in table(run / f"{name}.csv"):
            computed = columns_of(row)
            if computed is None:
                counted[f"{name}: not computed"] += 1
                continue
            for column in computed.keys() & row.keys():
                counted[f"{name}.{column}"] += 1
                if not alike(row[column], computed[column]):
                    different.append((named(row), column, row[column], computed[column]))
    rows = [row for row in table(run / "deltas.csv") if row["family"] is not None]
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        counted["deltas.p_adjusted"] += 1
        if not alike(row["p_adjusted"], adjusted) or row["m"] != len(rows):
            different.append((named(row), "p_adjusted", row["p_adjusted"], adjusted))
    return counted, different


def named(row: Row) -> str:
    """The cell and metric of a row."""
    languages = row["languages"] if "languages" in row else f"{row['language']}@{row['context_language']}"
    return f"{row['model']} {row['task']}/{languages} {row['condition']} {row['metric']}"


def table(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV of a run."""
    return pl.read_csv(path, infer_schema_length=None).to_dicts()


def alike(run: Any, computed: Any) -> bool:
    """Whether two numbers are equal but for rounding, or both unknown."""
    if run is None or computed is None:
        return run is computed
    return bool(abs(run - computed) <= CLOSE * max(1.0, abs(run)))


def read_golds(named: Sequence[str]) -> dict[tuple[str, str, str], Sequence[str]]:
    """Gold answers from arguments such as `xquad/en=xquad.en.json`."""
    golds: dict[tuple[str, str, str], Sequence[str]] = {}
    for argument in named:
        name, _, path = argument.partition("=")
        task, _, language = name.partition("/")
        golds |= {(task, language, native): texts for native, texts in gold_answers(Path(path))}
    return golds


def main() -> int:
    """Print how many numbers of a run agree; 1 if one does not."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--gold", action="append", default=[], metavar="TASK/LANGUAGE=FILE")
    words = parser.parse_args()
    counted, different = compared(words.run, read_golds(words.gold))
    for name, number in sorted(counted.items()):
        print(f"{name:32} {number:7,}")
    for difference in different:
        print(*difference, sep="\t")
    print(f"{len(different)} numbers differ.")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())

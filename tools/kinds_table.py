"""The table of reports/kinds: models that read bytes and characters beside subwords, over training seeds.

`python -m tools.kinds_table RUNS kinds.csv` reads the evaluated runs `RUNS/eval-KIND-sSEED` of the encoders that
`tools.untrained` writes, prints the table as Markdown, and writes it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from tools.untrained import MODELS

from robust_xtreme import load
from robust_xtreme.stats.claims import CLEAN
from robust_xtreme.studies.claims import mde_of, over_seeds

REFERENCE: Final = "subword"
SEEDS: Final = 3
_NAMED: Final = ("language", "condition", "scale")
_COLUMNS: Final = ("mean", "estimate", "low", "high", "mde")


def levels(runs: Path) -> pl.DataFrame:
    """F1 of each kind, seed, language and condition, and its change by the noise, in points."""
    parts = []
    for kind in MODELS:
        for seed in range(SEEDS):
            scores = load(runs / f"eval-{kind}-s{seed}").scores.filter(scope="all", metric="span_f1")
            own = scores.filter(pl.col("model").str.starts_with(kind))
            parts.append(own.select("language", "condition", "value", kind=pl.lit(kind), seed=pl.lit(seed)))
    level = pl.concat(parts).with_columns(scale=pl.lit("level"))
    clean = level.filter(condition=CLEAN).select("kind", "seed", "language", clean="value")
    noisy = level.filter(pl.col("condition") != CLEAN).join(clean, on=["kind", "seed", "language"])
    change = noisy.with_columns(value=pl.col("value") - pl.col("clean"), scale=pl.lit("change"))
    return pl.concat([level, change.select(level.columns)])


def rows_of(table: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """What each kind has on average by language, condition and scale, and how far that is from subwords by seed."""
    for key, part in table.group_by(_NAMED, maintain_order=True):
        by_kind = {kind: part.filter(kind=kind).sort("seed")["value"].to_numpy() for kind in MODELS}
        for kind, values in by_kind.items():
            row = {**dict(zip(_NAMED, key, strict=True)), "kind": kind, "mean": float(values.mean())}
            paired = values - by_kind[REFERENCE]
            if kind != REFERENCE:
                row |= {name: over_seeds(paired.tolist())[name] for name in ("estimate", "low", "high")}
                row["mde"] = mde_of(float(np.std(paired, ddof=1)), SEEDS)
            yield row


def markdown(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of a table."""
    yield "| language | noise | of | kind | F1 | minus subwords | 95 % interval | MDE |"
    yield "|---|---|---|---|---:|---:|---:|---:|"
    for row in rows:
        names = (row["language"], row["condition"].partition("@")[0], row["scale"], row["kind"], f"{row['mean']:.1f}")
        numbers = ("", "", "")
        if "estimate" in row:
            interval = f"[{row['low']:+.1f}, {row['high']:+.1f}]"
            numbers = (f"{row['estimate']:+.1f}", interval, f"{row['mde']:.1f}")
        yield f"| {' | '.join((*names, *numbers))} |"


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("table", type=Path)
    asked = parser.parse_args()
    rows = list(rows_of(levels(asked.runs)))
    pl.DataFrame(rows, infer_schema_length=None).select(*_NAMED, "kind", *_COLUMNS).write_csv(asked.table)
    print("\n".join(markdown(rows)))


if __name__ == "__main__":
    main()

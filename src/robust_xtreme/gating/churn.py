"""Churn: which answers changed between two runs, also where averages agree; harmful: they were right and are not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from robust_xtreme.core.examples import RETRIEVAL, SPAN_QA, digest
from robust_xtreme.core.metric import named
from robust_xtreme.files.schema import CELL
from robust_xtreme.gating.baselines import Baseline
from robust_xtreme.report.document import finished
from robust_xtreme.report.samples.choosing import PREDICTED, rows_of
from robust_xtreme.stats.claims import is_selected
from robust_xtreme.stats.contrasts import Key
from robust_xtreme.stats.intervals import TOP, cluster_sums, estimate_level
from robust_xtreme.stats.merging import blocks
from robust_xtreme.stats.run_cells import any_precision

_EACH = 4
_ITEM = ("noise_seed", "example")


def churn(baseline: Baseline, candidate: Baseline) -> tuple[dict[Key, dict[str, float | None]], pl.DataFrame]:
    """The shares of each cell in COMPARISONS, and some answers of each task and language that became wrong.

    These are PREDICTIONS of the candidate, columns of the cell as `cell_...`, with the baseline's as `..._clean`.
    """
    shares: dict[Key, dict[str, float | None]] = {}
    worse = []
    runs = (baseline, candidate) if baseline.paired and candidate.paired and baseline.seeds == 1 else ()
    answers = [_answers(run) for run in runs]
    for key in sorted(set.intersection(*({*run.runs[0]} for run in runs)) if runs else ()):
        was, now = (_right(run.runs[0][key]) for run in runs)
        flags = {"harmful": was & ~now, "beneficial": now & ~was}
        rows = _both(answers, key, baseline.facts["tasks"][key[1]].get("family"))
        if rows.height == was.size:
            flags["changed"] = rows["changed"].to_numpy().reshape(was.shape)
            lost = rows.filter(pl.Series(flags["harmful"].ravel()), not is_selected(key[-2]))
            order = pl.Series("order", map(digest, lost["example"]), pl.String)
            worse.append(lost.with_columns(order).sort("order", *_ITEM).head(_EACH))
        cell = baseline.runs[0][key]
        shares[key] = {name + end: value for name, flag in flags.items() for end, value in _share(cell, flag)}
    if not worse:
        return shares, pl.DataFrame()
    drawn = pl.concat(worse).sort("cell_language", "cell_task", "order", *_ITEM)
    return shares, drawn.group_by("cell_language", "cell_task", maintain_order=True).head(_EACH)


def _answers(run: Baseline) -> Mapping[Key, pl.LazyFrame]:
    """PREDICTIONS of a run by what the keys of its cells begin with; none where it has no such file."""
    folder = Path(run.name)
    if run.saved_at or not (folder / PREDICTED).is_file():
        return {}
    rows = rows_of(folder, finished(folder).manifest).predictions.with_columns(any_precision())
    return {block.key[1:]: block.rows for block in blocks(rows)}


def _both(answers: Sequence[Mapping[Key, pl.LazyFrame]], key: Key, family: str | None) -> pl.DataFrame:
    """The answers of both runs to a cell, and whether they are other ones: of retrieval, by what was found first."""
    if any(key[:-2] not in run for run in answers):
        return pl.DataFrame()
    was, now = (run[key[:-2]].filter(pl.col("condition") == key[-2]) for run in answers)
    rows = now.join(was.select(*_ITEM, "prediction", "answer"), on=_ITEM, suffix="_clean")
    after, before = (pl.col(f"{'answer' if family == SPAN_QA.name else 'prediction'}{end}") for end in ("", "_clean"))
    if family == RETRIEVAL.name:
        after, before = (side.str.extract(r'^\["((?:[^"\\]|\\.)*)"') for side in (after, before))
    changed = rows.with_columns(changed=after.ne_missing(before))
    return changed.rename({name: f"cell_{name}" for name in CELL}).sort(_ITEM).collect()


def _right(cell: Any) -> Any:
    """Which items are right, (noise seeds, items): of the highest value, or with nothing to count and none counted."""
    return ~cell.values.any(-1) | (cell.reduce(cell.values) >= TOP - 1e-9)


def _share(cell: Any, flags: Any) -> list[tuple[str, float | None]]:
    """The share of items with a flag (noise seeds, items) and its bounds, as of a level: the ends of their names."""
    counts = np.stack([flags, np.ones_like(flags)], -1).astype(np.float64)
    sums = np.stack([cluster_sums(of_seed, cell.items.codes, len(cell.items.clusters)) for of_seed in counts])
    level = estimate_level(sums, named("accuracy").reduce)
    known = {"": level.value, "_low": level.low, "_high": level.high}
    return [(end, None if value is None else value / TOP) for end, value in known.items()]

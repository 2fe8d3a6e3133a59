"""Compares a run with a baseline under a policy: what the commands `compare` and `gate` show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import final

import polars as pl

from robust_xtreme.errors import Mismatch
from robust_xtreme.gating.baselines import Baseline, check_comparable
from robust_xtreme.gating.policy import Policy
from robust_xtreme.gating.seeds import METHOD, across_seeds
from robust_xtreme.gating.verdicts import Gate, decide
from robust_xtreme.metric import ALL
from robust_xtreme.report.document import finished
from robust_xtreme.report.renderers.html import notebook_blocks
from robust_xtreme.results.contrasts import CELLS, Key, contrasts
from robust_xtreme.results.schema import CELL


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs that were compared: how they are called, and CONTRASTS of them."""

    baseline: str
    candidate: str
    frame: pl.DataFrame

    def _repr_html_(self) -> str:
        """The main tables, which a notebook shows."""
        from robust_xtreme.gating.document import comparison_blocks

        return notebook_blocks(f"{self.candidate} compared with {self.baseline}", comparison_blocks(self.frame))


def compared(baseline: Baseline, candidate: Baseline) -> pl.DataFrame:
    """CONTRASTS of one run and a baseline: paired by item, against the mean of its runs where these are several.

    Raises Mismatch where they were not measured on the same things, or where the outcome of each item is not known.
    """
    check_comparable(baseline, candidate)
    for side in (baseline, candidate):
        if not side.paired:
            raise Mismatch(f"{side.title} has no outcomes of items ({side.name}.parquet), which paired tests need.")
    if len(candidate.runs) > 1:
        raise Mismatch(f"{candidate.title} has {len(candidate.runs)} runs. Compare one run with them.")
    (run,) = candidate.runs
    if len(baseline.runs) == 1:
        return contrasts(baseline.runs[0], run, baseline.tasks)
    return across_seeds(baseline.runs, run, baseline.tasks)


def gated(
    baseline: Baseline, candidate: Baseline, policy: Policy, today: date, marks: Mapping[Key, str] | None = None
) -> Gate:
    """The verdicts on a run against a baseline and its anchor; `marks` are those of the run's cells.

    Against several runs of training seeds only what is tested over them is gated. Raises Mismatch as `compared`.
    """
    before, after = set(baseline.keys), set(candidate.keys)
    frame = compared(baseline, candidate)
    if baseline.seeds > 1:
        frame = frame.filter((pl.col("kind") != CELLS) | (pl.col("method") == METHOD))
    gate = decide(frame, policy, sorted(before - after), sorted(after - before), today, marks)
    anchor = gated(baseline.anchor, candidate, policy, today, marks) if baseline.anchor else None
    return replace(gate, note=_note(baseline), anchor=anchor)


def _note(baseline: Baseline) -> str:
    if baseline.seeds > 1:
        return f"Compared with {baseline.title}: {baseline.seeds} runs of one recipe, over training seeds."
    return f"Compared with {baseline.title}: these weights only. Training again with another seed can differ more."


def marks_of(folder: Path) -> dict[Key, str]:
    """The marks of the perturbed cells of a finished run."""
    deltas = finished(folder).deltas.filter(pl.col("scope") == ALL, pl.col("marks").is_not_null())
    return {row[:-1]: row[-1] for row in deltas.select(*CELL[1:], "metric", "marks").iter_rows()}

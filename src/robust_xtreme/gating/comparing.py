"""Compares a run with a baseline under a policy: what the commands `compare` and `gate` show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from robust_xtreme.core.errors import Mismatch, counted, shown
from robust_xtreme.core.metric import ALL
from robust_xtreme.core.sinks import Trusted, visible
from robust_xtreme.files.frames import to_pandas
from robust_xtreme.files.schema import CELL, SIDES
from robust_xtreme.gating.baselines import Baseline, check_comparable
from robust_xtreme.gating.identities import same_weights
from robust_xtreme.gating.policy import Policy
from robust_xtreme.gating.seeds import METHOD, across_seeds
from robust_xtreme.gating.unpaired import unpaired
from robust_xtreme.gating.verdicts import Gate, decide
from robust_xtreme.noise.conditions.frozen import FROZEN
from robust_xtreme.report.blocks import text_of
from robust_xtreme.report.document import finished
from robust_xtreme.report.renderers.html import notebook_blocks
from robust_xtreme.stats.contrasts import CELLS, Key, contrasts
from robust_xtreme.stats.outcomes import mean_of
from robust_xtreme.stats.run_cells import KEY

_VICTIM: Final = (
    "Texts that an attack left (frozen:) are harder for the model that was attacked, if that is one of them. "
)
_NAMED: Final = 6
"""The names that a sentence lists."""


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs that were compared: how they are called, CONTRASTS of them, and what a reader has to know of them."""

    baseline: str
    candidate: str
    frame: pl.DataFrame
    note: str

    @property
    def title(self) -> str:
        """What a page of it is called."""
        return f"{self.candidate} compared with {self.baseline}"

    def __repr__(self) -> str:
        return f"Comparison({shown(self.baseline)}, {shown(self.candidate)}, {counted(self.frame.height, 'row')})"

    def __str__(self) -> str:
        from robust_xtreme.gating.document import differences_sentence

        return visible(f"{self.title}. {text_of(differences_sentence(self.frame))}")

    def to_pandas(self) -> Any:
        """`frame` as a frame of pandas. Raises UserError where pandas is not installed."""
        return to_pandas(self.frame)

    def _repr_html_(self) -> Trusted:
        """The main tables, which a notebook shows."""
        from robust_xtreme.gating.document import comparison_blocks

        return notebook_blocks(self.title, comparison_blocks(self.frame, self.note))


def compare(baseline: Baseline, candidate: Baseline) -> Comparison:
    """Compare one run with a baseline. Raises Mismatch as `compared`."""
    frame = compared(baseline, candidate)
    return Comparison(baseline.title, candidate.title, frame, comparison_note(baseline, candidate))


def compared(baseline: Baseline, candidate: Baseline) -> pl.DataFrame:
    """CONTRASTS of one run and a baseline: against the mean of its runs where these are several, paired by item.

    Where one of them has levels alone, without the outcomes of items, they are compared unpaired. Raises Mismatch where
    they were not measured on the same things.
    """
    check_comparable(baseline, candidate)
    if candidate.seeds > 1:
        raise Mismatch(f"{candidate.title} has {candidate.seeds} runs. Compare one run with them.")
    if baseline.paired and candidate.paired:
        runs = baseline.runs
        whole = contrasts(mean_of(runs), mean_of(candidate.runs * len(runs)), baseline.tasks)
    else:
        whole = unpaired(baseline.levels, candidate.levels)
    return whole if baseline.seeds == 1 else across_seeds(whole, baseline.levels, set(candidate.keys))


def comparison_note(baseline: Baseline, candidate: Baseline) -> str:
    """What the reader of a comparison has to know of the baseline."""
    is_paired = all(side.paired for side in (baseline, candidate, baseline.anchor) if side is not None)
    levels = "" if is_paired else "Unpaired, because a .parquet is absent: less is shown than item by item. "
    alone = "".join(_alone(*sides) for sides in ((baseline, candidate), (candidate, baseline)))
    conditions = {key[KEY.index("condition")] for key in set(baseline.keys) & set(candidate.keys)}
    alone += _VICTIM if any(name.startswith(FROZEN) for name in conditions) else ""
    if baseline.seeds > 1:
        seeds = f"Tasks are tested over the training seeds of {baseline.seeds} runs of one recipe, other rows by items"
        return f"{levels}{alone}{seeds}. Compared with {baseline.title}."
    weights = "These weights only; training again with another seed can differ more"
    return f"{levels}{alone}{weights}. Compared with {baseline.title}."


def _alone(side: Baseline, other: Baseline) -> str:
    """The cells that one side alone has, in a sentence; nothing where there are none."""
    keys = sorted(set(side.keys) - set(other.keys))
    if not keys:
        return ""
    names = {column: sorted({key[KEY.index(column)] for key in keys}) for column in ("task", "language")}
    some = "; ".join(", ".join(each[:_NAMED]) + (", ..." if len(each) > _NAMED else "") for each in names.values())
    return f"Not compared: {counted(len(keys), 'cell')} that only {side.title} has ({some}). "


def gated(
    baseline: Baseline, candidate: Baseline, policy: Policy, today: date, marks: Mapping[Key, str] | None = None
) -> Gate:
    """The verdicts on a run against a baseline and its anchor, between which alpha is shared equally.

    `marks` are those of the run's cells. Against several runs of training seeds only what is tested over them is gated.
    Raises Mismatch as `compared`.
    """
    sides = [side for side in (baseline, baseline.anchor) if side is not None]
    verdicts = [_against(side, candidate, policy, today, marks, len(sides)) for side in sides]
    named = (frame.with_columns(against=pl.lit(name)) for frame, name in zip(verdicts, SIDES, strict=False))
    return Gate(pl.concat(named), policy, comparison_note(baseline, candidate))


def _against(
    baseline: Baseline, candidate: Baseline, policy: Policy, today: date, marks: Mapping[Key, str] | None, sides: int
) -> pl.DataFrame:
    """VERDICTS on a run against one of the sides that share alpha."""
    before, after = set(baseline.keys), set(candidate.keys)
    frame = compared(baseline, candidate)
    if baseline.seeds > 1:
        whole, frame = frame, frame.filter((pl.col("kind") != CELLS) | (pl.col("method") == METHOD))
        _check_required(policy, whole, frame)
    alone = (sorted(before - after), sorted(after - before))
    unchanged = same_weights(baseline.facts, candidate.facts)
    return decide(frame, policy, *alone, today, marks, unchanged, sides).verdicts


def _check_required(policy: Policy, whole: pl.DataFrame, gated: pl.DataFrame) -> None:
    """Raise Mismatch where the policy requires cells of which several runs have no test."""
    rows, tested = whole.rows(named=True), gated.rows(named=True)
    for rule in policy.required:
        if any(map(rule.matches, rows)) and not any(map(rule.matches, tested)):
            what = f"The policy requires {rule.named}, and against several runs only whole tasks are tested"
            raise Mismatch(f"{what}. Compare with one run, or remove the requirement.")


def marks_of(folder: Path) -> dict[Key, str]:
    """The marks of the perturbed cells of a finished run."""
    deltas = finished(folder).deltas.filter(pl.col("scope") == ALL, pl.col("marks").is_not_null())
    return {row[:-1]: row[-1] for row in deltas.select(*CELL[1:], "metric", "marks").iter_rows()}

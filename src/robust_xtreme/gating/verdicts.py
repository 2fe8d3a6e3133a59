"""Verdicts: which cells and tasks of a candidate are shown to be worse than the baseline's, and which shown not to be.

Half of alpha is for the tasks, half for the cells; with an anchor half of each is for it. A row is `ok` where the
one-sided 95 % bound of its difference is above minus the margin; that all of them are ok needs no correction (Berger
1982). Else it is `regressed` where its corrected one-sided p is at most its share of alpha, `beyond margin` where the
upper bound is below minus the margin, and `undecided` otherwise. A task that the same weights answer without any other
answer is `ok` whatever its size. Nothing is rounded before it is compared.

For equivalence both bounds are to be within the margin; p is twice the smaller one of a fall and of a rise (`better`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import hypot, sqrt
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch, UserError, counted
from robust_xtreme.files.schema import CELL, CONTRASTS, SCALES, VERDICTS, build
from robust_xtreme.gating.document import BASELINE, BETTER, BEYOND, GATED, MISSING, NEW, OK, REGRESSED, UNDECIDED, Gate
from robust_xtreme.gating.policy import FAIL, Policy, Row
from robust_xtreme.stats import intervals
from robust_xtreme.stats.claims import CORRECTIONS, holm
from robust_xtreme.stats.contrasts import CELLS, CHANGE, LANGUAGES, OVERALL, TASKS, Key, still_step
from robust_xtreme.stats.intervals import FEWEST_CLUSTERS, TOP, Estimate
from robust_xtreme.stats.outcomes import POOL, pool_of, pooled_levels
from robust_xtreme.stats.run_cells import KEY

METHOD: Final = "t of levels, unpaired"
_SIZE: Final = ("n", "clusters", "seeds")


def unpaired(baseline: pl.DataFrame, candidate: pl.DataFrame) -> pl.DataFrame:
    """CONTRASTS of the cells and tasks of two LEVELS frames, whose items are not known; of several runs their mean.

    Levels count as independent; the error of a mean is that of the errors, which it cannot exceed (docs/method.md).
    Raises Mismatch where a cell has other numbers of items or noise seeds.
    """
    of_cell = (pl.col("value", "se").mean(), pl.col(_SIZE).first())
    before, after = (levels.group_by(KEY).agg(of_cell) for levels in (baseline, candidate))
    both = before.join(after, on=KEY, suffix="_after").sort(KEY)
    cells = [_cell(row) for row in both.iter_rows(named=True)]
    tasks: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in cells:
        tasks[pool_of(row)].append(row)
    pooled = [_task(rows) for rows in tasks.values() if len(rows) > 1]
    return build([*_corrected(cells), *_corrected(pooled)], CONTRASTS).sort(CONTRASTS.key)


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    for size in _SIZE:
        if row[size] != row[f"{size}_after"]:
            cell = f"{row['task']}/{row['language']} {row['condition']}"
            raise Mismatch(f"{cell} has {row[size]} {size} in the baseline and {row[f'{size}_after']} in the run.")
    levels = {"baseline": row["value"], "candidate": row["value_after"], "n": row["n"], "clusters": row["clusters"]}
    errors = (row["se"], row["se_after"])
    known = None not in errors and row["clusters"] >= FEWEST_CLUSTERS
    error = (hypot(*errors), hypot(*errors, sqrt(2) * TOP / row["clusters"])) if known else None
    return {**_named(tuple(row[name] for name in KEY)), **levels, **_tested(levels, error)}


def _named(key: Key) -> dict[str, Any]:
    """The columns that name the row of one cell."""
    names = dict(zip(KEY, key, strict=True))
    clean, perturbed, _ = SCALES
    return {"kind": CELLS, **names, "scale": clean if names["condition"] == clean else perturbed, "cells": 1}


def _task(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over the languages of a task; without an interval where one of them has none."""
    names = {**dict.fromkeys(CELL[1:], ""), **dict(zip(POOL, pool_of(rows[0]), strict=True))}
    clusters = min(row["clusters"] for row in rows)
    means = {name: float(np.mean([row[name] for row in rows])) for name in ("baseline", "candidate")}
    levels = {**means, "n": sum(row["n"] for row in rows), "clusters": clusters}
    known = all("p" in row for row in rows)
    error = tuple(float(np.mean([row[name] for row in rows])) for name in ("se", "widened_se")) if known else None
    return {"kind": TASKS, **names, "cells": len(rows), **levels, **_tested(levels, error)}


def _tested(levels: Mapping[str, Any], error: tuple[float, ...] | None) -> dict[str, Any]:
    """The test of a difference of levels by its standard error and the widened one, by t."""
    df, difference = float(levels["clusters"] - 1), levels["candidate"] - levels["baseline"]
    row = {"difference": difference, "df": df}
    if error is None:
        return {**row, "method": f"none: {levels['clusters']} clusters, fewer than {FEWEST_CLUSTERS}"}
    se, widened = error
    reach = intervals.t_quantile(0.5 + intervals.CONFIDENCE / 2, df) * widened
    p = 2 * intervals.t_probability(-abs(difference) / widened, df)
    bounds = {"low": max(difference - reach, -TOP), "high": min(difference + reach, TOP)}
    return {**row, "se": se, "widened_se": widened, "skewness": 0.0, **bounds, "p": p, "method": METHOD}


def _corrected(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    tested = [row for row in rows if "p" in row]
    for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row |= {"p_adjusted": p, "m": len(tested)}
    return [*rows]


OVER_SEEDS: Final = "t over training seeds"
FEWEST: Final = 3
"""The fewest runs whose spread is that of training seeds."""

STILL: Final = 1e-9
"""Levels that differ by less are equal but for the last bits of their sums."""


@dataclass(frozen=True, slots=True)
class Retrained:
    """A level against those of K runs: the difference from their mean in points, and the one-sided p of a worse one.

    `se` is s sqrt(1 + 1/K). Where the runs do not differ, it is 0, and p is None.
    """

    difference: float
    se: float
    df: int
    p: float | None


def retrained(candidate: float, levels: Sequence[float]) -> Retrained:
    """Whether the level of a run is worse than that of another training of one recipe, by K runs of it.

    The test of Crawford and Howell (1998), of a single case against a small sample, with the items fixed. Raises
    UserError for fewer than three runs.
    """
    if len(levels) < FEWEST:
        raise UserError(f"{len(levels)} runs do not show how much training seeds differ; that takes {FEWEST}.")
    df, difference = len(levels) - 1, candidate - float(np.mean(levels))
    se = float(np.std(levels, ddof=1)) * sqrt(1 + 1 / len(levels))
    if se <= STILL:
        return Retrained(difference, 0.0, df, None)
    return Retrained(difference, se, df, intervals.t_probability(difference / se, df))


def across_seeds(whole: pl.DataFrame, levels: pl.DataFrame, keys: Collection[Key]) -> pl.DataFrame:
    """CONTRASTS of a run against the mean of K runs of one recipe, from those of the items and LEVELS of the K runs.

    `keys` name the cells of the run. Pooled rows (kind `task`; of a task with one language the cell) are tested over
    training seeds, as docs/method.md says (Several runs as the baseline), and their p is corrected by Holm among them.
    Where the runs do not differ, or the items give no interval, a pooled row is that of the items, as all others are.
    Raises UserError for fewer than three runs.
    """
    pooled = pooled_levels(levels, keys)
    tested, rest = [], []
    for row in whole.iter_rows(named=True):
        test = retrained(row["candidate"], pooled[pool_of(row)]) if _is_pooled(row, whole) else None
        if test is None or test.p is None or row["widened_se"] is None:
            rest.append(row)
        else:
            tested.append(_seeded(row, test))
    for is_change in (False, True):
        for row in _corrected([row for row in tested if (row["scale"] == CHANGE) is is_change]):
            errors = (row["se"], row["se"], None, None, row["p"])
            estimate = Estimate(row["difference"], *errors, row["clusters"], OVER_SEEDS, row["df"])
            rest.append({**row, "mde": intervals.smallest_detectable(estimate, row["m"])})
    return build(rest, CONTRASTS).sort(CONTRASTS.key)


def _is_pooled(row: Mapping[str, Any], whole: pl.DataFrame) -> bool:
    """Whether a row is the level of a whole task: over its languages, or the only cell of a task with one language."""
    if row["kind"] != CELLS:
        return bool(row["kind"] == TASKS)
    cells = whole.filter(pl.col("kind") == CELLS, pl.col("task") == row["task"])
    return sum(pool_of(other) == pool_of(row) for other in cells.iter_rows(named=True)) == 1


def _seeded(row: Mapping[str, Any], test: Retrained) -> dict[str, Any]:
    """A row of the items as one over training seeds."""
    p = 2 * min(test.p, 1 - test.p) if test.p is not None else None
    se, items = row["se"], row["widened_se"]
    reach = intervals.t_quantile(0.5 + intervals.CONFIDENCE / 2, test.df) * hypot(test.se, items)
    if row["metric"] in intervals.RATIOS:
        items = float(intervals.error_of_ratio(se, items, row["clusters"]))
    widened = hypot(test.se, items)
    low, high = max(test.difference - reach, -TOP), min(test.difference + reach, TOP)
    interval = {"se": test.se, "widened_se": widened, "df": float(test.df), "low": low, "high": high, "p": p}
    skewness = row["skewness"] * (items / widened) ** 3  # that of the seeds is not known
    return {**row, **interval, "skewness": skewness, "joint_low": None, "joint_high": None, "method": OVER_SEEDS}


_OF_POWER: Final = NormalDist().inv_cdf(intervals.POWER)
_NORMAL: Final = NormalDist().inv_cdf(intervals.CONFIDENCE) + _OF_POWER
"""A one-sided test has its power at a margin of so many standard errors."""


def verdicts_of(lower: Any, upper: Any, p: Any, margin: Any, alpha: float) -> Any:
    """The verdict of each row, from its bounds, corrected p and margin: numpy arrays.

    NaN is of a row without a test. `alpha` is that of all kinds of rows against one side.
    """
    least = -np.asarray(margin)
    return np.select([lower > least, p <= alpha / len(GATED), upper < least], [OK, REGRESSED, BEYOND], UNDECIDED)


def both_ways(lower: Any, upper: Any, fall: Any, rise: Any) -> tuple[Any, Any, Any]:
    """What `verdicts_of` takes to test both ways, from bounds and the p of a fall and of a rise; none is beyond."""
    return np.minimum(lower, -upper), np.maximum(upper, -lower), np.minimum(2 * np.minimum(fall, rise), 1)


def add_equivalence(rows: Sequence[dict[str, Any]], margin: float, unchanged: Collection[str]) -> None:
    """Add what COMPARISONS has for a margin; `unchanged` as in `decide`, with "" if all tasks are. Raises SpecError."""
    for family in {(row["kind"], row["scale"] == CHANGE) for row in rows}:
        of_family = [row for row in rows if (row["kind"], row["scale"] == CHANGE) == family]
        _compare(of_family, Policy(equivalent=margin), len(GATED) * (1 - intervals.CONFIDENCE), unchanged)
    for row in rows:
        row["verdict"] = {OK: "equivalent", REGRESSED: "worse"}.get(row["verdict"], row["verdict"])
        del row["level"]
    # That all languages are equivalent is an intersection-union claim, without a correction; a count is Holm's.
    kinds = {TASKS: (CELLS, POOL), OVERALL: (LANGUAGES, ("condition", "scale"))}
    for row in (row for row in rows if row["kind"] in kinds):
        kind, names = kinds[row["kind"]]
        parts = [each for each in rows if each["kind"] == kind and all(each[name] == row[name] for name in names)]
        p = [1.0 if each.get("p_equivalent") is None else each["p_equivalent"] for each in parts]
        shown = sum(each < 1 - intervals.CONFIDENCE for each in holm(p))
        if p:  # no language may have several tasks
            row["languages"] = f"all {len(p)}" if max(p) < 1 - intervals.CONFIDENCE else f"{shown} of {len(p)}"


def decide(
    contrasts: pl.DataFrame,
    policy: Policy,
    missing: Iterable[Key],
    new: Iterable[Key],
    today: date,
    marks: Mapping[Key, str] | None = None,
    unchanged: Collection[str] = (),
    sides: int = 1,
) -> Gate:
    """The verdicts on CONTRASTS, on the cells that only the baseline has, and on those that only the candidate has.

    `marks` are those of the candidate's cells, `unchanged` the tasks that the same weights answer in both; alpha is
    shared by as many `sides`. Raises Mismatch where no row can be tested, or a rule requires a cell that neither run
    has.
    """
    rows = [*map(dict, contrasts.iter_rows(named=True))]
    gated = [row for row in rows if row["kind"] in GATED and row["scale"] in policy.scales]
    _check_testable(gated, policy)
    families: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in gated:  # p is corrected over the rows of one kind, in one family of the policy
        families[row["kind"], policy.family_of(row)].append(row)
    for family in families.values():
        _compare(family, policy, policy.alpha / sides, unchanged)
    alone = [{**_named(key), "verdict": verdict} for verdict, keys in ((MISSING, missing), (NEW, new)) for key in keys]
    _check_required([*gated, *alone], policy)
    rows = [_finished(row, policy, today, marks or {}) for row in (*rows, *alone)]
    return Gate(build(rows, VERDICTS).sort(VERDICTS.key), policy)


def _check_testable(gated: Sequence[Row], policy: Policy) -> None:
    if any(row["p"] is not None for row in gated):
        return
    if not gated:
        raise Mismatch(f"The two runs have no cell in common on a scale of the policy ({', '.join(policy.scales)}).")
    most = max(row["clusters"] for row in gated)
    what = f"the largest has {counted(most, 'cluster')} of items, and a test needs {FEWEST_CLUSTERS}"
    raise Mismatch(f"No cell of the two runs can be tested: {what}. Evaluate more rows, with a greater --limit.")


def _check_required(rows: Sequence[Row], policy: Policy) -> None:
    for rule in policy.required:
        if not any(map(rule.matches, rows)):
            what = f"The policy requires {rule.named}, which neither run has"
            raise Mismatch(f"{what}. Correct the rule, or evaluate it.")


def _compare(rows: Sequence[dict[str, Any]], policy: Policy, alpha: float, unchanged: Collection[str]) -> None:
    """Add bounds, corrected p, MDE and verdict to the gated rows of one family."""
    names = ("n", "difference", "se", "widened_se", "clusters", "df", "skewness", "unseen", "p")
    columns = (np.array([row[name] for row in rows], np.float64) for name in names)
    n, difference, se, widened_se, clusters, df, skew, unseen, p = columns
    tested, both = ~np.isnan(p), policy.equivalent is not None
    p_gate, p_rise = np.full((2, len(rows)), np.nan)
    for sign, corrected in ((1, p_gate), (-1, p_rise)):
        single = intervals.one_sided(sign * difference, p)[tested]
        corrected[tested] = CORRECTIONS[policy.correction]([float(value) for value in single])
    exact = np.array([row["method"] == intervals.EXACT_METHOD for row in rows])
    ratios = np.array([row["metric"] in intervals.RATIOS for row in rows])
    error = np.where(ratios, intervals.error_of_ratio(se, widened_se, clusters), widened_se)
    several = np.array([row["cells"] > 1 for row in rows])
    least = np.where(ratios, 0.0, intervals.least(unseen, se, widened_se, n, clusters))
    least = np.nan_to_num(np.where(several, unseen, least))
    lower, upper = intervals.one_sided_bounds(difference, error, df, skew, exact, least)
    margin = np.array([policy.margin_of(row) for row in rows])
    numbers = {"bound": lower, "upper": upper, "p_gate": p_gate}
    if both:
        numbers["p_equivalent"] = intervals.equivalence_p(difference, error, df, skew, exact, margin, least)
        added = np.where(ratios, intervals.TOP / clusters, np.sqrt(np.maximum(widened_se**2 - se**2, 0.0)))
        of_t = _deciding(n, se, np.where(exact, 0.0, added), margin)
        still = np.where(exact, (upper - lower) / 2, np.nan_to_num(unseen))
        numbers["items"] = np.ceil(np.maximum(of_t, _excluding(n, np.where(least > 0, se, 0.0), still, margin)))
        lower, upper, numbers["p_gate"] = both_ways(lower, upper, p_gate, p_rise)
    verdicts = verdicts_of(lower, upper, numbers["p_gate"], margin, alpha)
    for at, row in enumerate(rows):
        row |= {"verdict": str(verdicts[at]), "margin": float(margin[at]), "level": alpha / len(GATED)}
        if tested[at]:
            row |= {name: float(values[at]) for name, values in numbers.items()}
            row |= {"m": int(tested.sum()), "mde": _detectable(row, int(tested.sum()), alpha / (1 + both))}
        if both and row["verdict"] == REGRESSED and row["difference"] > 0:
            row["verdict"] = BETTER
        if row["task"] in unchanged and row["difference"] == 0 and not row["differing"]:
            row |= {"verdict": OK, "p_equivalent": 0.0 if both else None}
        if row["verdict"] != UNDECIDED or row["method"] == OVER_SEEDS or (row.get("items") or 0) <= row["n"]:
            row["items"] = None


def _deciding(n: Any, se: Any, added: Any, margin: Any) -> Any:
    """With how many items a test of equivalence has its power, where a cluster that is `added` counts, in points.

    The error of so many times n items is sqrt(se^2 x + added^2 x^2), x being n over them.
    """
    error, room = se**2, (margin / _NORMAL) ** 2
    return n * (error + np.sqrt(error**2 + 4 * added**2 * room)) / 2 / room


def _excluding(n: Any, se: Any, still: Any, margin: Any) -> Any:
    """With how many items a test has its power whose bounds are no nearer than a loss of which samples show nothing.

    Of n items that is `still`, in points, and of N items 100 - 100 (1 - still / 100)^(n / N).
    """
    rare, room = (-intervals.TOP * np.log1p(-np.minimum(each, 99) / intervals.TOP) for each in (still, margin))
    scatter = _OF_POWER * se * np.sqrt(n)
    return ((scatter + np.sqrt(scatter**2 + 4 * n * rare * room)) / 2 / room) ** 2


def _detectable(row: Row, tests: int, alpha: float) -> float | None:
    """The MDE of a gated row: one-sided at half of alpha, so two-sided at alpha.

    A test over training seeds has the items as they are, so that the width that they add to the bounds is not in it.
    One of levels alone asks for no number of differing clusters.
    """
    widened = row["se"] if row["method"] == OVER_SEEDS else row["widened_se"]
    errors = (row["se"], widened, row["low"], row["high"], row["p"])
    estimate = Estimate(row["difference"], *errors, row["clusters"], row["method"], row["df"])
    step = 0.0 if row["method"] == METHOD else still_step(row["method"], row["n"])
    return intervals.smallest_detectable(estimate, tests * (1 - intervals.CONFIDENCE) / alpha, step=step)


def _finished(row: dict[str, Any], policy: Policy, today: date, marks: Mapping[Key, str]) -> dict[str, Any]:
    """The row with what the policy says of it, and whether it fails."""
    verdict, required = row.get("verdict"), policy.is_required(row)
    fails = row["scale"] in policy.scales and _fails(verdict, required, policy)
    acceptance = policy.accepted_of(row) if fails and verdict != MISSING else None
    accepted = acceptance is not None and today <= acceptance.expires
    why = _why(row, policy)
    row.pop("level", None)  # the share of alpha, which is in the sentence
    if required and fails and verdict != REGRESSED:
        why += " The policy requires it."
    if acceptance is not None:
        until = f"until {acceptance.expires}" if accepted else f"until {acceptance.expires}, which is over"
        why += f" Accepted {until}: {acceptance.reason}"
    return {
        **row,
        "against": BASELINE,
        "required": required,
        "accepted": accepted,
        "fails": fails and not accepted,
        "reason": acceptance.reason if acceptance else None,
        "marks": marks.get(tuple(row[name] for name in KEY)) or None,
        "why": why,
    }


def _fails(verdict: str | None, required: bool, policy: Policy) -> bool:
    if verdict in (BEYOND, UNDECIDED):
        return required or policy.undecided == FAIL
    if verdict == MISSING:
        return required or policy.missing == FAIL
    return verdict in (REGRESSED, BETTER)


def _why(row: Row, policy: Policy) -> str:
    """How the row was decided, in a sentence."""
    verdict = row.get("verdict")
    if verdict is None:
        return "This is shown and not gated."
    if verdict in (MISSING, NEW):
        has, other = ("baseline", "candidate") if verdict == MISSING else ("candidate", "baseline")
        return f"The {has} has this cell, and the {other} does not."
    both = policy.equivalent is not None
    if verdict == OK and (row["p"] is None or max(-row["bound"], row["upper"] if both else -TOP) >= row["margin"]):
        return "The same weights answer both runs, and no item differs."
    if row["p"] is None:
        return f"There is no test ({row['method']})."
    bound = f"bounds {row['bound']:.2f} and {row['upper']:.2f}" if both else f"lower bound {row['bound']:.2f}"
    bound, verb = f"The {bound} of the difference {row['difference']:+.2f}", "are" if both else "is"
    margin = f"the margin of {row['margin']:.15g}"
    within = f"within {margin}" if both else f"above minus {margin}"
    if verdict == OK:
        return f"{bound} {verb} {within}."
    test = f"p {row['p_gate']:.2g}, corrected over {counted(row['m'], 'test')} ({policy.correction}),"
    above = f"{test} is above {row['level']:g}."
    if verdict in (REGRESSED, BETTER):
        return f"{bound} {verb} not {within}, and {test} is at most {row['level']:g}."
    if verdict == BEYOND:
        return f"The upper bound {row['upper']:.2f} is below minus {margin}, but {above}"
    detected = f"A fall of {row['mde']:.2f} points is detected with a chance of {intervals.POWER:.0%}."
    if row.get("items") is not None:
        detected += f" With {row['items']:,.0f} items each test of equivalence has that chance if the models are equal."
    return f"{bound} {verb} not {within}, and {above} {detected}"

"""How often each task is drawn: frequencies agree with the formula, in steps and in mixed batches, from any step on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from robust_xtreme.core.errors import SpecError
from robust_xtreme.training.learn import draws_of, plan_for
from robust_xtreme.training.sampling import Draws, SamplingPlan, parse_sampling
from robust_xtreme.training.spec import StageSpec

COUNTS = (1600, 400, 50)
SIZE = 8
STEPS = 4000


def _plan_of(shares: Sequence[float], mixed: bool, steps: int = STEPS, seed: int = 3) -> SamplingPlan:
    lengths = [number * 7 % 40 + 3 for number in range(sum(COUNTS))]
    starts = (0, *accumulate(COUNTS[:-1]))
    return SamplingPlan(lengths, SIZE, seed, steps, starts, Draws(tuple(shares), mixed, 100))


def _drawn(plan: SamplingPlan) -> list[int]:
    """Steps of each task or, of mixed batches, places of each task."""
    assert plan.draws is not None
    if plan.draws.mixed:
        counts = Counter(plan.part_of(unit) for step in range(plan.steps) for unit in plan.at(step))
    else:
        counts = Counter(plan.part_of(plan.at(step)[0]) for step in range(plan.steps))
    return [counts[part] for part in range(len(plan.parts))]


def _p(drawn: Sequence[int], shares: Any) -> float:
    return float(chisquare(drawn, np.array(shares) * sum(drawn)).pvalue)


@pytest.mark.parametrize("mixed", [False, True], ids=["steps", "batches"])
@pytest.mark.parametrize(
    ("sampling", "weights"),
    [
        ("proportional", (1600, 400, 50)),
        ("temperature:2", (40, 20, 50**0.5)),
        ("temperature:4", (1600**0.25, 400**0.25, 50**0.25)),
        ("capped:100", (100, 100, 50)),
        ("temperature:2,capped:100", (10, 10, 50**0.5)),
        ("capped:400, temperature:2", (20, 20, 50**0.5)),
    ],
)
def test_tasks_are_drawn_as_the_formula_says(sampling: str, weights: Sequence[float], mixed: bool) -> None:
    """min(n, cap)^(1/T): a chi-square test does not tell the draws from it, and does tell them from equal shares."""
    wanted = np.array(weights) / sum(weights)
    shares = parse_sampling(sampling).shares(COUNTS)
    assert shares == pytest.approx(tuple(wanted))
    drawn = _drawn(_plan_of(shares, mixed))
    assert sum(drawn) == STEPS * (SIZE if mixed else 1)
    assert _p(drawn, wanted) > 0.01
    assert _p(drawn, [1 / 3] * 3) < 1e-6


def test_other_seeds_draw_otherwise() -> None:
    """The order of tasks is drawn, not fixed; the same seed gives the same."""
    first, again, other = (
        [plan.part_of(plan.at(step)[0]) for step in range(200)]
        for plan in (_plan_of((0.5, 0.3, 0.2), False, 200, seed) for seed in (3, 3, 4))
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("mixed", [False, True], ids=["steps", "batches"])
def test_a_task_goes_through_its_own_units_again_and_again(mixed: bool) -> None:
    """However often a task is drawn, in each of its passes it sees each of its units once, in another order."""
    plan = _plan_of((0.2, 0.2, 0.6), mixed, 900)
    seen: dict[tuple[int, int], list[int]] = {}
    for step in range(plan.steps):
        for unit, turn in plan.placed(step):
            seen.setdefault((plan.part_of(unit), turn), []).append(unit)
    for part, (start, count) in enumerate(plan.parts):
        turns = [seen[part, turn] for turn in range(sum(key[0] == part for key in seen))]
        assert all(sorted(units) == list(range(start, start + count)) for units in turns[:-1])
        assert len(set(turns[-1])) == len(turns[-1])
        if len(turns) > 2:
            assert turns[0] != turns[1]
    assert len(seen) > 12


@pytest.mark.parametrize("mixed", [False, True], ids=["steps", "batches"])
@pytest.mark.parametrize("steps", [0, 1, 37, 400])
def test_what_is_seen_of_each_task_is_counted(steps: int, mixed: bool) -> None:
    """The record's numbers are those of the steps, one by one."""
    plan = _plan_of((0.6, 0.3, 0.1), mixed, steps)
    seen = Counter(plan.part_of(unit) for step in range(steps) for unit in plan.at(step))
    assert plan.seen() == tuple(seen[part] for part in range(3))


@pytest.mark.parametrize("mixed", [False, True], ids=["steps", "batches"])
def test_a_plan_can_be_entered_at_any_step(mixed: bool) -> None:
    """What a step sees does not depend on the steps that were asked for before it."""
    whole, late = (_plan_of((0.6, 0.3, 0.1), mixed, 500) for _ in range(2))
    every = [whole.placed(step) for step in range(500)]
    for step in (499, 3, 250, 0, 251):
        assert late.placed(step) == every[step]


@pytest.mark.parametrize("text", ["temperature", "temperature:0.5", "capped:0", "capped:1,capped:2"])
def test_a_sampling_that_is_none_is_refused(text: str) -> None:
    """One line with what may be written."""
    with pytest.raises(SpecError, match="proportional"):
        parse_sampling(text)


# ----------------------------------------------------------------------------------------------------- beside masked LM


UNITS = (60, 20, 30)
"""The units of two tasks and of masked LM."""


def test_masked_lm_beside_tasks_has_its_share_of_the_steps() -> None:
    """A quarter of the steps; the rest is the tasks' as before, and an epoch is longer by what masked LM takes."""
    stage = StageSpec(("xnli", "panx"), text="t", masked_lm=0.25, steps=3000, batch_size=10, seed=3)
    plan = plan_for(stage, [(1,) * count for count in UNITS])
    assert plan.draws is not None
    assert plan.draws.shares == pytest.approx((0.75 * 60 / 80, 0.75 * 20 / 80, 0.25))
    assert plan.draws.epoch == 11
    assert _p(_drawn(plan), (0.5625, 0.1875, 0.25)) > 0.01
    assert _p(_drawn(plan), (0.5625, 0.25, 0.1875)) < 1e-6


def test_proportional_steps_draw_nothing() -> None:
    """Where shares are those of the units and a batch is of one task, an epoch sees each unit once."""
    assert draws_of(StageSpec(("xnli",), batch_size=10), UNITS) is None
    cases = (("proportional", "batches", 11), ("capped:30", "steps", 8), ("temperature:2", "steps", 11))
    for sampling, mixing, epoch in cases:
        draws = draws_of(StageSpec(("xnli",), batch_size=10, sampling=sampling, mixing=mixing), UNITS)
        assert draws is not None
        assert (draws.mixed, draws.epoch) == (mixing == "batches", epoch)
    assert draws_of(StageSpec(("xnli",), batch_size=10, sampling="temperature:2"), UNITS[:1]) is None

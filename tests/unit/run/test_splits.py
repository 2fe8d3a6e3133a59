"""A split that a plan reads is kept for the run, as far as there is room."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run import plan as plan_module
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.run import evaluate
from robust_xtreme.run.task_run import Splits
from robust_xtreme.tasks.sources.source import Pools, load, open_source
from robust_xtreme.tasks.sources.suite import Suite


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str, str]]:
    """How often each split of a suite is read, by task, language and split."""
    counts: Counter[tuple[str, str, str]] = Counter()
    read = Suite.read

    def counted(self: Suite, task: Any, language: str, split: str) -> Any:
        counts[task.name, language, split] += 1
        return read(self, task, language, split)

    monkeypatch.setattr(Suite, "read", counted)
    return counts


@pytest.mark.parametrize(("room", "times"), [(2_000_000, 1), (0, 3)])
def test_a_split_is_read_for_the_run_and_for_its_page(
    room: int, times: int, reads: Counter[tuple[str, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each split is read once where it fits, else for the plan, the run and the page; no training data are."""
    monkeypatch.setattr(plan_module, "Splits", partial(Splits, room=room))
    spec = RunSpec(tasks=("panx",), languages=("sw", "th"), perturb=("char_noise:0.1",), limit="8", out=str(tmp_path))
    evaluate(spec, cache=False)
    assert reads == {("panx", "sw", "test"): times, ("panx", "th", "test"): times}


def test_a_split_that_does_not_fit_is_not_kept() -> None:
    """A split counts its texts and spans; one that does not fit into the room that is left is not kept."""
    task, source = registry.load("task", "panx"), open_source("mini")
    first, second = (load(task, source, language, "test") for language in ("sw", "th"))
    splits = Splits(RunSpec(), Pools(source))
    splits.room = sum(1 + len(example.texts["tokens"].spans) for example in first.examples)
    splits.keep(first)
    splits.keep(second)
    assert (splits.room, splits.kept) == (0, {("panx", "sw", "test"): first})


def test_examples_that_changed_on_disk_are_refused() -> None:
    """A task run is what was planned: a split that is read again with other examples is a mismatch."""
    plan = make_plan(RunSpec(tasks=("panx",), languages=("sw",), limit="8"))
    (task_run,) = plan.task_runs
    kept = plan.splits.of(task_run)
    plan.splits.kept.clear()
    assert plan.splits.of(task_run) == kept
    with pytest.raises(Mismatch, match="changed"):
        plan.splits.of(replace(task_run, data="0" * 16))

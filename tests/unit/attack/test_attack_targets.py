"""Attacks with a target: a model is asked how near an answer is to one class, whatever its labels' order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import polars as pl
import pytest

from robust_xtreme.attack.attacking import victim
from robust_xtreme.attack.goals import AnswerScores
from robust_xtreme.core.columns import Array
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Choice
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.models.loading import Models
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead
from robust_xtreme.models.predictors.predictor import PredictedMargins, Work, predictor_of
from robust_xtreme.models.reading.reading import quantised
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.noise.engine.noised import PerturbedExamples, field_texts
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.run.plan import Plan, make_plan
from robust_xtreme.run.run import evaluate
from robust_xtreme.stats.bitext import Neighbours

pytestmark = pytest.mark.usefixtures("unpaged")

_ORDER = (2, 0, 1)
"""The task's label of each score of the head that is turned."""

_TARGET = "contradiction"


@final
class _Given:
    """Weights whose scores of examples are given, by row (n, L); the labels are in the order of `_ORDER`."""

    width = 0

    def __init__(self, rows: Array) -> None:
        self._rows = rows

    def scores(self, batches: Sequence[Windows], _done: Sequence[int], _advance: Any) -> Iterator[Array]:
        return (self._rows[windows.example] for windows in batches)

    def means(self, _: Sequence[Windows]) -> Iterator[Array]:
        raise AssertionError("not asked")

    def products(self, *_: Any) -> Array:
        raise AssertionError("not asked")

    def nearest(self, *_: Any) -> Neighbours:
        raise AssertionError("not asked")


def _plan(*perturb: str, tasks: tuple[str, ...] = ("xnli",)) -> Plan:
    return make_plan(RunSpec(tasks=tasks, languages=("sw",), perturb=perturb, limit="20", out="unused"))


def _answers(scores: Array, are_clean: bool) -> tuple[AnswerScores, list[int]]:
    """What an attack with a target learns of examples with such scores, and their gold labels."""
    (task_run,) = (plan := _plan()).task_runs
    examples = plan.splits.of(task_run).examples[: len(scores)]
    models = Models("cpu", "fp32")
    head = predictor_of(task_run.model, task_run.task, lambda: models.load(task_run.model, task_run.task))
    assert isinstance(head, EncoderHead)
    turned = replace(head, labels=tuple(head.labels[at] for at in _ORDER), relabel=_ORDER)
    moved = turned.moved(lambda: _Given(scores.astype(np.float32)))

    def weigh(inputs: Any, weighing: Any) -> PredictedMargins:
        return moved.weigh(inputs, weighing, Work(4096))

    clean = field_texts(examples, () if are_clean else ("premise",))
    noised = noise_texts(clean.texts, PerturbationSpec.parse("char_noise:0.1"), 0)
    shown = PerturbedExamples(examples, noised, {} if are_clean else clean.numbers)
    golds = [example.target.index for example in examples if isinstance(example.target, Choice)]
    return victim(task_run.task, moved, weigh, None)(_TARGET)(shown), golds


@pytest.mark.parametrize("are_clean", [True, False])
def test_the_target_is_compared_with_the_best_other_class(are_clean: bool) -> None:
    """Any other class is right in a candidate; of clean answers only the gold one is, where it is not the target."""
    scores = np.random.default_rng(0).integers(-9, 9, (12, 3)) / 4
    scores[3, 1] = np.nan
    answers, golds = _answers(scores, are_clean)
    target = ("entailment", "neutral", "contradiction").index(_TARGET)
    column = _ORDER.index(target)
    whole, _ = quantised(scores)
    others = np.delete(whole, column, axis=1).max(axis=1)
    known = np.arange(len(scores)) != 3
    predicted = np.array(_ORDER)[scores.argmax(axis=1)]
    missed = predicted != target
    right = missed & (predicted == golds) if are_clean else missed
    assert answers.finite.tolist() == known.tolist()
    assert answers.margin[known].tolist() == (others - whole[:, column])[known].tolist()
    assert answers.level[known].tolist() == missed[known].tolist()
    assert answers.right[known].tolist() == right[known].tolist()
    assert 0 < right[known].sum() < missed[known].sum() + (not are_clean)


def test_an_attack_ends_with_its_target(tmp_path: Path) -> None:
    """A success is an answer with the target; items of the target, and wrong ones, are skipped and say so."""
    spec = RunSpec(
        tasks=("xnli",),
        languages=("sw",),
        perturb=(f"attack_keys:0.3@queries=20@target={_TARGET}", "attack_keys:0.3@queries=20"),
        limit="40",
        out=str(tmp_path / "run"),
    )
    evaluate(spec, cache=False)
    rows = pl.read_parquet(tmp_path / "run" / "predictions.parquet").filter(
        pl.col("condition").str.contains("^attack_.*target")
    )
    of_target, success = pl.col("gold") == "2", pl.col("success").fill_null(False)
    assert rows.filter(success).height
    assert rows.filter(success != (pl.col("prediction") == "2"), pl.col("success").is_not_null()).height == 0
    assert (rows.get_column("status") == "skipped_target").to_list() == rows.select(of_target).to_series().to_list()
    skipped = rows.filter(pl.col("status").str.starts_with("skipped_"))
    assert skipped.filter(~of_target, pl.col("prediction") == pl.col("gold")).height == 0
    assert (skipped.get_column("edits").sum(), skipped.get_column("queries").null_count()) == (0, skipped.height)


def test_a_target_that_no_task_has_is_one_line() -> None:
    """The nearest label is named; tags and spans have no classes."""
    with pytest.raises(SpecError, match="neutral"):
        _plan("attack_keys:0.1@target=neutrl")
    with pytest.raises(SpecError, match="B-PER"):
        _plan("attack_keys:0.1@target=B-PER", tasks=("panx",))


def test_a_task_without_the_target_is_left_out() -> None:
    """It is not attacked, and says why; a task that has the label is attacked."""
    plan = _plan(f"attack_keys:0.1@target={_TARGET}", tasks=("xnli", "panx"))
    attacked = {run.task.name for run in plan.task_runs if any(condition.asks for condition in run.conditions)}
    assert attacked == {"xnli"}
    (left,) = [row.detail for row in plan.not_run]
    assert left.startswith(f"panx: it has no label {_TARGET!r}: ")

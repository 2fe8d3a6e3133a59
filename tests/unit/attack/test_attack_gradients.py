"""Attacks that see gradients: the estimate of an edit, what it costs, and which models are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.some import some
from torch import Tensor, nn

from robust_xtreme.attack.attacking import attacked, plan_of, victim
from robust_xtreme.attack.engine import Answer, Attempt, FirstOrder, Problem, Question, Score, run
from robust_xtreme.attack.goals import Goal
from robust_xtreme.core import registry
from robust_xtreme.core.columns import Choices, column_of
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.core.resources import mini
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.models.loading import Checkpoint, Models
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.loaded import Loaded
from robust_xtreme.models.predictors.members.encoder_head import first_order, replacements
from robust_xtreme.models.predictors.predictor import (
    PredictedMargins,
    Predictor,
    Weighable,
    Weighing,
    Work,
    predictor_of,
)
from robust_xtreme.models.reading.reading import QUANTUM, Inputs, contents_of, inputs_of
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.noise.engine.noising import bound
from robust_xtreme.run.pasted import Victim
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.prepare import candidates_of
from robust_xtreme.tasks.sources.source import load, open_source


@pytest.mark.parametrize(("new", "expected"), [
    ([0, 5, 6, 7, 2], []),
    ([0, 5, 9, 7, 2], [(2, 6, -1), (2, 9, 1)]),
    ([0, 5, 8, 9, 7, 2], [(2, 6, -1), (2, 8, 0.5), (2, 9, 0.5)]),
    ([0, 5, 9, 2], [(2, 6, -1), (2, 9, 1), (3, 7, -1), (3, 9, 1)]),
    ([0, 5, 7, 2], [(1, 5, -1), (1, 5, 1), (2, 6, -1), (2, 5, 1)]),
    ([0, 5, 6, 9, 7, 2], [(2, 6, -1), (2, 6, 0.5), (2, 9, 0.5)]),
])  # fmt: skip
def test_tokens_that_differ_replace_the_old_ones(new: list[int], expected: list[tuple[int, int, float]]) -> None:
    """One for one, several by their mean, one in several places; the token before an insertion is part of it."""
    assert replacements([0, 5, 6, 7, 2], new) == expected


def test_what_follows_in_a_full_window_is_no_change() -> None:
    """A window that loses its last token because one more is read before is changed there alone."""
    old, new = [0, *range(10, 40), 2], [0, *range(10, 15), 7, 8, *range(16, 39), 2]
    assert replacements(old, new) == [(6, 15, -1), (6, 7, 0.5), (6, 8, 0.5)]


class _Linear(nn.Module):
    """An encoder whose only state is a sum of embeddings, each weighted by its position."""

    def __init__(self, uses: bool = True) -> None:
        nn.Module.__init__(self)
        torch.manual_seed(3)
        self.words, self.uses = nn.Embedding(40, 5), uses
        self.places = torch.randn(1, 12, 5)
        self.config = SimpleNamespace(type_vocab_size=0)

    def get_input_embeddings(self) -> nn.Module:
        return self.words

    def forward(self, input_ids: Tensor, **_: Any) -> SimpleNamespace:
        rows = self.words(input_ids) if self.uses else self.words.weight[input_ids]
        return SimpleNamespace(last_hidden_state=(rows * self.places[:, : rows.shape[1]]).sum(1, keepdim=True))


def _inputs(rows: Sequence[Sequence[int]]) -> Inputs:
    texts = [Example(str(at), {"text": Text(str(at), "en", "x")}, Choice(0), str(at)) for at in range(len(rows))]
    return inputs_of(contents_of(texts), plain(rows))


def _checkpoint(encoder: nn.Module) -> Checkpoint:
    family = registry.load("family", "classification")
    return Checkpoint(encoder, nn.Linear(5, 2), None, family, ("a", "b"), "tiny", 1, torch.device("cpu"), 5)


def test_of_a_linear_model_the_estimate_is_the_change() -> None:
    """Where scores are linear in embeddings, the first-order change of an edit is the margin's, by brute force."""
    weights = Loaded(_checkpoint(_Linear()))
    bases, owner = [[0, 5, 6, 7, 2], [0, 8, 9, 2]], np.array([0, 0, 0, 1, 1])
    rows = [[0, 5, 30, 7, 2], [0, 31, 6, 7, 2], [0, 5, 32, 33, 2], [0, 8, 35, 2], [0, 36, 37, 2]]
    golds, goal = Choices(np.array([0, 1])), registry.load("goal", "classification")
    scores = [np.concatenate(list(weights.scores([plain(each)], [0], lambda _: None))) for each in (bases, rows)]
    ahead = [each[:, 0] - each[:, 1] for each in scores]
    expected = np.where(owner == 0, 1, -1) * (ahead[1] - ahead[0][owner]) / QUANTUM
    estimated: list[int] = []
    for at, base in enumerate(bases):
        edits = [row for row, of in zip(rows, owner, strict=True) if of == at]
        slope = partial(goal.slope, golds.take(np.array([at])), (0, 1))
        estimated += first_order(weights, _inputs([base]), _inputs(edits), slope).tolist()
    assert np.abs(estimated - expected).max() <= 1
    assert len(set(estimated)) == 5


def test_an_encoder_that_does_not_call_its_embeddings_is_refused() -> None:
    """There is no gradient to be had, and no wrong number."""
    weights = Loaded(_checkpoint(_Linear(uses=False)))
    with pytest.raises(ModelError, match="tiny has no gradients by embeddings of tokens"):
        first_order(weights, _inputs([[0, 5, 2]]), _inputs([[0, 6, 2]]), lambda _, scores: scores)


def _task(name: str, limit: int) -> tuple[Predictor, list[Example], Any]:
    task = registry.load("task", name)
    located, split = locate(mini("model"), task), load(task, open_source("mini"), "sw", "test")
    models = Models("cpu", "fp32")
    return predictor_of(located, task, partial(models.load, located, task)), [*split.examples[:limit]], split


@pytest.mark.parametrize("name", ["xnli", "panx", "xcopa"])
def test_a_slope_is_the_derivative_of_the_margin(name: str) -> None:
    """On scores of the embedded model a small step of one score changes the margin by its slope."""
    predictor, examples, _ = _task(name, 5)
    goal: Goal = registry.load("goal", registry.load("task", name).family)
    golds, checked = column_of([example.target for example in examples]), []

    def part(windows: Any, scores: Any, meanings: Any) -> Any:
        for example in np.unique(windows.example).tolist():
            rows = np.flatnonzero(windows.example == example)
            some, values = windows.take(rows), scores[rows].astype(np.float64)
            slopes, before = goal.slope(golds, meanings, some, values), _margin(goal, golds, meanings, some, values)
            for at in zip(*np.nonzero(slopes), strict=True):
                moved = values.copy()
                moved[at] += 0.01
                change = (_margin(goal, golds, meanings, some, moved) - before) * QUANTUM / 0.01
                checked.append((float(slopes[at]), round(change, 1)))
        return goal.part(windows, scores, meanings, golds)

    assert isinstance(predictor, Weighable)
    weighing = Weighing(part, lambda content, bounds, parts: goal.margin(bounds, parts, golds.take(content)), ())
    predictor.weigh(predictor.prepare(contents_of(examples)), weighing, Work(4096))
    assert len(checked) >= 10
    assert all(change == (slope if abs(slope) == 1 else 0) for slope, change in checked)


def _margin(goal: Goal, golds: Any, meanings: Any, windows: Any, values: Any) -> int:
    bounds, example = np.array([0, len(windows)]), windows.example[:1]
    return int(goal.margin(bounds, goal.part(windows, values, meanings, golds), golds.take(example))[0])


@pytest.mark.parametrize(
    ("name", "field"),
    some(
        [("xnli", "hypothesis"), ("xquad", "context"), ("lareqa", "query")],
        (("xquad", "context"),),
        caught="test_an_attack_is_the_same_in_any_batch",
    ),
)
def test_an_attack_is_the_same_in_any_batch(name: str, field: str) -> None:
    """With gradients, too, no other example, and no size of batches, changes what an attack leaves."""
    predictor, examples, split = _task(name, 4)
    pool, spec = candidates_of(split), PerturbationSpec.parse("attack_letters:0.3@queries=11@access=gradients")
    assert isinstance(predictor, Weighable)

    asks = {
        tokens: victim(registry.load("task", name), predictor, partial(_weighed, predictor, tokens), pool)("")
        for tokens in (64, 4096)
    }

    def left(examples: list[Example], tokens: int) -> list[Any]:
        (outcome,) = attacked(examples, [plan_of(examples, spec.on(field), 0)], asks[tokens], lambda *_: None)
        assert outcome.record is not None
        return [*zip(outcome.record.queries.tolist(), outcome.record.edits, strict=True)]

    whole = left(examples, 4096)
    assert max(queries for queries, _ in whole) > 2
    assert whole == [each for example in examples for each in left([example], 64)]


def _weighed(predictor: Weighable, tokens: int, given: Inputs, weighing: Weighing) -> PredictedMargins:
    return predictor.weigh(given, weighing, Work(tokens))


def _problem(budget: int, sloped: bool = True) -> Problem:
    each = np.ones(40, np.int64)
    return Problem(np.arange(40), each, each, 3, None, budget, 5, sloped=sloped)


def _searched(weights: Sequence[int], budget: int, sloped: bool) -> tuple[Any, list[Question]]:
    """The outcome of adaptive search on a model whose margin is linear in its edits, and what it asked."""
    asked: list[Question] = []
    problem = _problem(budget, sloped)

    def answer(question: Question) -> Answer:
        asked.append(question)
        if isinstance(question, FirstOrder):
            return Answer(-np.array(weights), True)
        margin = 1000 - sum(weights[edit] for edit in question)
        return Answer(Score(float(margin > 0), margin), margin > 0)

    attempt = Attempt(problem, registry.load("search", "adaptive"), Score(1.0, 1000))
    return run([attempt], lambda questions: [answer(each) for _, each in questions])[0], asked


@pytest.mark.parametrize("budget", [0, 1, 2, 3, 7, 50])
def test_a_gradient_counts_as_two_queries(budget: int) -> None:
    """Passes forward and backward are of one budget, which is used up and never exceeded."""
    outcome, asked = _searched([1] * 40, budget, True)
    assert outcome.queries == sum(2 if isinstance(each, FirstOrder) else 1 for each in asked)
    assert budget - 1 <= outcome.queries <= budget
    assert all(isinstance(each, FirstOrder) for each in asked[:1])


def test_edits_of_low_estimates_are_asked_first() -> None:
    """Of a linear margin the first state after the gradient is the best one, and without it there is none."""
    weights = [450 if edit in (3, 17, 30) else edit % 7 for edit in range(40)]
    assert [_searched(weights, 50, sloped)[0].first for sloped in (True, False)] == [3, 0]


def test_what_has_no_gradients_is_refused_in_one_line(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other searches, precisions and options, small budgets, and a function; beside a task with some it goes on."""
    cell = "attack_letters:0.1@access=gradients"
    with pytest.raises(SpecError, match="@search=beam uses no gradients"):
        bound(PerturbationSpec.parse(f"{cell}@search=beam"))
    with pytest.raises(SpecError, match="needs @queries=3"):
        bound(PerturbationSpec.parse(f"{cell}@queries=2"))
    for option in ({"precision": "int8"}, {"compile": True}):
        spec = replace(RunSpec(tasks=("xnli",), languages=("sw",), perturb=(cell,), limit="3", out="unused"), **option)
        with pytest.raises(SpecError, match="no gradients with --dims, --compile or --precision int8"):
            make_plan(spec)
    (tmp_path / "my_own.py").write_text("def answer(pairs):\n    return ['neutral' for _ in pairs]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    given = RunSpec(("xnli=python:my_own:answer",), "mini", ("xnli",), ("sw",), limit="3", perturb=(cell,), out="a")
    with pytest.raises(SpecError, match=r"has no gradients \(leave out"):
        make_plan(given)
    both = replace(given, model=("mini", *given.model), tasks=("panx", "xnli"))
    assert [row.task for row in make_plan(both).not_run] == ["xnli"]
    pasted = Victim(registry.load("task", "xnli"), _Mute(), Work(64))
    example = Example("a", {}, Choice(0), "a")
    with pytest.raises(SpecError, match="the model has no gradients"):
        [*pasted.attacked(example, PerturbationSpec.parse(cell), 0)]


class _Mute:
    """A predictor of another kind, with margins and without gradients."""

    unknown = None

    def prepare(self, *_: Any) -> Any:
        raise NotImplementedError

    answer = tokens = weigh = prepare

"""Predictors weigh answers: predictions are those without margins, from the cache as computed, in whatever batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.single_windows import singly
from tests.some import some

from robust_xtreme.attack.goals import Goal, settings_of
from robust_xtreme.core import registry
from robust_xtreme.core.columns import Array, TargetColumn, column_of, written
from robust_xtreme.core.examples import Document, Example, Target
from robust_xtreme.core.resources import mini
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files.cache import Cache
from robust_xtreme.models.loading import Models
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.cache import Store
from robust_xtreme.models.predictors.predictor import (
    Movable,
    PredictedMargins,
    Predictor,
    Weighable,
    Weighing,
    Weights,
    Work,
    predictor_of,
)
from robust_xtreme.models.reading.reading import Candidates, Inputs, contents_of
from robust_xtreme.models.reading.windows import Batches
from robust_xtreme.models.retrieval.embeddings import StoredVectors
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.prepare import candidates_of
from robust_xtreme.stats.bitext import Neighbours
from robust_xtreme.tasks.sources.source import load, open_source

_TASKS = ("xnli", "xcopa", "panx", "xquad", "lareqa")
_COUNT = 6


_SHIFTED = ("xnli", "xcopa", "lareqa")
"""The tasks whose examples can have each other's gold answers."""


def _made(name: str) -> tuple[Predictor, Inputs, Weighing]:
    """A predictor of the embedded model, inputs of a task, and what is asked of them."""
    task = registry.load("task", name)
    located, split = locate(mini("model"), task), load(task, open_source("mini"), "sw", "test")
    models = Models("cpu", "fp32")
    predictor = predictor_of(located, task, lambda: models.load(located, task))
    inputs, pool = predictor.prepare(contents_of(split.examples[:_COUNT])), candidates_of(split)
    if pool is not None:
        inputs = replace(inputs, pool=np.zeros(len(inputs), np.int64), pools=(_small(pool, split.examples[:_COUNT]),))
    return predictor, inputs, _weighing_of(name)


def _small(pool: Candidates, examples: Sequence[Example]) -> Candidates:
    """The gold candidates of some examples, and a few others."""
    gold = {id for example in examples if isinstance(example.target, Document) for id in example.target.ids}
    rows = [
        (id, value) for at, (id, value) in enumerate(zip(pool.ids, pool.values, strict=True)) if id in gold or at < 9
    ]
    ids, values = zip(*rows, strict=True)
    return replace(pool, ids=ids, values=values)


def _weighing_of(name: str, shift: int = 0) -> Weighing:
    """What is asked of the inputs; with a `shift` the gold answers are those of examples after them."""
    task = registry.load("task", name)
    examples = load(task, open_source("mini"), "sw", "test").examples[:_COUNT]
    golds = column_of([example.target for example in (*examples[shift:], *examples[:shift])])
    goal: Goal = registry.load("goal", task.family)
    return Weighing(
        lambda windows, scores, meanings: goal.part(windows, scores, meanings, golds),
        lambda content, bounds, parts: goal.margin(bounds, parts, golds.take(content)),
        written(golds),
        settings_of(goal),
    )


@dataclass(frozen=True)
class _Watched:
    """Weights that note what is asked; the vector of the window with ids `lost` is not finite."""

    weights: Weights
    asked: list[int]
    lost: Sequence[int]

    @property
    def width(self) -> int:
        return self.weights.width

    def scores(self, batches: Batches, done: Sequence[int], advance: Callable[[int], None]) -> Iterator[Array]:
        self.asked.extend(map(len, batches))
        for windows, scores in zip(batches, self.weights.scores(batches, done, advance), strict=True):
            lost = [list(window.input_ids) == list(self.lost) for window in singly(windows)]
            yield np.where(np.array(lost)[:, None], np.nan, scores) if any(lost) else scores

    def means(self, batches: Batches) -> Iterable[Array]:
        return self.weights.means(batches)

    def products(self, *_: Any) -> Array:
        raise AssertionError("not asked")

    def nearest(self, queries: Array, candidates: Array, k: int) -> Neighbours:
        return self.weights.nearest(queries, candidates, k)


def _watched(predictor: Predictor, lost: Sequence[int] = ()) -> tuple[Predictor, list[int]]:
    """The predictor, and the numbers of windows whose scores it asks for from now on."""
    assert isinstance(predictor, Movable)
    reader: Any = getattr(predictor, "reader", None)
    weights_of = reader.weights_of if hasattr(reader, "weights_of") else predictor.weights_of  # type: ignore[attr-defined]  # an EncoderHead
    asked: list[int] = []
    return predictor.moved(lambda: _Watched(weights_of(), asked, lost)), asked


def _weighed(predictor: Predictor, inputs: Inputs, weighing: Weighing, work: Work) -> PredictedMargins:
    assert isinstance(predictor, Weighable)
    return predictor.weigh(inputs, weighing, work)


def _targets(targets: TargetColumn) -> list[Target]:
    return [targets[at] for at in range(len(targets))]


def _shown(weighed: PredictedMargins) -> tuple[Any, ...]:
    return _targets(weighed.predicted.targets), weighed.predicted.finite.tolist(), weighed.margin.tolist()


@pytest.mark.parametrize("name", some(_TASKS, 3))
def test_answers_are_those_without_margins(name: str) -> None:
    """In batches of any size; margins differ between examples, and not all of them are of one sign."""
    predictor, inputs, weighing = _made(name)
    answered = predictor.answer(inputs, Work(4096))
    several = [_weighed(predictor, inputs, weighing, Work(tokens)) for tokens in (4096, 64)]
    assert _shown(several[0])[:2] == (_targets(answered.targets), answered.finite.tolist())
    assert _shown(several[1])[:2] == _shown(several[0])[:2]
    assert np.abs(several[0].margin - several[1].margin).max() <= 2  # the last bits of floats
    assert len(set(several[0].margin.tolist())) > 1


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    """Work with a cache."""
    with closing(Cache(tmp_path, 1 << 24, print)) as cache:
        yield Work(4096, store=Store(cache, "s"))


@pytest.mark.parametrize("name", some(_TASKS, 2))
def test_the_cache_answers_as_the_model(name: str, work: Work) -> None:
    """What was asked once is not computed again, nor without margins; other gold answers have other margins."""
    predictor, inputs, weighing = _made(name)
    watched, asked = _watched(predictor)
    first = _weighed(watched, inputs, weighing, work)
    assert asked
    asked.clear()
    assert _shown(_weighed(watched, inputs, replace(weighing, pool=StoredVectors()), work)) == _shown(first)
    if name != "lareqa":  # whose predictions are vectors
        assert _targets(watched.answer(inputs, work).targets) == _shown(first)[0]
    assert asked == []
    assert _shown(_weighed(predictor, inputs, weighing, Work(4096))) == _shown(first)
    other = _weighing_of(name, shift=1)
    expected = _weighed(predictor, inputs, other, Work(4096)).margin.tolist() if name in _SHIFTED else None
    if expected is not None:
        assert _weighed(watched, inputs, other, work).margin.tolist() == expected != first.margin.tolist()


def test_a_vector_that_is_not_finite_is_that_of_its_query() -> None:
    """The other queries have their documents and margins."""
    predictor, inputs, weighing = _made("lareqa")
    lost = inputs.windows.take([2]).ids.tolist()
    watched, _ = _watched(predictor, lost)
    targets, finite, margins = _shown(_weighed(watched, inputs, weighing, Work(4096)))
    clean = _shown(_weighed(predictor, inputs, replace(weighing, pool=StoredVectors()), Work(4096)))
    kept = [0, 1, 3, 4, 5]
    assert finite == [True, True, False, True, True, True]
    assert [targets[at] for at in kept] == [clean[0][at] for at in kept]
    assert max(abs(margins[at] - clean[2][at]) for at in kept) <= 2  # other batches have other last bits


@pytest.mark.parametrize(
    ("task", "noise", "why"),
    [
        ("bucc", "attack_keys:0.1", "its pairs are mined over all sentences at once"),
        ("tatoeba", "attack_keys:0.1", "all queries search the same candidates (name @fields=query)"),
        ("tatoeba", "attack_keys:0.1@fields=query", ""),
        ("lareqa", "attack_keys:0.1", ""),
    ],
)
def test_what_has_no_answer_to_a_single_query_is_not_attacked(task: str, noise: str, why: str) -> None:
    """A task whose pairs are mined, and the candidates that queries share, are left out with a line that says why."""
    spec = RunSpec(tasks=(task, "xnli"), languages=("de",), perturb=(noise,), limit="3", out="unused")
    left = [row.detail for row in make_plan(spec).not_run if (row.task, row.condition) == (task, noise)]
    assert left == ([f"{task}: {why}: {noise} is not applied to it."] if why else [])


def test_margins_of_other_code_are_not_kept(work: Work) -> None:
    """The cache does not know whether a goal of another package is what it was."""
    predictor, inputs, weighing = _made("xnli")
    watched, asked = _watched(predictor)
    for _ in range(2):
        _weighed(watched, inputs, replace(weighing, settings=""), work)
    assert sum(asked) == 2 * _COUNT

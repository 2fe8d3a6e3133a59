"""Computes a task run in a lane: prepares, scores and stages it, and asks for what needs the model's weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from robust_xtreme.evaluation.answered import Answered
from robust_xtreme.evaluation.asking import asking
from robust_xtreme.evaluation.folder import stage
from robust_xtreme.evaluation.prepare import prepare
from robust_xtreme.evaluation.scoring import score_examples
from robust_xtreme.evaluation.task_run import Splits, TaskRun
from robust_xtreme.evaluation.workers.lane import Compute, Desk
from robust_xtreme.examples import Example, Target
from robust_xtreme.noise.engine.noising import Ask
from robust_xtreme.predictors.cache import Store
from robust_xtreme.predictors.predictor import Predicted, Predictor, Work
from robust_xtreme.reading.inputs import Inputs
from robust_xtreme.results import cache as stored
from robust_xtreme.results.cache import Cache
from robust_xtreme.sources.loading import Split


@final
@dataclass(frozen=True, slots=True)
class Given:
    """A job: a task run, its examples (None: they are read again), its predictor, and `settings`.

    They are what predictions in the cache depend on.
    """

    task_run: TaskRun
    split: Split | None
    predictor: Predictor
    settings: str


@final
@dataclass(frozen=True, slots=True)
class Done:
    """A task run that is answered and staged: the sha256 of its files by name, and what was computed for it.

    `inputs` are distinct, `cached` predictions came from the cache; `threshold` is the tuned one, if any.
    """

    digests: Mapping[str, str]
    inputs: int
    cached: int
    threshold: float | None = None


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A request: what a function returns, for the tokens of a batch; only of a lane in the same process."""

    function: Callable[[int], Any]


@final
@dataclass(frozen=True, slots=True)
class Again:
    """The answer where memory ran out: batches have fewer tokens now."""

    tokens: int


@final
@dataclass(frozen=True, slots=True)
class Counted:
    """A note: the number of distinct inputs."""

    inputs: int


@final
@dataclass(frozen=True, slots=True)
class Advanced:
    """A note: so many inputs are answered."""

    inputs: int


@final
@dataclass(frozen=True, slots=True)
class Watched:
    """A note: the progress of a long step."""

    line: str


@final
@dataclass(frozen=True, slots=True)
class Warned:
    """A note: a warning of the cache."""

    line: str


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """How task runs are computed: whether equal inputs are merged, where files are staged, whether there is a cache."""

    deduplicate: bool
    staging: Path
    cached: bool


@contextmanager
def in_thread(setting: Setting, splits: Splits, *starts: Callable[[], None]) -> Iterator[Compute]:
    """What a lane of this process does first: `starts` let it know the packs and the tasks of the run."""
    for start in starts:
        start()
    with computing(setting, splits) as work:
        yield work


@contextmanager
def computing(setting: Setting, splits: Splits) -> Iterator[Compute]:
    """Compute task runs within a context, with a connection to the cache of its own."""
    warnings: list[str] = []
    cache = stored.opened(warnings.append) if setting.cached else None

    def work(given: Given, desk: Desk) -> Done:
        done = _Lane(setting, given, desk, cache).computed(given.split or splits.of(given.task_run))
        while warnings:
            desk.note(Warned(warnings.pop(0)))
        return done

    try:
        yield work
    finally:
        if cache:
            cache.close()


@final
@dataclass(frozen=True, slots=True)
class _Lane:
    """A task run that is computed."""

    setting: Setting
    given: Given
    desk: Desk
    cache: Cache | None

    def computed(self, split: Split) -> Done:
        """Compute and stage the task run."""
        task_run, predictor = self.given.task_run, self.given.predictor
        asks = any(condition.asks for condition in task_run.conditions)
        prepared = prepare(task_run, split, predictor, self.setting.deduplicate, self._asking if asks else None)
        self.desk.note(Counted(len(prepared.inputs)))
        store = Store(self.cache, self.given.settings) if self.cache else None
        predicted = self._predicted(prepared.inputs, self._advance, self._watch, store)
        part = score_examples(Answered(prepared, predicted))
        with self.desk.whole():
            digests = stage(self.setting.staging, task_run, part)
        return Done(digests, len(prepared.inputs), predicted.cached, predicted.threshold)

    def _asking(self, examples: Sequence[Example]) -> Ask:
        """The function with which conditions query the model; the cache does not keep the answers."""

        def answer(inputs: Inputs) -> Sequence[Target | None]:
            predicted = self._predicted(inputs)
            return [predicted.answer(index) for index in range(len(inputs))]

        return asking(self.given.task_run, examples, self.given.predictor, answer)

    def _advance(self, inputs: int) -> None:
        self.desk.note(Advanced(inputs))

    def _watch(self, line: str) -> None:
        self.desk.note(Watched(line))

    def _predicted(self, inputs: Inputs, *how: Any) -> Predicted:
        """The predictions of inputs; again with smaller batches where memory ran out."""
        answer = self.desk.ask(Call(lambda tokens: self.given.predictor.answer(inputs, Work(tokens, *how))))
        predicted: Predicted = self._predicted(inputs, *how) if isinstance(answer, Again) else answer
        return predicted

"""Computes a task run in a worker: prepares, decodes, scores and stages it; asks for what needs the model's weights.

It imports no torch, so that it begins in a fraction of a second in another process.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from robust_xtreme.attack.attacking import Attacked, victim
from robust_xtreme.core import packs
from robust_xtreme.core.columns import Array
from robust_xtreme.core.errors import Mismatch, NotFinite
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import cache as stored
from robust_xtreme.files.cache import Cache
from robust_xtreme.models.predictors import predictor as asking
from robust_xtreme.models.predictors.cache import Store
from robust_xtreme.models.reading.reading import Inputs
from robust_xtreme.models.reading.windows import Batches
from robust_xtreme.models.retrieval.search import CPU, search
from robust_xtreme.run import requests
from robust_xtreme.run.prepare import candidates_of, prepare
from robust_xtreme.run.scoring import score_examples, stage
from robust_xtreme.run.task_run import Cell, Splits, TaskRun, attack_all
from robust_xtreme.stats.averages import Facts, MeasuredPart, measured_part
from robust_xtreme.stats.bitext import Neighbours
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.sources.source import Pools, Split, open_source
from robust_xtreme.workers.channel import Sealed
from robust_xtreme.workers.messages import Compute, Connection

_T = TypeVar("_T")

PAIRS: Final = 1 << 24
"""Pairs of a query and a candidate up to which a worker searches: the process with the weights has more threads."""

LATE: Final = ("scipy.special", "tokenizers")
"""What is imported where a task run needs it; a process that waits for its first one has the time."""

_TOKENS: Final = 1 << 20
"""Tokens whose scores are asked for at once."""


@dataclass(frozen=True, slots=True)
class TaskRunJob:
    """A job: a task run, its examples (None: they are read again), its predictor, and the tokens of a batch.

    `settings` are what predictions in the cache depend on.
    """

    task_run: TaskRun
    split: Split | None
    predictor: Sealed
    tokens: int
    settings: str


@dataclass(frozen=True, slots=True)
class StagedTaskRun:
    """A task run that is answered and staged: the sha256 of its files by name, and what was computed for it.

    `inputs` are distinct, `cached` predictions came from the cache; `thresholds` are the tuned ones, if any, by the
    label of the task run with the cut of their vectors. `measured` is None where the setting has no facts for it, or
    there are no statistics.
    """

    digests: Mapping[str, str]
    inputs: int
    cached: int
    thresholds: Mapping[str, float] = field(default_factory=dict)
    measured: MeasuredPart | None = None


class _Halved(Exception):
    """The reply was that batches have fewer tokens now; what was computed with more is left."""

    def __init__(self, tokens: int) -> None:
        super().__init__(tokens)
        self.tokens = tokens


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """The weights of a model, in the process that gave the job; where a worker `searches` it does so with vectors."""

    line: Connection
    tokens: int
    searches: bool

    @property
    def width(self) -> int:
        """The number of dimensions of the vectors."""
        width: int = self._answer(requests.Width())
        return width

    def scores(self, batches: Batches, done: Sequence[int], _advance: Callable[[int], None]) -> Iterator[Array]:
        """The scores of the windows of each batch; that process reports the progress, too. Raises _Halved."""
        for start, stop in _groups(batches):
            yield from self._answer(requests.Scores(batches[start:stop], done[start:stop], self.tokens))

    def means(self, batches: Batches) -> Iterator[Array]:
        """The mean states of the windows of each batch. Raises _Halved."""
        for start, stop in _groups(batches):
            yield from self._answer(requests.Means(batches[start:stop], self.tokens))

    def nearest(self, queries: Array, candidates: Array, k: int) -> Neighbours:
        """The k nearest candidates of each query."""
        if self.searches and len(queries) * len(candidates) <= PAIRS:
            return search(queries.astype(np.float32), candidates, k, device=CPU)
        near: Neighbours = self._answer(requests.Nearest(queries, candidates, k))
        return near

    def call(self, function: Callable[[], _T]) -> _T:
        """What a function returns in that process, which is this one."""
        result: _T = self._answer(requests.Call(lambda _: function()))
        return result

    def _answer(self, request: object) -> Any:
        answer = self.line.ask(request)
        if isinstance(answer, requests.SmallerBatches):
            raise _Halved(answer.tokens)
        if isinstance(answer, requests.RefusedVectors):
            raise NotFinite(answer.line)
        return answer


def _groups(batches: Batches) -> Iterator[tuple[int, int]]:
    """The bounds of groups of batches whose scores are asked for at once."""
    cuts = np.flatnonzero(np.diff(np.cumsum(batches.tokens) // _TOKENS)) + 1
    return pairwise([0, *cuts.tolist(), len(batches)])


@dataclass(frozen=True, slots=True)
class Setting:
    """How task runs are computed: whether equal inputs are merged, where files are staged, whether there is a cache.

    Where a worker `searches`, it does so on the CPU: where no other device is faster. With `facts` of the run it
    measures its task runs, too, on the CPU. `scores` of answers are kept on request.
    """

    deduplicate: bool
    staging: Path
    cached: bool
    searches: bool = True
    facts: Facts | None = None
    scores: bool = False


@contextmanager
def in_process(setting: Setting, spec: RunSpec) -> Iterator[Compute]:
    """What a worker of another process does first: it knows the packs and the tasks of a run, and reads its data."""
    splits = Splits(spec, Pools(open_source(spec.data, offline=spec.offline)))
    with packs.using(*spec.packs), own_tasks(spec.data), computing(setting, splits) as work:
        yield work


@contextmanager
def in_thread(setting: Setting, splits: Splits, *starts: Callable[[], object]) -> Iterator[Compute]:
    """What a worker of this process does first: `starts` let it know the packs and the tasks of the run."""
    for start in starts:
        start()
    with computing(setting, splits) as work:
        yield work


@contextmanager
def computing(setting: Setting, splits: Splits) -> Iterator[Compute]:
    """Compute task runs within a context, with a connection to the cache of its own."""
    warnings: list[str] = []
    cache = stored.opened(warnings.append) if setting.cached else None

    def work(given: TaskRunJob, line: Connection) -> StagedTaskRun:
        worker = _Worker(setting, given, given.predictor.value, line, cache)
        done = worker.computed(given.split or splits.of(given.task_run))
        while warnings:
            line.note(requests.Warned(warnings.pop(0)))
        return done

    try:
        yield work
    finally:
        if cache:
            cache.close()


@dataclass(frozen=True, slots=True)
class _Worker:
    """A task run that is computed."""

    setting: Setting
    given: TaskRunJob
    predictor: asking.Predictor
    line: Connection
    cache: Cache | None

    def computed(self, split: Split) -> StagedTaskRun:
        """Compute and stage the task run."""
        task_run, predictor = self.given.task_run, self._moved(self.given.tokens)
        prepared = prepare(task_run, split, predictor, self.setting.deduplicate, self._attacks)
        self.line.note(requests.Counted(len(prepared.inputs) * len(task_run.cuts)))

        def advance(inputs: int) -> None:
            self.line.note(requests.Advanced(inputs))

        how = prepared.inputs, advance, self._watch, self._store()
        whole: dict[tuple[str, int, int], Array] = {}  # of one pass for all cuts
        predicted = [self._predicted(*how, dims, whole) for dims in task_run.cuts.values()]
        rows = score_examples(prepared, *predicted, scores=self.setting.scores)
        with self.line.whole():
            digests = stage(self.setting.staging, task_run, rows)
        measured = None
        if self.setting.facts and not rows.stats.is_empty():
            with suppress(Mismatch):  # an error when all are answered
                measured = measured_part(rows.stats, rows.predictions, self.setting.facts)
        by_cut = zip(task_run.cuts, predicted, strict=True)
        tuned = ((f"{task_run.label}{cut}", each.threshold) for cut, each in by_cut)
        thresholds = {name: round(value, 6) for name, value in tuned if value is not None}
        cached = sum(each.cached for each in predicted)
        return StagedTaskRun(digests, len(prepared.inputs), cached, thresholds, measured)

    def _store(self) -> Store | None:
        """The cache, if any; none for a function that has no version."""
        task_run, model = self.given.task_run, self.given.task_run.model
        is_kept = all(function.version for function in (model.origin.function, model.reranker) if function)
        return Store(self.cache, self.given.settings, task_run.languages) if self.cache and is_kept else None

    def _attacks(self, split: Split, cells: Sequence[Cell]) -> Mapping[tuple[str, int], Attacked]:
        """The examples under attacks, for which the model is queried; the cache keeps what it answered."""
        if not cells:
            return {}
        task_run = self.given.task_run

        def warn(line: str) -> None:
            self.line.note(requests.Warned(f"{task_run.label}: {line}"))

        asks = victim(task_run.task, self._moved(self.given.tokens), self._weighed, candidates_of(split))
        return attack_all(split.examples, cells, asks, self._watch, self._vectors, warn)

    def _weighed(self, inputs: Inputs, weighing: asking.Weighing) -> asking.PredictedMargins:
        """Predictions and margins; a predictor that knows none has margins of 0."""
        if not isinstance(self.predictor, asking.Weighable):
            predicted = self._predicted(inputs)
            return asking.PredictedMargins(predicted, np.zeros(len(inputs), np.int64))

        def weighed(tokens: int) -> asking.PredictedMargins:
            moved = self._moved(tokens)
            assert isinstance(moved, asking.Weighable)
            (dims,) = self.given.task_run.cuts.values()
            return moved.weigh(inputs, weighing, asking.Work(tokens, store=self._store(), dims=dims))

        return self._fitting(weighed)

    def _vectors(self, values: Sequence[str]) -> Array:
        """The vectors of texts (n, D) by themselves."""

        def vectors(predictor: asking.Predictor, tokens: int) -> Array:
            assert isinstance(predictor, asking.Embedding)
            return predictor.vectors(values, asking.Work(tokens))

        return self._asked(vectors)

    def _watch(self, line: str) -> None:
        self.line.note(requests.Watched(line))

    def _predicted(self, inputs: Inputs, *how: Any) -> asking.Predicted:
        """The predictions of inputs."""

        def answer(predictor: asking.Predictor, tokens: int) -> asking.Predicted:
            return predictor.answer(inputs, asking.Work(tokens, *how))

        return self._asked(answer)

    def _asked(self, function: Callable[[asking.Predictor, int], _T]) -> _T:
        """What a function asks of the predictor: here where it can be moved, else where the weights are."""
        predictor: asking.Predictor = self.predictor
        if isinstance(predictor, asking.Movable):
            return self._fitting(lambda tokens: function(predictor.moved(self._weights(tokens)), tokens))
        return self._called(lambda tokens: function(predictor, tokens))

    def _fitting(self, function: Callable[[int], _T]) -> _T:
        """What a function returns for the tokens of a batch; again with fewer where memory ran out."""
        tokens = self.given.tokens
        while True:
            try:
                return function(tokens)
            except _Halved as halved:
                tokens = halved.tokens

    def _called(self, function: Callable[[int], _T]) -> _T:
        answer: _T | requests.SmallerBatches = self.line.ask(requests.Call(function))
        return self._called(function) if isinstance(answer, requests.SmallerBatches) else answer

    def _moved(self, tokens: int) -> asking.Predictor:
        """The predictor, which asks for what needs weights, where it can."""
        predictor: asking.Predictor = self.predictor
        return predictor.moved(self._weights(tokens)) if isinstance(predictor, asking.Movable) else predictor

    def _weights(self, tokens: int) -> Callable[[], asking.Weights]:
        """The weights, which are elsewhere, in batches of so many tokens."""
        return lambda: _Elsewhere(self.line, tokens, self.setting.searches)

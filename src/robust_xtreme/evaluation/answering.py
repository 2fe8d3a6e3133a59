"""Answers task runs: one thread prepares the next, another scores and stores the previous. It knows no manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, final

import torch

from robust_xtreme import packs, registry
from robust_xtreme.errors import RobustXtremeError
from robust_xtreme.evaluation.answered import Answered
from robust_xtreme.evaluation.asking import asking
from robust_xtreme.evaluation.folder import stage
from robust_xtreme.evaluation.prepare import Prepared, prepare
from robust_xtreme.evaluation.scoring import score_examples
from robust_xtreme.evaluation.task_run import Splits, TaskRun
from robust_xtreme.examples import Example, Target
from robust_xtreme.models.checkpoint import Models
from robust_xtreme.models.memory import out_of_memory
from robust_xtreme.noise.engine.noising import Ask
from robust_xtreme.predictors.cache import Store, settings
from robust_xtreme.predictors.predictor import Input, Predicted, Predictor, Work, predictor_of
from robust_xtreme.results.cache import Cache

Ready = Callable[[], Prepared]

_SMALL: Final = 1_000_000
"""Parameters without embeddings below which one thread computes a model faster than several."""


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
class Events:
    """What is reported while task runs are answered: the current one, predictions made, and task runs that are done.

    Any thread calls these. `halved` gets the task run from which on batches have half as many tokens.
    """

    task_run: Callable[[str], None]
    advance: Callable[[int], None]
    halved: Callable[[TaskRun], None]
    done: Callable[[TaskRun, Done], None]


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """How task runs are answered: the kind of device and its name, and where the two files of each are staged."""

    device: str
    device_name: str
    deduplicate: bool
    staging: Path


@final
@dataclass(slots=True)  # its batches can be halved, and its predictor is that of the last task
class Answering:
    """Answers task runs. `tokens` are those of a batch, which are halved once where memory runs out."""

    splits: Splits
    models: Models
    setting: Setting
    events: Events
    tokens: int
    halved: bool = False
    cache: Cache | None = None
    task: str = ""
    predictor: Predictor = field(init=False)

    def answer_all(self, todo: Iterable[TaskRun]) -> None:
        """Answer each task run; those of a task in a row share its predictor. The next is taken only when needed."""
        shared = _shared(packs.share(), registry.share())
        waiting = iter(todo)
        with (
            ThreadPoolExecutor(1, "prepare", shared) as preparing,
            ThreadPoolExecutor(1, "score", shared) as scoring,
        ):
            upcoming: list[Future[Ready]] = [preparing.submit(self._begin, first) for first in islice(waiting, 1)]
            pending: Future[None] | None = None
            while upcoming:
                prepared = upcoming.pop().result()()
                upcoming += [preparing.submit(self._begin, following) for following in islice(waiting, 1)]
                answered = self._answer(prepared)
                if pending:
                    pending.result()
                pending = scoring.submit(self._keep, answered)
            if pending:
                pending.result()

    def _begin(self, task_run: TaskRun) -> Ready:
        """Prepare a task run; before the first of a task, make the task's predictor."""
        model, task = task_run.model, task_run.task
        if task.name != self.task:
            self.task = task.name
            self.predictor = predictor_of(model, task, partial(self.models.load, model, task))
        return self._prepare(task_run, self.predictor)

    def _prepare(self, task_run: TaskRun, predictor: Predictor) -> Ready:
        """A function that gives the prepared task run; it prepares when called if a condition queries the model."""
        made = (task_run, self.splits.of(task_run), predictor, self.setting.deduplicate)
        if any(condition.asks for condition in task_run.conditions):
            return lambda: prepare(*made, lambda examples: self._asking(task_run, examples, predictor))
        prepared = prepare(*made)
        return lambda: prepared

    def _asking(self, task_run: TaskRun, examples: Sequence[Example], predictor: Predictor) -> Ask:
        """The function with which conditions query a task run's model; the cache does not keep the answers."""

        def answer(inputs: Sequence[Input]) -> Sequence[Target | None]:
            return self._predicted(task_run, lambda tokens: predictor.answer(inputs, Work(tokens))).targets

        return asking(task_run, examples, predictor, answer)

    def _answer(self, prepared: Prepared) -> Answered:
        """Answer a task run."""
        task_run, events = prepared.task_run, self.events
        events.task_run(task_run.label)
        cached, advance = self._store(task_run), _scaled(events.advance, prepared)

        def watch(line: str) -> None:
            events.task_run(f"{task_run.label}: {line}")

        predicted = self._predicted(
            task_run, lambda tokens: prepared.predictor.answer(prepared.inputs, Work(tokens, advance, watch, cached))
        )
        return Answered(prepared, predicted)

    def _keep(self, answered: Answered) -> None:
        """Score a task run and stage its files."""
        task_run, predicted = answered.prepared.task_run, answered.predicted
        digests = stage(self.setting.staging, task_run, score_examples(answered))
        done = Done(digests, len(answered.prepared.inputs), predicted.cached, predicted.threshold)
        self.events.done(task_run, done)

    def _store(self, task_run: TaskRun) -> Store | None:
        """What the cache has of a task run's model and task; None without a cache."""
        if self.cache is None:
            return None
        named = settings(task_run.model, task_run.task, task_run.inference, self.setting.device_name)
        return Store(self.cache, named)

    def _predicted(self, task_run: TaskRun, answer: Callable[[int], Predicted]) -> Predicted:
        """Call `answer` with the tokens of a batch; when memory runs out, once in a run, again with half as many."""
        try:
            with threads(self.setting.device, task_run.params):
                return answer(self.tokens)
        except Exception as error:
            if not out_of_memory(error):
                raise
            self._halve(task_run, error)
        if self.setting.device == "cuda":
            torch.cuda.empty_cache()
        return self._predicted(task_run, answer)

    def _halve(self, task_run: TaskRun, error: Exception) -> None:
        smaller = max(1, self.tokens // 2)
        if self.halved:
            raise RobustXtremeError(
                f"Out of memory at {task_run.label} with batches of {self.tokens} tokens. "
                f"Start over with smaller ones: --force --batch-tokens {smaller}"
            ) from error
        self.tokens, self.halved = smaller, True
        self.events.halved(task_run)


def _shared(*starts: Callable[[], None]) -> Callable[[], None]:
    """A function that a new thread calls first."""

    def start() -> None:
        for each in starts:
            each()

    return start


@contextmanager
def threads(device: str, params: int) -> Iterator[None]:
    """One thread for a very small model on the CPU: several spend longer on waiting than on computing."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" and params < _SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _scaled(advance: Callable[[int], None], prepared: Prepared) -> Callable[[int], None]:
    """Progress in predictions from progress in distinct inputs."""
    each = prepared.task_run.predictions / max(1, len(prepared.inputs))
    done = [0, 0]

    def scaled(inputs: int) -> None:
        done[0] += inputs
        reached = round(done[0] * each)
        advance(reached - done[1])
        done[1] = reached

    return scaled

"""Runs an evaluation: plan, lock the folder, answer each task run while the next is prepared, finish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final, final

import torch

from robust_xtreme import packs, registry
from robust_xtreme.adapters.own import own_tasks
from robust_xtreme.errors import RobustXtremeError, SpecError
from robust_xtreme.evaluation.answered import Answered
from robust_xtreme.evaluation.asking import asking
from robust_xtreme.evaluation.finish import finish
from robust_xtreme.evaluation.folder import RUN, Folder, begin, check_ours, over_of
from robust_xtreme.evaluation.garbage import rarely_collected
from robust_xtreme.evaluation.manifest import halved, new_manifest
from robust_xtreme.evaluation.plan import TOO_LONG, Plan, make_plan
from robust_xtreme.evaluation.prepare import Prepared, prepare
from robust_xtreme.evaluation.scoring import score_examples
from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.examples import Example, Target
from robust_xtreme.models.checkpoint import Models
from robust_xtreme.models.memory import out_of_memory
from robust_xtreme.models.verify import UNVERIFIED
from robust_xtreme.noise.engine.noising import Ask
from robust_xtreme.noise.user_packs import using
from robust_xtreme.predictors.batches import BATCH_TOKENS
from robust_xtreme.predictors.cache import Store, settings
from robust_xtreme.predictors.predictor import Input, Predicted, Predictor, Work, predictor_of
from robust_xtreme.report.evaluation import UNREADABLE, Evaluation
from robust_xtreme.results import cache as stored
from robust_xtreme.results import store
from robust_xtreme.run_paths import what_is_read
from robust_xtreme.run_spec import RunSpec

Ready = Callable[[], Prepared]

_SMALL: Final = 1_000_000
"""Parameters without embeddings below which one thread computes a model faster than several."""


@final
@dataclass(frozen=True, slots=True)
class Observer:
    """Progress callbacks: log lines, the number of predictions, the current task run, predictions made.

    `notice` gets what happens to files that are there already and which models are not verified, `say` where there is
    no `notice`.
    """

    say: Callable[[str], None] = lambda _: None
    total: Callable[[int], None] = lambda _: None
    task_run: Callable[[str], None] = lambda _: None
    advance: Callable[[int], None] = lambda _: None
    notice: Callable[[str], None] | None = None


@rarely_collected()
def evaluate(
    spec: RunSpec,
    *,
    deduplicate: bool = True,
    force: bool = False,
    cache: bool = True,
    observer: Observer | None = None,
    keep_going: bool = False,
    in_memory: Mapping[str, Path] | None = None,
) -> Evaluation:
    """Answer every task clean and perturbed, or resume an earlier call; a finished run is read.

    With `deduplicate` False, equal inputs are computed again, every condition in separate batches. `force` starts over
    and removes the earlier run's files, not the user's. Predictions of earlier runs come from the cache, but
    not without `cache` or `deduplicate`, nor with remote code. `keep_going` leaves out what cannot be read: the
    manifest names it, and a call after the files are mended adds it. `in_memory` are the folders of models in memory by
    their names. The spec's packs apply to the threads of the call only. Raises UserError where a name does not exist or
    the folder contains another run, UnreadableFiles, DiskError, Locked.
    """
    observer, cache = observer or Observer(), cache and deduplicate and not spec.trust_remote_code
    if cache:
        stored.limit()
    notice = observer.notice or observer.say
    folder = Folder(spec.folder(), notice)
    check_ours(folder.path, spec, force)
    device = device_of(spec.device)
    with using(*spec.packs), own_tasks(spec.data):
        plan = make_plan(spec, in_memory, keep_going)
        fresh = new_manifest(plan, device_name(device), spec.batch_tokens or BATCH_TOKENS[device], deduplicate)
        if not force and (finished := folder.finished(fresh)):
            return Evaluation(folder.path, finished)
        with store.lock(folder.path):
            check_ours(folder.path, spec, force)
            models = Models(device, spec.precision, spec.representation)
            if force and folder.journal.names():
                _load_all(models, plan)
            with store.staying(folder.path / store.LOCK):
                over = over_of(folder.path, plan.task_runs) if force else None
                manifest = begin(folder, spec, fresh, over)
                run = _Run(plan, folder, device, observer, models, manifest)
                if read := what_is_read(spec):
                    run.say(read)
            if cache:
                run.cache = stored.opened(lambda line: run.say(f"warning: {line}"))
            return Evaluation(folder.path, run.whole())


def _load_all(models: Models, plan: Plan) -> None:
    """Load each model: where one cannot be loaded, the earlier run stays."""
    for task_run in {task_run.task.name: task_run for task_run in plan.task_runs}.values():
        models.load(task_run.model, task_run.task)


def device_of(name: str) -> str:
    """`cpu` or `cuda`; `auto` is CUDA where there is one. Raises SpecError."""
    if name not in ("auto", *BATCH_TOKENS):
        raise SpecError(f"The device {name!r} is none of: auto, {', '.join(BATCH_TOKENS)}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise SpecError("There is no CUDA device here. Leave --device out, or name cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def device_name(device: str) -> str:
    """The name of the device in the manifest; results are the same bytes on the same device."""
    return f"cuda: {torch.cuda.get_device_name()}" if device == "cuda" else device


@final
@dataclass(slots=True)  # the manifest changes while the run continues
class _Run:
    """The state of a run; `manifest` is the content of manifest.json, `predictor` is that of `task`."""

    plan: Plan
    folder: Folder
    device: str
    observer: Observer
    models: Models
    manifest: dict[str, Any]
    cache: stored.Cache | None = None
    counts: Counter[str] = field(default_factory=Counter)
    task: str = ""
    predictor: Predictor = field(init=False)
    recording: Lock = field(default_factory=Lock)

    def whole(self) -> dict[str, Any]:
        """Compute what is missing and finish; return the manifest."""
        try:
            with store.staying(self.folder.path / RUN):
                self._answer_all([task_run for task_run in self.plan.task_runs if not self._is_done(task_run)])
                self.manifest = finish(self.folder, self.plan, self.manifest)
        except BaseException as error:
            self.folder.log_error(error)
            raise
        finally:
            if self.cache:
                self.cache.close()
        self.say("finished")
        return self.manifest

    def _is_done(self, task_run: TaskRun) -> bool:
        """Whether both parts of a task run are there, can be read and are those that the run wrote."""
        digests = self.manifest.get("parts", {})
        if not self.folder.holds(task_run, digests):
            return False
        if damaged := self.folder.damaged(task_run, digests):
            self.say(f"warning: {task_run.label}: a part cannot be read or was changed, and is computed again")
        return not damaged

    def say(self, line: str) -> None:
        """Write a line to the log and to the observer."""
        self.folder.log(line)
        self.observer.say(line)

    def _answer_all(self, todo: Sequence[TaskRun]) -> None:
        """Answer each task run; one thread prepares the next, another scores and writes the previous."""
        requested, tokens = self.plan.spec.batch_tokens, self.manifest["batch_tokens"]
        if requested not in (0, tokens):
            self.say(f"batches stay at {tokens} tokens, as this run was begun or continued")
        for skipped in self.plan.not_run:
            is_odd = skipped.reason in (TOO_LONG, UNREADABLE)
            self.say(f"{'warning: left out' if is_odd else 'not run'}: {skipped.detail}")
        for note in self.manifest["notes"]:
            if UNVERIFIED in note:
                self.folder.tell(f"warning: {note}")
            else:
                self.folder.log(note)
        self.say(f"{len(todo)} of {len(self.plan.task_runs)} task runs to compute on {self.manifest['device']}")
        self.observer.total(sum(task_run.predictions for task_run in todo))
        shared = _shared(packs.share(), registry.share())
        with (
            ThreadPoolExecutor(1, "prepare", shared) as preparing,
            ThreadPoolExecutor(1, "score", shared) as scoring,
        ):
            upcoming: list[Future[Ready]] = [preparing.submit(self._begin, task_run) for task_run in todo[:1]]
            pending: Future[None] | None = None
            for index in range(len(todo)):
                prepared = upcoming.pop().result()()
                upcoming += [preparing.submit(self._begin, following) for following in todo[index + 1 : index + 2]]
                answered = self._answer(prepared)
                self._count(answered)
                if pending:
                    pending.result()
                pending = scoring.submit(self._keep, answered)
            if pending:
                pending.result()
        if todo:
            self.say(f"in all: {self._counted(self.counts)}")

    def _begin(self, task_run: TaskRun) -> Ready:
        """Prepare a task run; before the first of a task, make the task's predictor."""
        model, task = task_run.model, task_run.task
        if task.name != self.task:
            self.task = task.name
            self.predictor = predictor_of(model, task, partial(self.models.load, model, task))
        return self._prepare(task_run, self.predictor)

    def _prepare(self, task_run: TaskRun, predictor: Predictor) -> Ready:
        """A function that gives the prepared task run; it prepares when called if a condition queries the model."""
        made = (task_run, self.plan.splits.of(task_run), predictor, self.manifest["deduplicate"])
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
        """Answer a task run; a tuned threshold goes into the manifest."""
        task_run, observer = prepared.task_run, self.observer
        observer.task_run(task_run.label)
        cached, advance = self._store(task_run), _scaled(observer.advance, prepared)

        def watch(line: str) -> None:
            observer.task_run(f"{task_run.label}: {line}")

        predicted = self._predicted(
            task_run, lambda tokens: prepared.predictor.answer(prepared.inputs, Work(tokens, advance, watch, cached))
        )
        if predicted.threshold is not None:
            self._record("tuned", {task_run.label: round(predicted.threshold, 6)})
        return Answered(prepared, predicted)

    def _keep(self, answered: Answered) -> None:
        task_run = answered.prepared.task_run
        self._record("parts", self.folder.write(task_run, score_examples(answered)))

    def _record(self, key: str, entries: Mapping[str, Any]) -> None:
        """Add entries to a table of the manifest; two threads do."""
        with self.recording:
            self.manifest = {**self.manifest, key: {**self.manifest.get(key, {}), **entries}}
            self.folder.write_manifest(self.manifest)

    def _store(self, task_run: TaskRun) -> Store | None:
        """What the cache has of a task run's model and task; None without a cache."""
        if self.cache is None:
            return None
        model, device = task_run.model, self.manifest["device"]
        return Store(self.cache, settings(model, task_run.task, task_run.inference, device))

    def _count(self, answered: Answered) -> None:
        task_run, inputs = answered.prepared.task_run, len(answered.prepared.inputs)
        counts = Counter(predictions=task_run.predictions, inputs=inputs, cached=answered.predicted.cached)
        self.counts.update(counts)
        self.say(f"{task_run.label}: {self._counted(counts)}")

    def _counted(self, counts: Counter[str]) -> str:
        cached = f", {counts['cached']} from the cache" if self.cache else ""
        return f"{counts['predictions']} predictions of {counts['inputs']} distinct inputs{cached}"

    def _predicted(self, task_run: TaskRun, answer: Callable[[int], Predicted]) -> Predicted:
        """Call `answer` with the tokens of a batch; when memory runs out, once in a run, again with half as many."""
        try:
            with threads(self.device, task_run.params):
                return answer(int(self.manifest["batch_tokens"]))
        except Exception as error:
            if not out_of_memory(error):
                raise
            self._halve(task_run, error)
        if self.device == "cuda":
            torch.cuda.empty_cache()
        return self._predicted(task_run, answer)

    def _halve(self, task_run: TaskRun, error: Exception) -> None:
        tokens = self.manifest["batch_tokens"]
        if "halved" in self.manifest:
            raise RobustXtremeError(
                f"Out of memory at {task_run.label} with batches of {tokens} tokens. "
                f"Start over with smaller ones: --force --batch-tokens {max(1, tokens // 2)}"
            ) from error
        with self.recording:
            self.manifest = halved(self.manifest, task_run.label)
            self.folder.write_manifest(self.manifest)
        self.say(self.manifest["notes"][-1])


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

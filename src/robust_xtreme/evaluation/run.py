"""Runs an evaluation: plan, lock the folder, answer each task run while the next is prepared, finish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, final

import torch

from robust_xtreme import packs, registry
from robust_xtreme.errors import RobustXtremeError, SpecError
from robust_xtreme.evaluation.asking import asking
from robust_xtreme.evaluation.cache import Known, PredictionCache, opened, settings
from robust_xtreme.evaluation.finish import FILES, finish
from robust_xtreme.evaluation.folder import Folder, begin, check_ours
from robust_xtreme.evaluation.manifest import halved, new_manifest
from robust_xtreme.evaluation.plan import Plan, TaskRun, make_plan, read_train, split_of
from robust_xtreme.evaluation.prepare import Prepared, prepare
from robust_xtreme.evaluation.retrieve import Engine, Retrieved, retrieved
from robust_xtreme.evaluation.scoring import Answered, Ranked, score_examples
from robust_xtreme.evaluation.settings import check_settings, inference
from robust_xtreme.examples import Example, Target
from robust_xtreme.models.checkpoint import Models, in_task_order, relabel_of
from robust_xtreme.models.memory import out_of_memory
from robust_xtreme.models.unsupported import outside, unsupported_labels
from robust_xtreme.noise.engine.noising import Ask
from robust_xtreme.noise.user_packs import using
from robust_xtreme.predictors.batches import BATCH_TOKENS
from robust_xtreme.predictors.predictor import Input, Predictor, predictor_of
from robust_xtreme.results import cache as stored
from robust_xtreme.results import store
from robust_xtreme.results.evaluation import Evaluation
from robust_xtreme.results.floors import Floors, fit
from robust_xtreme.run_spec import RunSpec
from robust_xtreme.sources.survey import tuned_on

_T = TypeVar("_T")
Ready = Callable[[], Prepared]

_SMALL: Final = 1_000_000
"""Parameters without embeddings below which one thread computes a model faster than several."""


@final
@dataclass(frozen=True, slots=True)
class Observer:
    """Progress callbacks: log lines, the number of predictions, the current task run, predictions made."""

    say: Callable[[str], None] = lambda _: None
    total: Callable[[int], None] = lambda _: None
    task_run: Callable[[str], None] = lambda _: None
    advance: Callable[[int], None] = lambda _: None


def evaluate(
    spec: RunSpec,
    *,
    deduplicate: bool = True,
    force: bool = False,
    cache: bool = True,
    observer: Observer | None = None,
) -> Evaluation:
    """Answer every task clean and perturbed, or resume an earlier call; a finished run is read.

    With `deduplicate` False, equal inputs are computed again, every condition in separate batches. `force` starts over.
    Predictions of earlier runs come from the cache, but not without `cache` or `deduplicate`, nor with remote code.
    The spec's packs apply to the threads of the call only. Raises UserError where a name does not exist or the folder
    contains another run, DiskError, Locked.
    """
    with using(*spec.packs):
        return _evaluate(spec, deduplicate, force, cache, observer or Observer())


def _evaluate(spec: RunSpec, deduplicate: bool, force: bool, cache: bool, observer: Observer) -> Evaluation:
    check_settings(spec)
    cache = cache and deduplicate and not spec.trust_remote_code
    if cache:
        stored.limit()
    folder = Folder(spec.folder())
    check_ours(folder.path, spec, force)
    device = device_of(spec.device)
    plan = make_plan(spec)
    fresh = new_manifest(plan, device_name(device), spec.batch_tokens or BATCH_TOKENS[device], deduplicate)
    with store.lock(folder.path):
        check_ours(folder.path, spec, force)
        manifest = begin(folder, spec, fresh, force)
        models = Models(device, spec.precision, spec.representation)
        run = _Run(plan, folder, device, observer, models, manifest)
        if cache:
            run.predictions = opened(run.say, manifest["device"], spec.precision)
        return Evaluation(folder.path, run.whole())


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
    """The state of a run; `manifest` is the content of manifest.json."""

    plan: Plan
    folder: Folder
    device: str
    observer: Observer
    models: Models
    manifest: dict[str, Any]
    predictions: PredictionCache | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def whole(self) -> dict[str, Any]:
        """Compute what is missing and finish; return the manifest."""
        if self._is_finished():
            return self.manifest
        try:
            self._answer_all([task_run for task_run in self.plan.task_runs if not self.folder.holds(task_run)])
            self.manifest = finish(self.folder, self.plan, self.manifest)
        except BaseException as error:
            self.folder.log_error(error)
            raise
        finally:
            if self.predictions:
                self.predictions.cache.close()
        self.say("finished")
        return self.manifest

    def _is_finished(self) -> bool:
        """Whether every file exists as it was written; a damaged file is written again from the parts."""
        files = self.manifest.get("files", {})
        paths = [(self.folder.path / name, files.get(name)) for name in FILES]
        return bool(self.manifest["complete"]) and all(
            store.complete(path) and store.sha256(path) == digest for path, digest in paths
        )

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
            self.say(f"not run: {skipped.detail}")
        for note in self.manifest["notes"]:
            self.folder.log(note)
        self.say(f"{len(todo)} of {len(self.plan.task_runs)} task runs to compute on {self.manifest['device']}")
        self.observer.total(sum(self._size(task_run) for task_run in todo))
        floors: dict[str, Floors] = {}
        shared = packs.share()
        with (
            ThreadPoolExecutor(1, "prepare", shared) as preparing,
            ThreadPoolExecutor(1, "score", shared) as scoring,
        ):
            upcoming: list[Future[Ready]] = [preparing.submit(self._begin, task_run, floors) for task_run in todo[:1]]
            pending: list[Future[None]] = []
            for index, task_run in enumerate(todo):
                prepared = upcoming.pop().result()()
                upcoming += [
                    preparing.submit(self._begin, following, floors) for following in todo[index + 1 : index + 2]
                ]
                answered = self._answer(task_run, prepared)
                _wait(pending)
                pending = [scoring.submit(self._keep, answered, floors[task_run.task.name])]
            _wait(pending)
        if todo:
            self.say(f"in all: {self._counted(self.counts)}")

    def _size(self, task_run: TaskRun) -> int:
        return task_run.rows * sum(len(condition.seeds) for condition in self.plan.of(task_run))

    def _begin(self, task_run: TaskRun, floors: dict[str, Floors]) -> Ready:
        """Prepare a task run; before the first of a task, fit the task's floors."""
        if task_run.task.name not in floors:
            floors[task_run.task.name] = _fitted(task_run, self.plan.spec)
        return self._prepare(task_run)

    def _prepare(self, task_run: TaskRun) -> Ready:
        """A function that gives the prepared task run; it prepares when called if a condition queries the model."""
        split = split_of(self.plan, task_run)
        conditions = self.plan.of(task_run)
        predictor, deduplicate = self._predictor(task_run), self.manifest["deduplicate"]
        made = (task_run, split.examples, conditions, predictor, deduplicate, split.corpus)
        if any(condition.asks for condition in conditions):
            return lambda: prepare(*made, lambda examples: self._asking(task_run, examples, predictor))
        prepared = prepare(*made)
        return lambda: prepared

    def _predictor(self, task_run: TaskRun) -> Predictor:
        return predictor_of(task_run.model, task_run.task, lambda: self.models.load(task_run.model, task_run.task))

    def _asking(self, task_run: TaskRun, examples: Sequence[Example], predictor: Predictor) -> Ask:
        """The function with which conditions query a task run's model."""
        if task_run.task.pool is not None:
            raise SpecError(f"{task_run.label} is answered by a search, which a condition cannot query. Leave it out.")
        relabel = relabel_of(task_run.model, task_run.task)

        def answer(inputs: Sequence[Input]) -> list[Target | None]:
            return [_in_task_order(target, relabel) for target in self._predict(task_run, inputs, lambda _: None)]

        return asking(task_run, examples, predictor, answer)

    def _answer(self, task_run: TaskRun, prepared: Prepared) -> Answered:
        self.observer.task_run(task_run.label)
        searched = task_run.task.pool is not None
        relabel = None if searched else relabel_of(task_run.model, task_run.task)
        answers = () if searched else self._answers(prepared)
        return Answered(
            prepared=prepared,
            answers=tuple(_in_task_order(answer, relabel) for answer in answers),
            inference=inference(task_run, self.plan.spec),
            setting=task_run.model.setting(task_run.languages[0]),
            status=self._predictor(task_run).status,
            ranked=self._ranked(prepared) if searched else {},
        )

    def _keep(self, answered: Answered, floors: Floors) -> None:
        self.folder.write(answered.prepared.task_run, score_examples(answered, floors))

    def _ranked(self, prepared: Prepared) -> dict[tuple[str, int], Ranked]:
        """Search the pool of a task run; a tuned threshold goes into the manifest."""
        task_run = prepared.task_run
        with _threads(self.device, task_run.model.params_nonembedding):
            result = self._halving(task_run, lambda: self._searched(prepared))
        if result.threshold is not None:
            self.manifest["tuned"] = {**self.manifest.get("tuned", {}), task_run.label: round(result.threshold, 6)}
            self.folder.write_manifest(self.manifest)
        self.observer.advance(prepared.predictions)
        self._count(prepared, 0)
        return result.ranked

    def _searched(self, prepared: Prepared) -> Retrieved:
        task_run, spec = prepared.task_run, self.plan.spec
        engine = Engine(
            checkpoint=self.models.load(task_run.model, task_run.task),
            task_run=task_run,
            store=self.predictions.cache if self.predictions else None,
            settings=f"{settings(task_run, spec.precision, self.manifest['device'])} {inference(task_run, spec)}",
            batch_tokens=self.manifest["batch_tokens"],
            device=self.device,
            watch=self.observer.task_run,
            shared=self.manifest["deduplicate"],
        )
        return retrieved(engine, prepared, tuned_on(task_run.task, self.plan.pools, task_run.language))

    def _answers(self, prepared: Prepared) -> list[Target | None]:
        """The prediction of each distinct input, cached or computed; the model is loaded only to compute."""
        advance = _scaled(self.observer.advance, prepared)
        known = self._known(prepared)
        advance(len(known.answers))
        missing = [index for index in range(len(prepared.inputs)) if index not in known.answers]
        inputs = [prepared.inputs[index] for index in missing]
        computed = dict(zip(missing, self._predict(prepared.task_run, inputs, advance), strict=True)) if missing else {}
        if self.predictions:
            self.predictions.keep(known, computed)
        self._count(prepared, len(known.answers))
        return [known.answers.get(index, computed.get(index)) for index in range(len(prepared.inputs))]

    def _known(self, prepared: Prepared) -> Known:
        """The cached answers; none for a predictor of another package, because its code can change."""
        ours = type(self._predictor(prepared.task_run)).__module__.startswith(f"{__package__.partition('.')[0]}.")
        return self.predictions.known(prepared, _family(prepared.task_run)) if self.predictions and ours else Known()

    def _count(self, prepared: Prepared, cached: int) -> None:
        counts = Counter(predictions=prepared.predictions, inputs=len(prepared.inputs), cached=cached)
        self.counts.update(counts)
        self.say(f"{prepared.task_run.label}: {self._counted(counts)}")

    def _counted(self, counts: Counter[str]) -> str:
        cached = f", {counts['cached']} from the cache" if self.predictions else ""
        return f"{counts['predictions']} predictions of {counts['inputs']} distinct inputs{cached}"

    def _predict(
        self, task_run: TaskRun, inputs: Sequence[Input], advance: Callable[[int], None]
    ) -> list[Target | None]:
        """Predict; `advance` counts inputs."""
        predictor = self._predictor(task_run)
        with _threads(self.device, task_run.model.params_nonembedding):
            return self._halving(
                task_run, lambda: predictor.answer(inputs, int(self.manifest["batch_tokens"]), advance)
            )

    def _halving(self, task_run: TaskRun, work: Callable[[], _T]) -> _T:
        """Call `work`; when memory runs out, once in a run, call it again with batches of half the size."""
        try:
            return work()
        except Exception as error:
            if not out_of_memory(error):
                raise
            self._halve(task_run, error)
        if self.device == "cuda":
            torch.cuda.empty_cache()
        return self._halving(task_run, work)

    def _halve(self, task_run: TaskRun, error: Exception) -> None:
        tokens = self.manifest["batch_tokens"]
        if "halved" in self.manifest:
            raise RobustXtremeError(
                f"Out of memory at {task_run.label} with batches of {tokens} tokens. "
                f"Start over with smaller ones: --force --batch-tokens {max(1, tokens // 2)}"
            ) from error
        self.manifest = halved(self.manifest, task_run.label)
        self.folder.write_manifest(self.manifest)
        self.say(self.manifest["notes"][-1])


def _wait(pending: Sequence[Future[None]]) -> None:
    """Wait for futures; raises what they raise."""
    for future in pending:
        future.result()


@contextmanager
def _threads(device: str, params: int) -> Iterator[None]:
    """One thread for a very small model on the CPU: several spend longer on waiting than on computing."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" and params < _SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fitted(task_run: TaskRun, spec: RunSpec) -> Floors:
    """The floors of a task run's task, without labels that the model's head does not have."""
    task = task_run.task
    unsupported = unsupported_labels(task_run.model.labels, task)
    train = read_train(spec, task)
    labels = tuple(label for label in task.labels if label not in unsupported)
    return fit(task.family, train and outside(train, unsupported), labels, task.pool.search if task.pool else "")


def _in_task_order(answer: Target | None, relabel: tuple[int, ...] | None) -> Target | None:
    return None if answer is None else in_task_order(answer, relabel)


def _family(task_run: TaskRun) -> Any:
    return registry.load("family", task_run.model.family)


def _scaled(advance: Callable[[int], None], prepared: Prepared) -> Callable[[int], None]:
    """Progress in predictions from progress in distinct inputs."""
    each = prepared.predictions / max(1, len(prepared.inputs))
    done = [0, 0]

    def scaled(inputs: int) -> None:
        done[0] += inputs
        reached = round(done[0] * each)
        advance(reached - done[1])
        done[1] = reached

    return scaled

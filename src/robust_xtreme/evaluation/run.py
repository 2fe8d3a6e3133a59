"""A whole run: plan it, hold its folder, answer unit by unit while the next one is being prepared, and finish."""

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
from robust_xtreme.evaluation.cache import Kept, Known, opened, settings
from robust_xtreme.evaluation.finish import FILES, finish
from robust_xtreme.evaluation.folder import Folder, begin, check_ours
from robust_xtreme.evaluation.manifest import halved, new_manifest
from robust_xtreme.evaluation.plan import Plan, TaskRun, make_plan, read_train, split_of
from robust_xtreme.evaluation.prepare import Prepared, prepare
from robust_xtreme.evaluation.retrieve import Engine, Retrieved, retrieved
from robust_xtreme.evaluation.scoring import Answered, Ranked, judge
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
"""Parameters beside the embeddings below which a model is computed faster by one thread than by several."""


@final
@dataclass(frozen=True, slots=True)
class Observer:
    """Who hears how a run goes: sentences, the predictions to come, the unit at work, predictions made."""

    say: Callable[[str], None] = lambda _: None
    total: Callable[[int], None] = lambda _: None
    unit: Callable[[str], None] = lambda _: None
    advance: Callable[[int], None] = lambda _: None


def evaluate(
    spec: RunSpec,
    *,
    deduplicate: bool = True,
    force: bool = False,
    cache: bool = True,
    observer: Observer | None = None,
) -> Evaluation:
    """Answer every task clean and perturbed, or continue where an earlier call stopped; a finished run is read again.

    `deduplicate` False computes equal inputs again, every condition in batches of its own. `force` starts over. What an
    earlier run predicted is taken from the cache, but not without `cache` or `deduplicate`, nor where remote code runs.
    Raises UserError where something named does not exist or the folder is another run's, DiskError, Locked. While it
    works, the spec's packs are those of its threads; other threads of the process keep theirs.
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
            run.kept = opened(run.say, manifest["device"], spec.precision)
        return Evaluation(folder.path, run.whole())


def device_of(name: str) -> str:
    """`cpu` or `cuda`; `auto` is CUDA where there is one. Raises SpecError."""
    if name not in ("auto", *BATCH_TOKENS):
        raise SpecError(f"The device {name!r} is none of: auto, {', '.join(BATCH_TOKENS)}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise SpecError("There is no CUDA device here. Leave --device out, or name cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def device_name(device: str) -> str:
    """The device as it is recorded: results are the same bytes on the same device."""
    return f"cuda: {torch.cuda.get_device_name()}" if device == "cuda" else device


@final
@dataclass(slots=True)  # the manifest changes while the run continues
class _Run:
    """A run at work; `manifest` is what is on disk."""

    plan: Plan
    folder: Folder
    device: str
    observer: Observer
    models: Models
    manifest: dict[str, Any]
    kept: Kept | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def whole(self) -> dict[str, Any]:
        """Compute what is missing and finish; the manifest."""
        if self._is_finished():
            return self.manifest
        try:
            self._answer_all([unit for unit in self.plan.units if not self.folder.holds(unit)])
            self.manifest = finish(self.folder, self.plan, self.manifest)
        except BaseException as error:
            self.folder.log_error(error)
            raise
        finally:
            if self.kept:
                self.kept.cache.close()
        self.say("finished")
        return self.manifest

    def _is_finished(self) -> bool:
        """Whether every file is there as it was written; what was damaged is written again from the parts."""
        files = self.manifest.get("files", {})
        paths = [(self.folder.path / name, files.get(name)) for name in FILES]
        return bool(self.manifest["complete"]) and all(
            store.complete(path) and store.sha256(path) == digest for path, digest in paths
        )

    def say(self, line: str) -> None:
        """A line for the log and for who hears."""
        self.folder.log(line)
        self.observer.say(line)

    def _answer_all(self, todo: Sequence[TaskRun]) -> None:
        """One unit after the other; meanwhile the next is prepared, and the one before judged and written, beside."""
        asked, kept = self.plan.spec.batch_tokens, self.manifest["batch_tokens"]
        if asked not in (0, kept):
            self.say(f"batches stay at {kept} tokens, as this run was begun or continued")
        for one in self.plan.not_run:
            self.say(f"not run: {one.detail}")
        for note in self.manifest["notes"]:
            self.folder.log(note)
        self.say(f"{len(todo)} of {len(self.plan.units)} units to compute on {self.manifest['device']}")
        self.observer.total(sum(self._size(unit) for unit in todo))
        floors: dict[str, Floors] = {}
        shared = packs.share()
        with (
            ThreadPoolExecutor(1, "prepare", shared) as pool,
            ThreadPoolExecutor(1, "judge", shared) as judges,
        ):
            ahead: list[Future[Ready]] = [pool.submit(self._prepare, unit, floors) for unit in todo[:1]]
            behind: list[Future[None]] = []
            for place, unit in enumerate(todo):
                prepared = ahead.pop().result()()
                ahead += [pool.submit(self._prepare, following, floors) for following in todo[place + 1 : place + 2]]
                answered = self._answer(unit, prepared)
                _wait(behind)
                behind = [judges.submit(self._keep, answered, floors[unit.task.name])]
            _wait(behind)
        if todo:
            self.say(f"in all: {self._counted(self.counts)}")

    def _size(self, unit: TaskRun) -> int:
        return unit.rows * sum(len(one.seeds) for one in self.plan.of(unit))

    def _prepare(self, unit: TaskRun, floors: dict[str, Floors]) -> Ready:
        """A unit that is ready; one with a condition that asks the model is prepared where that is, when called."""
        if unit.task.name not in floors:
            floors[unit.task.name] = _fitted(unit, self.plan.spec)
        split = split_of(self.plan, unit)
        conditions = self.plan.of(unit)
        predictor, deduplicate = self._predictor(unit), self.manifest["deduplicate"]
        made = (unit, split.examples, conditions, predictor, deduplicate, split.corpus)
        if any(one.asks for one in conditions):
            return lambda: prepare(*made, lambda examples: self._asking(unit, examples, predictor))
        prepared = prepare(*made)
        return lambda: prepared

    def _predictor(self, unit: TaskRun) -> Predictor:
        return predictor_of(unit.model, unit.task, lambda: self.models.load(unit.model, unit.task))

    def _asking(self, unit: TaskRun, examples: Sequence[Example], predictor: Predictor) -> Ask:
        """What conditions ask of a unit's model."""
        if unit.task.pool is not None:
            raise SpecError(f"{unit.label} is answered by a search, of which no condition can ask. Leave it out.")
        relabel = relabel_of(unit.model, unit.task)

        def answer(inputs: Sequence[Input]) -> list[Target | None]:
            return [_own(one, relabel) for one in self._predict(unit, inputs, lambda _: None)]

        return asking(unit, examples, predictor, answer)

    def _answer(self, unit: TaskRun, prepared: Prepared) -> Answered:
        self.observer.unit(unit.label)
        searched = unit.task.pool is not None
        relabel = None if searched else relabel_of(unit.model, unit.task)
        answers = () if searched else self._answers(prepared)
        return Answered(
            prepared=prepared,
            answers=tuple(_own(one, relabel) for one in answers),
            inference=inference(unit, self.plan.spec),
            setting=unit.model.setting(unit.languages[0]),
            status=self._predictor(unit).status,
            ranked=self._ranked(prepared) if searched else {},
        )

    def _keep(self, answered: Answered, floors: Floors) -> None:
        self.folder.write(answered.prepared.unit, judge(answered, floors))

    def _ranked(self, prepared: Prepared) -> dict[tuple[str, int], Ranked]:
        """What is found in a unit's pool; the manifest keeps what was tuned, and what an index found of the best."""
        unit = prepared.unit
        with _threads(self.device, unit.model.params_nonembedding):
            found = self._halving(unit, lambda: self._searched(prepared))
        if found.threshold is not None:
            self.manifest["tuned"] = {**self.manifest.get("tuned", {}), unit.label: round(found.threshold, 6)}
            self.folder.write_manifest(self.manifest)
        self.observer.advance(prepared.predictions)
        self._count(prepared, 0)
        return found.ranked

    def _searched(self, prepared: Prepared) -> Retrieved:
        unit, spec = prepared.unit, self.plan.spec
        engine = Engine(
            checkpoint=self.models.load(unit.model, unit.task),
            unit=unit,
            store=self.kept.cache if self.kept else None,
            settings=f"{settings(unit, spec.precision, self.manifest['device'])} {inference(unit, spec)}",
            batch_tokens=self.manifest["batch_tokens"],
            device=self.device,
            watch=self.observer.unit,
            shared=self.manifest["deduplicate"],
        )
        return retrieved(engine, prepared, tuned_on(unit.task, self.plan.pools, unit.language))

    def _answers(self, prepared: Prepared) -> list[Target | None]:
        """The prediction of each distinct input, from the cache or computed; without the latter no model is loaded."""
        advance = _scaled(self.observer.advance, prepared)
        known = self._known(prepared)
        advance(len(known.answers))
        missing = [place for place in range(len(prepared.inputs)) if place not in known.answers]
        inputs = [prepared.inputs[place] for place in missing]
        computed = dict(zip(missing, self._predict(prepared.unit, inputs, advance), strict=True)) if missing else {}
        if self.kept:
            self.kept.keep(known, computed)
        self._count(prepared, len(known.answers))
        return [known.answers.get(place, computed.get(place)) for place in range(len(prepared.inputs))]

    def _known(self, prepared: Prepared) -> Known:
        """What the cache has; nothing of a predictor of another package, which can change."""
        ours = type(self._predictor(prepared.unit)).__module__.startswith(f"{__package__.partition('.')[0]}.")
        return self.kept.known(prepared, _family(prepared.unit)) if self.kept and ours else Known()

    def _count(self, prepared: Prepared, cached: int) -> None:
        own = Counter(predictions=prepared.predictions, inputs=len(prepared.inputs), cached=cached)
        self.counts.update(own)
        self.say(f"{prepared.unit.label}: {self._counted(own)}")

    def _counted(self, counts: Counter[str]) -> str:
        cached = f", {counts['cached']} from the cache" if self.kept else ""
        return f"{counts['predictions']} predictions of {counts['inputs']} distinct inputs{cached}"

    def _predict(self, unit: TaskRun, inputs: Sequence[Input], advance: Callable[[int], None]) -> list[Target | None]:
        """Predict, with a progress that counts inputs."""
        predictor = self._predictor(unit)
        with _threads(self.device, unit.model.params_nonembedding):
            return self._halving(unit, lambda: predictor.answer(inputs, int(self.manifest["batch_tokens"]), advance))

    def _halving(self, unit: TaskRun, work: Callable[[], _T]) -> _T:
        """Work; where memory runs out, once in a run, again with batches of half the size."""
        try:
            return work()
        except Exception as error:
            if not out_of_memory(error):
                raise
            self._halve(unit, error)
        if self.device == "cuda":
            torch.cuda.empty_cache()
        return self._halving(unit, work)

    def _halve(self, unit: TaskRun, error: Exception) -> None:
        tokens = self.manifest["batch_tokens"]
        if "halved" in self.manifest:
            raise RobustXtremeError(
                f"Out of memory at {unit.label} with batches of {tokens} tokens. "
                f"Start over with smaller ones: --force --batch-tokens {max(1, tokens // 2)}"
            ) from error
        self.manifest = halved(self.manifest, unit.label)
        self.folder.write_manifest(self.manifest)
        self.say(self.manifest["notes"][-1])


def _wait(behind: Sequence[Future[None]]) -> None:
    """Go on when what was begun is done; what went wrong there is raised here."""
    for one in behind:
        one.result()


@contextmanager
def _threads(device: str, params: int) -> Iterator[None]:
    """One thread for a very small model on the CPU: several would wait for each other longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" and params < _SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fitted(unit: TaskRun, spec: RunSpec) -> Floors:
    """The floors of a unit's task, without the labels that the model's head does not have."""
    task = unit.task
    gone = unsupported_labels(unit.model.labels, task)
    train = read_train(spec, task)
    labels = tuple(one for one in task.labels if one not in gone)
    return fit(task.family, train and outside(train, gone), labels, task.pool.search if task.pool else "")


def _own(answer: Target | None, relabel: tuple[int, ...] | None) -> Target | None:
    return None if answer is None else in_task_order(answer, relabel)


def _family(unit: TaskRun) -> Any:
    return registry.load("family", unit.model.family)


def _scaled(advance: Callable[[int], None], prepared: Prepared) -> Callable[[int], None]:
    """Progress counts predictions, of which a distinct input can serve several."""
    each = prepared.predictions / max(1, len(prepared.inputs))
    done = [0, 0]

    def scaled(inputs: int) -> None:
        done[0] += inputs
        reached = round(done[0] * each)
        advance(reached - done[1])
        done[1] = reached

    return scaled

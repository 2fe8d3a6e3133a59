"""Runs an evaluation: plan, lock the folder, answer what is missing, record each task run, finish."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Final, final

import polars as pl

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.garbage import rarely_collected
from robust_xtreme.core.run_paths import what_is_read
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import cache as stored
from robust_xtreme.files import store
from robust_xtreme.files.manifest import MANIFEST
from robust_xtreme.files.schema import PREDICTIONS, STATS, UNREADABLE
from robust_xtreme.models.functions import NOT_KEPT
from robust_xtreme.models.loading import Models
from robust_xtreme.models.origin import InMemory
from robust_xtreme.models.predictors.loaded import device_name, device_of
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS
from robust_xtreme.models.retrieval.search import CPU
from robust_xtreme.models.stages import UNVERIFIED
from robust_xtreme.models.tokenizer import MISPLACED
from robust_xtreme.noise.user_packs import using
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.report.progress import VECTORS, matters, notebook_bar
from robust_xtreme.run.answering import WORKERS, Answering, Device, Events, threads
from robust_xtreme.run.computing import LATE, Setting, StagedTaskRun, in_process
from robust_xtreme.run.distributed import ActorProgress, AnsweringProgram, answer_on
from robust_xtreme.run.estimate import roughly, to_read
from robust_xtreme.run.finish import facts_of, finish, stored_of
from robust_xtreme.run.folder import RUN, Folder, begin, check_ours, over_of
from robust_xtreme.run.function_parts import check_function_parts
from robust_xtreme.run.manifest import halved, new_manifest
from robust_xtreme.run.plan import TOO_LONG, Plan, make_plan
from robust_xtreme.run.scoring import part_paths
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.stats.averages import MeasuredPart, Stored
from robust_xtreme.stats.benchmark import tasks_of
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.workers.messages import Fleet
from robust_xtreme.workers.processes import Started, cores, started_ahead

_MANY: Final = 30_000
"""Predictions from which on a run has worker processes."""

_MOST_WORKERS: Final = 8
_MOST_BYTES: Final = 1 << 26
"""The memory for what was measured of task runs, from which on others are measured when all are answered."""


@final
@dataclass(frozen=True, slots=True)
class Observer:
    """Progress callbacks: log lines, the number of predictions, the current task run, predictions made.

    `left` gets the seconds that the others take by a rough estimate, `notice` what happens to files that are there
    already and which models are not verified; `say` gets that where there is no `notice`.
    """

    say: Callable[[str], None] = lambda _: None
    total: Callable[[int], None] = lambda _: None
    task_run: Callable[[str], None] = lambda _: None
    advance: Callable[[int], None] = lambda _: None
    left: Callable[[float], None] = lambda _: None
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
    in_memory: InMemory | None = None,
    fleet: Fleet | None = None,
) -> Evaluation:
    """Answer every task clean and perturbed, or resume an earlier call, as `robust_xtreme.evaluate`.

    `force` removes the earlier run's files, not the user's. `in_memory` are the models and functions in memory by their
    names. The devices of a `fleet` compute instead of the spec's, with the same results. Raises UserError where a name
    does not exist or the folder contains another run, UnreadableFiles, DiskError, Locked.
    """
    observer, cache = observer or Observer(), cache and deduplicate and not spec.trust_remote_code
    if cache:
        stored.limit()
    notice = observer.notice or observer.say
    folder = Folder(spec.folder(), notice)
    check_ours(folder.path, spec, force)
    device = fleet.device if fleet else device_of(spec.device)
    named = fleet.device_name if fleet else device_name(device)
    is_new = not fleet and not (folder.path / MANIFEST).exists()
    with using(*spec.packs), own_tasks(spec.data), _ahead(spec, is_new) as (foreseen, several):
        clock, used = time.perf_counter(), time.process_time()
        plan = make_plan(spec, in_memory, keep_going, foreseen)
        functions = [run for run in plan.task_runs if run.model.origin.function or run.model.reranker]
        if fleet and functions:
            what = f"{functions[0].label} is answered by a function, which is asked in this process"
            raise SpecError(f"{what}. Leave --devices and --on out.")
        busy = max(1.0, (time.perf_counter() - clock) / (time.process_time() - used))
        fresh = new_manifest(plan, named, spec.batch_tokens or BATCH_TOKENS[device], deduplicate)
        if not force and (finished := folder.finished(fresh)):
            return Evaluation(folder.path, finished)
        with store.lock(folder.path):
            check_ours(folder.path, spec, force)
            compiling = spec.compile and not fleet
            models = Models("cpu" if fleet else device, spec.precision, spec.representation, compiling)
            if force and folder.journal.names():  # where a model cannot be loaded, the earlier run stays
                loaded = (task_run for task_run in plan.task_runs if task_run not in functions)
                for task_run in {task_run.task.name: task_run for task_run in loaded}.values():
                    with threads(device, task_run.params):
                        models.load(task_run.model, task_run.task)
            with store.staying(folder.path / store.LOCK):
                over = over_of(folder.path, plan.task_runs) if force else None
                manifest = begin(folder, spec, fresh, over)
                how = cache, fleet, next(iter(several), []), busy
                run = _Run(plan, folder, device, observer, models, manifest, *how)
                if read := what_is_read(spec):
                    run.say(read)
            return Evaluation(folder.path, run.whole(fresh))


@contextmanager
def _ahead(spec: RunSpec, is_new: bool) -> Iterator[tuple[Callable[[float], None], list[list[Started]]]]:
    """What starts a new run's worker processes when its predictions are foreseen, while the plan is made, and them."""
    several: list[list[Started]] = []
    with ExitStack() as stack:

        def foreseen(predictions: float) -> None:
            if is_new and not several and (workers := _workers(spec, predictions, cores())):
                several.append(stack.enter_context(started_ahead(workers, WORKERS, in_process, LATE)))

        foreseen(0)
        yield foreseen, several


def _workers(spec: RunSpec, predictions: float, most: int) -> int:
    """The number of worker processes: one begins in the time that thousands of predictions take."""
    requested = spec.worker_count()
    if requested is not None:
        return min(requested, most)
    return 0 if predictions < _MANY else min(cores(), most, _MOST_WORKERS)


@dataclass(slots=True)  # the manifest changes while the run continues
class _Run:
    """The state of a run; `manifest` is the content of manifest.json, which only this process writes."""

    plan: Plan
    folder: Folder
    device: str
    observer: Observer
    models: Models
    manifest: dict[str, Any]
    cached: bool = False
    fleet: Fleet | None = None
    started: list[Started] = field(default_factory=list)
    busy: float = 1.0
    warnings: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    recording: Lock = field(default_factory=Lock)
    measured: dict[Stored, MeasuredPart] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    left: float = 0.0

    def whole(self, fresh: Mapping[str, Any]) -> dict[str, Any]:
        """Compute what is missing and finish; return the manifest. `fresh` is that of a new run of the plan."""
        try:
            with store.staying(self.folder.path / RUN):
                self.plan, self.manifest = check_function_parts(self.folder, self.plan, self.manifest, fresh)
                self._answer_all([task_run for task_run in self.plan.task_runs if not self._is_done(task_run)])
                self.observer.task_run("results")
                self.manifest = finish(self.folder, self.plan, self.manifest, self.measured)
        except BaseException as error:
            self.folder.log_error(error)
            raise
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
        """Answer each task run into a folder from which its files are taken when it is done."""
        self._say_what(todo)
        self.observer.total(sum(task_run.predictions for task_run in todo))
        if todo and self.fleet:
            self._answer_on(self.fleet, todo)
        elif todo:
            self._answer_here(todo)
        if todo:
            self.say(f"in all: {self._counted(self.counts)}")

    def _answer_here(self, todo: Sequence[TaskRun]) -> None:
        """Answer each task run by this process."""
        self.seconds = roughly(todo, self.plan.splits, self.device, self.busy)
        self.left = sum(task_run.predictions * self.seconds[id(task_run)] for task_run in todo)
        self.observer.left(self.left)
        with self.folder.staging() as staging:
            workers = _workers(self.plan.spec, sum(task_run.predictions for task_run in todo), len(todo))
            device, setting, tokens, is_halved = self._how(staging, workers)
            if self.device == CPU:  # another device measures all task runs when they are answered
                setting = replace(setting, facts=facts_of(self.plan, tasks_of(self.manifest["tasks"])))
            how = device, setting, self._events(partial(self._take, staging)), tokens, is_halved, self.started
            Answering(self.plan.splits, self.models, *how).answer_all(todo)

    def _answer_on(self, fleet: Fleet, todo: Sequence[TaskRun]) -> None:
        """Answer each task run by an actor of a fleet, which reads the examples again."""
        self.plan.splits.kept.clear()
        run = store.sha256(self.folder.path / RUN)

        def answers(staging: Path) -> AnsweringProgram:
            how = self._how(staging, self.plan.spec.worker_count() or 0)
            return AnsweringProgram(self.plan.spec, Path.cwd(), run, *how)

        progress = ActorProgress(self.folder, answers, self._take, self._events(lambda *_: None), self.folder.tell)
        answer_on(fleet, todo, progress)

    def _events(self, done: Callable[[TaskRun, StagedTaskRun], None]) -> Events:
        return Events(self.observer.task_run, self._advance, self._halve, done, self._warn)

    def _advance(self, task_run: TaskRun | None, predictions: int) -> None:
        """Report predictions, and here how long the others take by a rough estimate."""
        if task_run:
            self.left -= predictions * self.seconds[id(task_run)]
            self.observer.left(self.left)
        self.observer.advance(predictions)

    def _how(self, staging: Path, workers: int) -> tuple[Device, Setting, int, bool]:
        """The device, the setting, the tokens of a batch, and whether they were halved already."""
        device = Device(self.device, self.manifest["device"], workers)
        on_cpu, scores = self.device == CPU, self.plan.spec.scores
        setting = Setting(self.manifest["deduplicate"], staging, self.cached, searches=on_cpu, scores=scores)
        return device, setting, int(self.manifest["batch_tokens"]), "halved" in self.manifest

    def _warn(self, line: str) -> None:
        """Say a warning, once."""
        if line not in self.warnings:
            self.warnings.add(line)
            self.say(f"warning: {line}")

    def _say_what(self, todo: Sequence[TaskRun]) -> None:
        """Say what is left to compute, and what is not computed; log the notes."""
        requested, tokens = self.plan.spec.batch_tokens, self.manifest["batch_tokens"]
        if requested not in (0, tokens):
            self.say(f"batches stay at {tokens} tokens, as this run was begun or continued")
        labels: dict[tuple[str, str], dict[str, None]] = {}
        for skipped in self.plan.not_run:
            kind = "warning: left out" if skipped.reason in (TOO_LONG, MISPLACED, UNREADABLE) else "not run"
            label, _, why = skipped.detail.partition(": ")
            labels.setdefault((kind, why), {})[label] = None
        for (kind, why), several in labels.items():
            self.say(f"{kind}: {', '.join(several)}: {why}" if why else f"{kind}: {' '.join(several)}")
        renamed = {task_run.model.renamed for task_run in self.plan.task_runs}
        for note in self.manifest["notes"]:
            if UNVERIFIED in note or NOT_KEPT in note or note in renamed:
                self.folder.tell(note if note in renamed else f"warning: {note}")
            elif note.startswith(VECTORS) and todo:
                self.say(note)
            else:
                self.folder.log(note)
        self.say(f"{len(todo)} of {len(self.plan.task_runs)} task runs to compute on {self.manifest['device']}")
        for line in to_read(todo):
            self.say(line)

    def _take(self, staging: Path, task_run: TaskRun, done: StagedTaskRun) -> None:
        """Give the files of a task run their names, and record them; a tuned threshold goes into the manifest, too."""
        self.folder.take(staging, task_run)
        counts = Counter(predictions=task_run.predictions, inputs=done.inputs, cached=done.cached)
        tuned = {"tuned": done.thresholds} if done.thresholds else {}
        with self.recording:
            if done.measured and sum(part.nbytes for part in self.measured.values()) < _MOST_BYTES:
                self.measured[stored_of(self.folder, task_run)] = done.measured
            self.counts.update(counts)
            entries = {"parts": done.digests, **tuned}
            added = {key: {**self.manifest.get(key, {}), **new} for key, new in entries.items()}
            self._write({**self.manifest, **added})
        self.say(f"{task_run.label}: {self._counted(counts)}")

    def _write(self, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        self.folder.write_manifest(manifest)

    def _counted(self, counts: Counter[str]) -> str:
        cached = f", {counts['cached']} from the cache" if self.cached else ""
        return f"{counts['predictions']} predictions of {counts['inputs']} distinct inputs{cached}"

    def _halve(self, label: str) -> None:
        """Record that batches have half as many tokens from a task run on."""
        with self.recording:
            if "halved" in self.manifest:
                return  # another device of the run halved them
            self._write(halved(self.manifest, label))
        self.say(self.manifest["notes"][-1])


def answer_again(plan: Plan, device: str) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, float]]:
    """Answer the examples that the splits of a plan keep, without a cache: PREDICTIONS, STATS and tuned thresholds."""
    spec, nothing, tuned = plan.spec, lambda *_: None, dict[str, float]()
    with TemporaryDirectory() as name:
        setting = Setting(True, Path(name), False, device == CPU, scores=spec.scores)
        loading = Models(device, spec.precision, spec.representation, spec.compile)
        events = Events(nothing, nothing, nothing, lambda _, done: tuned.update(done.thresholds), nothing)
        how = Device(device, device_name(device)), setting, events, spec.batch_tokens or BATCH_TOKENS[device]
        Answering(plan.splits, loading, *how).answer_all(plan.task_runs)
        paths = [part_paths(Path(name), run) for run in plan.task_runs]
        predictions = pl.concat([store.read_frame(each[0], PREDICTIONS) for each in paths])
        return predictions, pl.concat([store.read_frame(each[1], STATS) for each in paths]), tuned


def notebook_observer() -> Observer | None:
    """The callbacks that show an evaluation in a notebook; None elsewhere."""
    bar = notebook_bar()
    if bar is None:
        return None
    return Observer(
        say=lambda line: bar.tell(line) if matters(line) else None,
        total=lambda predictions: bar.at("reading", 0, predictions),
        task_run=lambda label: bar.at(label, bar.done, bar.total),
        advance=lambda predictions: bar.at(bar.label, bar.done + predictions, bar.total),
        notice=bar.tell,
    )

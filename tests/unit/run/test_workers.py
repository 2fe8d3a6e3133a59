"""Workers compute jobs in threads or in processes; errors, deaths and ends of processes lose and leave nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.workers import opening, watching

from robust_xtreme.core.errors import DataError, NotFinite, RobustXtremeError
from robust_xtreme.core.examples import Answers, Choice, Document, Example, Span, Tags, Target, Text
from robust_xtreme.core.garbage import YOUNG
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models.predictors import loaded
from robust_xtreme.models.predictors.predictor import Movable, nowhere, predictor_of
from robust_xtreme.models.retrieval.search import search
from robust_xtreme.run import computing
from robust_xtreme.run.computing import Setting, TaskRunJob, in_thread
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.requests import Nearest, Scores, Width
from robust_xtreme.run.run import evaluate
from robust_xtreme.workers import processes
from robust_xtreme.workers.channel import Channel, Sealed, channel_and_end
from robust_xtreme.workers.messages import WorkerJob
from robust_xtreme.workers.processes import started_ahead
from robust_xtreme.workers.supervisor import TRIES, Supervisor, pool

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("unpaged")]


class Handler:
    """Doubles what is asked, and remembers what it gets."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def answer(self, job: int, request: Any) -> Any:
        """Twice the request."""
        self.seen.append(job)
        return request * 2

    def note(self, _: int, job: int, note: Any) -> None:
        """Remember a note."""
        self.seen.append((job, note))

    def lost(self, _: int, what: str, again: Sequence[WorkerJob]) -> None:
        """Remember that jobs are done again."""
        self.seen.extend((job.number, what) for job in again)


class Slow(Handler):
    """Answers the first request when the other workers have asked, too."""

    def answer(self, job: int, request: Any) -> Any:
        """Twice the request."""
        time.sleep(0.0 if self.seen else 0.5)
        return Handler.answer(self, job, request)


def results(jobs: Sequence[Any], workers: int, handler: Handler | None = None, workers_each: int = 1) -> list[Any]:
    """The results of some jobs, in their order."""
    made = [WorkerJob(number, f"job {number}", lambda job=job: job) for number, job in enumerate(jobs)]
    with pool(opening, opening, made, handler or Handler(), workers, workers_each) as working:
        done = by_number(working)
    return [done[number] for number in range(len(jobs))]


def by_number(working: Supervisor) -> dict[int, Any]:
    """The results by the numbers of jobs."""
    return {job.number: result for _, job, result in working.results()}


def test_processes_that_do_not_run_are_ended_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that are stopped take as long as one of them, and are then killed."""
    monkeypatch.setattr(processes, "PATIENCE", 0.0)  # and one second
    with pool(opening, opening, [], Handler(), 2, 1) as working:
        begun_processes: list[Any] = [state.process for state in working.workers.values()]
        stopped = [process.interpreter.running for process in begun_processes]
        for running in stopped:
            running.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
    assert time.monotonic() - begun < 1.8
    assert [running.returncode for running in stopped] == [-signal.SIGKILL] * 2


@pytest.mark.parametrize("workers", [0, 2])
def test_jobs_ask_and_return_arrays(workers: int) -> None:
    """Small arrays go with the message and large ones in shared memory, in both directions; both can be written."""
    arrays = [np.arange(size, dtype=np.float32) for size in (0, 3, 1 << 18)]
    for array, got in zip(arrays, results([("add", array) for array in arrays], workers), strict=True):
        assert np.array_equal(got, array * 3)
        got += 1


def test_a_message_of_many_arrays_keeps_their_order_and_content() -> None:
    """Sizes that are multiples of what they are aligned to, others, and none at all."""
    here, end = channel_and_end()
    sent = [np.full(size, size, dtype=np.int32) for size in (1, 0, 15, 16, 17, 1 << 16)]
    here.send({"arrays": sent, "text": "x"})
    there = Channel(end)
    got = there.receive()
    here.close()
    there.close()
    assert got["text"] == "x"
    assert all(np.array_equal(array, other) for array, other in zip(sent, got["arrays"], strict=True))


def test_examples_arrive_as_they_were_sent() -> None:
    """Each kind of target, texts that examples share, and spans with labels, some of them frozen."""
    passage = Text("p", "sw", "Rais \ud800 Nyerere", (Span(0, 4, "B-PER"), Span(7, 14, None, True)))
    targets: tuple[Target, ...] = (Choice(2), Tags(("O", "B-PER")), Answers((Span(0, 4),)), Document(("d1", "d2")))
    sent = tuple(
        Example(str(number), {"context": passage, "question": Text("q", "en", "")}, target, "c")
        for number, target in enumerate(targets)
    )
    here, end = channel_and_end()
    there = Channel(end)
    here.send(sent)
    got = there.receive()
    here.close()
    there.close()
    assert got == sent
    assert len({id(example.texts["context"]) for example in got}) == 1


def test_a_process_that_started_ahead_is_taken_and_others_end() -> None:
    """The job is computed by the last of them, which has imported the modules given, and none is left afterwards."""
    with started_ahead(2, 1, opening, ["colorsys"]) as waiting:
        numbers = [interpreter.running for interpreter, _ in waiting]
        jobs = [WorkerJob(0, "first", lambda: ("process", None))]
        with pool(opening, opening, jobs, Handler(), 1, 1, waiting) as working:
            ((number, imported, _),) = by_number(working).values()
    assert (number, imported) == (numbers[-1].pid, ("colorsys",))
    assert all(process.poll() is not None for process in numbers)


def test_workers_import_no_torch_and_rarely_look_for_cycles() -> None:
    """What a worker needs is imported without it; cycles are looked for as rarely as in the process of the run."""
    ((number, imported, young),) = results([("process", None)], 1)
    assert (number != os.getpid(), imported, young) == (True, (), YOUNG)


class Scorer:
    """Gives every window the scores of three labels."""

    def answer(self, job: int, request: Any) -> Any:
        """As many scores as there are windows."""
        assert isinstance(request, Scores), job
        return [np.zeros((len(windows), 3), np.float32) for windows in request.batches]

    def note(self, _: int, job: int, note: Any) -> None:
        """Progress is not looked at."""

    def lost(self, _: int, what: str, again: Sequence[WorkerJob]) -> None:
        """Nothing is done again."""


def test_a_worker_computes_a_task_run_without_torch(tmp_path: Path) -> None:
    """Noise, tokens, predictions, rows and files: none of it imports torch, and the files are staged."""
    spec = RunSpec(tasks=("xnli",), languages=("sw",), perturb=("char_noise:0.1",), limit="6")
    plan = make_plan(spec)
    (task_run,) = plan.task_runs
    predictor = predictor_of(task_run.model, task_run.task, nowhere)
    assert isinstance(predictor, Movable)
    given = TaskRunJob(task_run, None, Sealed(predictor.moved(nowhere)), 500, "")
    watched = partial(watching, Setting(True, tmp_path, False), spec)
    with pool(watched, watched, [WorkerJob(0, "xnli sw", lambda: given)], Scorer(), 1, 1) as working:
        ((_, _, (done, imported)),) = working.results()
    assert imported == []
    assert sorted(done.digests) == sorted(path.name for path in tmp_path.iterdir())
    assert done.inputs > task_run.rows


class Embedder(Scorer):
    """Gives every window a vector, and searches."""

    searches = 0

    def answer(self, job: int, request: Any) -> Any:
        """Vectors that depend on the tokens, their width, or the nearest ones."""
        match request:
            case Scores(batches):
                return [np.cumsum(np.stack([windows.lengths] * 8, axis=1), axis=1) % 7.0 for windows in batches]
            case Nearest(queries, candidates, k):
                self.searches += 1
                return search(queries, candidates, k, device="cpu")
        assert isinstance(request, Width), job
        return 8


def test_on_the_cpu_a_worker_searches_with_the_same_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process with the weights searches only for a worker that may not, and where there are many pairs."""
    plan = make_plan(RunSpec(tasks=("tatoeba",), languages=("sw",), perturb=("char_noise:0.1",), limit="6"))
    (task_run,) = plan.task_runs
    predictor = predictor_of(task_run.model, task_run.task, nowhere)
    given = TaskRunJob(task_run, plan.splits.of(task_run), Sealed(predictor), 500, "")
    digests, searches = [], []
    for may_search, pairs in ((True, computing.PAIRS), (True, 0), (False, computing.PAIRS)):
        monkeypatch.setattr(computing, "PAIRS", pairs)
        handler, setting = Embedder(), Setting(True, tmp_path, False, may_search)
        opening = partial(in_thread, setting, plan.splits)
        with pool(opening, opening, [WorkerJob(0, "tatoeba sw", lambda: given)], handler, 0, 1) as working:
            ((_, _, done),) = working.results()
        digests.append(done.digests)
        searches.append(handler.searches > 0)
    assert (digests, searches) == ([digests[0]] * 3, [False, True, True])


def test_vectors_that_cannot_be_searched_fail_their_conditions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process with the weights searches, and the run ends with what other conditions have."""

    def search_none(*_: object, **__: object) -> None:
        raise NotFinite("Query 0 is too long for float32.")

    monkeypatch.setattr(computing, "PAIRS", 0)
    monkeypatch.setattr(loaded, "search", search_none)
    spec = RunSpec(tasks=("tatoeba",), languages=("sw",), perturb=("char_noise:0.1",), limit="6", out=str(tmp_path))
    failed = {cell["condition"] for cell in evaluate(spec, cache=False).failed}
    assert failed == {"clean", "char_noise:0.1@fields=candidate"}


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_a_job_is_raised_after_the_jobs_before_it(workers: int) -> None:
    """It arrives as itself, with its line and attributes, and the jobs before it have their results."""
    made = [WorkerJob(0, "first", lambda: ("wait", 0.2)), WorkerJob(1, "second", lambda: ("fail", "a.tsv"))]
    done: list[int] = []
    with pytest.raises(DataError, match=r"^a\.tsv:3: is malformed$") as caught:
        _run(made, workers, done)
    assert (done, caught.value.what) == ([0], "is malformed")
    assert workers == 0 or "Traceback" in str(caught.value.__cause__)


def _run(made: Sequence[WorkerJob], workers: int, done: list[int]) -> None:
    with pool(opening, opening, made, Handler(), workers, 2) as working:
        done.extend(job.number for _, job, _ in working.results())


def test_an_error_of_a_type_without_a_name_keeps_its_words() -> None:
    """A local class cannot be made again in another process."""
    with pytest.raises(RuntimeError, match="Unnamed: words"):
        results([("break", "words")], 1)


def test_a_request_of_an_earlier_job_is_answered_first() -> None:
    """So that the model of a task is not exchanged for each request."""
    handler = Slow()
    results([("order", number) for number in range(8)], 0, handler, 4)
    first, *following = handler.seen[:4]
    assert following == sorted({0, 1, 2, 3} - {first})


def test_a_job_whose_process_is_killed_is_done_again(tmp_path: Path) -> None:
    """Twice here; other jobs have their results, and the handler knows of each time."""
    handler = Handler()
    jobs = [("die", str(tmp_path / "times.3")), ("wait", 0.0), ("process", None)]
    got = results(jobs, 1, handler)
    assert got[0] == TRIES
    again = [what for job, what in (seen for seen in handler.seen if isinstance(seen, tuple)) if job == 0]
    assert sum("SIGKILL" in what for what in again) == TRIES - 1


@pytest.mark.long
def test_a_job_whose_process_is_killed_too_often_is_one_line(tmp_path: Path) -> None:
    """It names the job, and what to do."""
    with pytest.raises(RobustXtremeError, match="job 0"):
        results([("die", str(tmp_path / "times.9"))], 1)


def test_a_worker_that_cannot_begin_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last line that it printed."""
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(RobustXtremeError, match="code 1"):
        results([("process", None)], 1)


@dataclass
class Interrupted:
    """Ctrl-C comes when a job has noted anything."""

    def answer(self, job: int, request: Any) -> Any:
        """Nothing is asked."""

    def note(self, _: int, job: int, note: Any) -> None:
        """End."""
        raise KeyboardInterrupt(job, note)

    def lost(self, _: int, what: str, again: Sequence[WorkerJob]) -> None:
        """Nothing is done again."""


def test_processes_end_at_once_with_an_error_but_not_within_a_file(tmp_path: Path) -> None:
    """The file that one writes is whole; another one that computes does not finish."""
    path, begun = tmp_path / "file", time.monotonic()
    jobs = [WorkerJob(0, "wait", lambda: ("wait", 60)), WorkerJob(1, "write", lambda: ("write", str(path)))]
    with (
        pytest.raises(KeyboardInterrupt),
        pool(opening, opening, jobs, Interrupted(), 2, 1) as working,
    ):
        list(working.results())
    assert path.read_text(encoding="utf-8") == "begun and ended"
    assert time.monotonic() - begun < 30

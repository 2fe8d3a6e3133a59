"""The stages of an evaluation as benchmarks/host.py measures them: what is timed, and the threads that do the work.

`TIMED` names functions of the package. Where the code changes, this table changes with it; figures that were measured
before keep the stages that they have. A stage has many calls a second at most, so that timing costs below 1 %.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from benchmarks._stage_meter import MAIN, Meter

import robust_xtreme.models.predictors.loaded as loaded_module
import robust_xtreme.models.predictors.members.encoder_head as head_module
import robust_xtreme.models.predictors.predictor as batches_module
import robust_xtreme.models.reading.tokens as tokens_module
import robust_xtreme.noise.engine.noising as noising_module
import robust_xtreme.run.answering as answering_module
import robust_xtreme.run.computing as computing_module
import robust_xtreme.run.finish as finish_module
import robust_xtreme.run.prepare as prepare_module
import robust_xtreme.run.run as run_module
import robust_xtreme.run.scoring as rows_module
import robust_xtreme.run.scoring as stats_module
from robust_xtreme.models.loading import Models
from robust_xtreme.models.predictors.cache import Store
from robust_xtreme.run.folder import Folder
from robust_xtreme.run.prepare import ContentCodes
from robust_xtreme.run.task_run import Splits
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.suite import Suite

FORWARD: Final = "forward"
_PLAN, _READ, _LOAD = "plan", "read", "load the model"
_EDITS, _SHOWN, _EQUAL = "noise: edits", "noise: texts and examples", "noise: equal inputs"
_TOKENS, _WINDOWS = "tokenising", "tokenising: windows"
_BATCH, _CACHE, _DECODE, _SEARCH = "batching", "prediction cache", "decoding", "search"
_ROWS, _SUMS, _CHANCE, _SHALLOW = "status, realised strength", "scoring: sums", "scoring: chance", "scoring: shallow"
_FRAMES, _SCORE, _PARTS = "scoring: frames", "scoring: cells, intervals, averages", "writing: parts"
_FINISH, _REPORT, _GATHER, _LOOP = "writing: frames", "writing: report", "gather", "loop and wait"

_OF_REPORT: Final = ("samples_part_of", "written")

TIMED: Final[Sequence[tuple[Any, str, str]]] = (
    (run_module, "make_plan", _PLAN),
    (Release, "read", _READ),
    (Suite, "read", _READ),
    (Splits, "of", _READ),
    (computing_module, "prepare", _GATHER),
    (prepare_module, "_variant", _SHOWN),
    (noising_module, "noise_values", _EDITS),
    (ContentCodes, "of", _EQUAL),
    (tokens_module.Rust, "__call__", _TOKENS),
    (head_module.EncoderHead, "prepare", _WINDOWS),
    (head_module.EncoderHead, "tokens", _WINDOWS),
    (head_module, "text_windows", _WINDOWS),
    (answering_module.Answering, "answer_all", _LOOP),
    (Models, "load", _LOAD),
    (Store, "keys", _CACHE),
    (Store, "known", _CACHE),
    (Store, "keep", _CACHE),
    (head_module, "embedded", _CACHE),
    (batches_module, "embed", _DECODE),
    (loaded_module, "search", _SEARCH),
    (computing_module, "search", _SEARCH),
    (answering_module.Answering, "_answer", _DECODE),
    (batches_module, "plan_batches", _BATCH),
    (loaded_module, "collate", _BATCH),
    (loaded_module, "start", FORWARD),
    (loaded_module.Started, "wait", FORWARD),
    (computing_module, "score_examples", _FRAMES),
    (rows_module.RowMaker, "of", _ROWS),
    (stats_module, "_model_stats", _SUMS),
    (rows_module, "assembled", _FRAMES),
    (stats_module, "assembled", _FRAMES),
    (stats_module, "_chance_stats", _CHANCE),
    (stats_module, "answers", _SHALLOW),
    (computing_module, "stage", _PARTS),
    (Folder, "take", _PARTS),
    (run_module, "finish", _FINISH),
    (computing_module, "measured_part", _SCORE),
    (finish_module, "measured", _SCORE),
    (finish_module, "averaged", _SCORE),
    *((finish_module, name, _REPORT) for name in _OF_REPORT),
)
"""What is timed: its owner, its name there, its stage. Time inside another of these is that stage's."""

ORDER: Final = tuple(dict.fromkeys(stage for *_, stage in TIMED))
"""The stages in the order of the work."""

_OTHERS: Final = "other threads: tokenizer, charts"
POOLS: Final[Sequence[tuple[str, str]]] = (("polars", "threads of polars"), ("", _OTHERS))
"""The threads that no stage sees, by how their names begin."""


def measured(evaluation: Callable[[], object]) -> dict[str, Any]:
    """The seconds of one evaluation on the clock and on the processor, by stage and thread, children included.

    `report` is the processor time of the report in the main thread and in those that draw its charts, without files
    that are written beside it; `answering` that of the main thread while the model answers, without the forward pass
    and without loading the model. `forward` is that of the passes in all threads.
    """
    meter, begun, ended = Meter(), _pools(), _children()
    reports, answers = list[float](), list[float]()
    start = time.perf_counter(), _processor(), time.thread_time()
    with meter.on(TIMED), ExitStack() as stack:
        for name in _OF_REPORT:
            whole = _added(reports, _drawing, getattr(finish_module, name))
            stack.enter_context(patch.object(finish_module, name, whole))
        answering = _added(answers, time.thread_time, answering_module.Answering.answer_all)
        stack.enter_context(patch.object(answering_module.Answering, "answer_all", answering))
        evaluation()
    wall, processor, main = (now - then for now, then in zip(_now(), start, strict=True))
    pools = {name: seconds - begun.get(name, 0.0) for name, seconds in _pools().items()}
    here, loading = (meter.spent.get((stage, MAIN), [0.0, 0.0])[1] for stage in (FORWARD, _LOAD))
    forward = sum(taken[1] for (stage, _), taken in meter.spent.items() if stage == FORWARD)
    threads = {**meter.threads, MAIN: main, **pools, "other processes": _children() - ended}
    return {
        "seconds": [round(wall, 3), round(processor, 3)],
        "forward": round(forward, 3),
        "report": round(sum(reports), 3),
        "answering": round(sum(answers) - here - loading, 3),
        "stages": [
            [stage, thread, *(round(seconds, 4) for seconds in taken)]
            for stage in ORDER
            for (name, thread), taken in sorted(meter.spent.items())
            if name == stage
        ],
        "threads": {name: round(seconds, 3) for name, seconds in threads.items()},
    }


def _added(seconds: list[float], clock: Callable[[], float], function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; each call adds what it took by a clock."""

    def timed(*values: Any, **named: Any) -> Any:
        start = clock()
        try:
            return function(*values, **named)
        finally:
            seconds.append(clock() - start)

    return timed


def _now() -> tuple[float, float, float]:
    return time.perf_counter(), _processor(), time.thread_time()


def _processor() -> float:
    """The processor time of this process and of the children that it has waited for."""
    return time.process_time() + _children()


def _drawing() -> float:
    """The processor time of this thread and of those that draw charts."""
    return time.thread_time() + _pools()[_OTHERS]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _pools() -> dict[str, float]:
    """The processor time of the threads that are not Python's, by the library that started them."""
    python = {thread.native_id for thread in threading.enumerate()}
    spent = dict.fromkeys((name for _, name in POOLS), 0.0)
    folder = Path("/proc/self/task")
    for path in folder.iterdir() if folder.is_dir() else ():
        if int(path.name) not in python:
            comm = (path / "comm").read_text(encoding="utf-8")
            name = next(name for begins, name in POOLS if comm.startswith(begins))
            spent[name] += _ticks(path)
    return spent


def _ticks(task: Path) -> float:
    """The user and system seconds of a thread."""
    fields = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

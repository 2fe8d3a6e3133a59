"""Where the time of a whole evaluation goes: every stage's own seconds, and what is spent outside the forward pass.

The functions of the package are timed from outside: while a meter is on, they are wrapped.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import GeneratorType
from typing import Any, Final, final
from unittest.mock import patch

import torch
from benchmarks._device_use import HEADS, about, cells

import robust_xtreme.models.predictors.loaded as loaded_module
import robust_xtreme.models.predictors.members.encoder_head as head_module
import robust_xtreme.models.predictors.predictor as predict_module
import robust_xtreme.run.computing as computing_module
import robust_xtreme.run.finish as finish_module
import robust_xtreme.run.prepare as prepare_module
import robust_xtreme.run.run as run_module
from robust_xtreme.models.loading import Models
from robust_xtreme.models.predictors.cache import Store
from robust_xtreme.report.blocks import Paragraph, Prose, ReportPage, grid
from robust_xtreme.run.folder import Folder
from robust_xtreme.run.task_run import Splits
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.workers.supervisor import Supervisor

MOST: Final = 0.15
"""The share of the time that an evaluation may spend outside the forward pass."""

ROWS: Final = 5010
FORWARD: Final = "forward"
MAIN: Final = "main"
BESIDE: Final = "beside"
_PLAN, _READ, _LOAD = "plan", "read", "load the model"
_NOISE, _ENCODE, _REST = "noise, equal inputs", "tokenise, encode", "check and gather"
_BATCH, _DECODE, _CACHE = "batch, collate", "decode", "prediction cache"
_JUDGE, _PARTS, _FINISH = "judge", "write parts", "read parts, write frames"
_SCORE, _REPORT, _WAIT = "score, intervals", "report", "wait for the other thread"
ORDER: Final = (
    *(_PLAN, _READ, _NOISE, _ENCODE, _REST, _WAIT, _LOAD, _CACHE, _BATCH, FORWARD, _DECODE),
    *(_JUDGE, _PARTS, _FINISH, _SCORE, _REPORT),
)

TIMED: Final[Sequence[tuple[Any, str, str]]] = (
    (run_module, "make_plan", _PLAN),
    (Release, "read", _READ),
    (Splits, "of", _READ),
    (computing_module, "prepare", _REST),
    (prepare_module, "_variant", _NOISE),
    (head_module.EncoderHead, "prepare", _ENCODE),
    (head_module.EncoderHead, "tokens", _ENCODE),
    (Supervisor, "_event", _WAIT),
    (Models, "load", _LOAD),
    (Store, "keys", _CACHE),
    (Store, "known", _CACHE),
    (Store, "keep", _CACHE),
    (predict_module, "decoded", _DECODE),
    (predict_module, "plan_batches", _BATCH),
    (loaded_module, "collate", _BATCH),
    (loaded_module, "start", FORWARD),
    (loaded_module.Started, "wait", FORWARD),
    (computing_module, "score_examples", _JUDGE),
    (computing_module, "stage", _PARTS),
    (Folder, "take", _PARTS),
    (run_module, "finish", _FINISH),
    (computing_module, "measured_part", _SCORE),
    (finish_module, "measured", _SCORE),
    (finish_module, "written", _REPORT),
)
"""What is timed: its owner, its name there, its stage. Time inside another of these is that one's."""


def torch_threads() -> frozenset[int]:
    """The threads that torch starts to help the main one; call it before anything else has computed."""
    before = _threads()
    torch.softmax(torch.ones(1024, 1024) @ torch.ones(1024, 1024), dim=1)
    return _threads() - before


def _threads() -> frozenset[int]:
    folder = Path("/proc/self/task")
    return frozenset(int(path.name) for path in folder.iterdir()) if folder.is_dir() else frozenset()


def _processor_time(thread: int) -> float:
    """The seconds that a thread of this process was at work: Linux's clock of that thread."""
    return time.clock_gettime((~thread << 3) | 6)


def _main_or_beside() -> str:
    return MAIN if threading.current_thread() is threading.main_thread() else BESIDE


@final
class Meter:
    """Seconds by stage and thread: on the clock, and on the processor, torch's helpers counted with the main one.

    `thread` names the current thread. `threads` has the processor time of each at the end of its last stage.
    """

    def __init__(self, helpers: frozenset[int], thread: Callable[[], str] = _main_or_beside) -> None:
        self._helpers = sorted(helpers)
        self._thread = thread
        self._local = threading.local()
        self.spent: dict[tuple[str, str], list[float]] = {}
        self.threads: dict[str, float] = {}

    @contextmanager
    def on(self, timed: Sequence[tuple[Any, str, str]] | None = None) -> Iterator[None]:
        """Time what the package does in the block: the functions of TIMED, or others."""
        with ExitStack() as stack:
            for owner, name, stage in TIMED if timed is None else timed:
                stack.enter_context(patch.object(owner, name, self._timed(stage, getattr(owner, name))))
            yield

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*values: Any, **named: Any) -> Any:
            inside = self._begin()
            start = self._now()
            try:
                result = function(*values, **named)
                return iter([*result]) if isinstance(result, GeneratorType) else result
            finally:
                self._end(stage, [now - then for now, then in zip(self._now(), start, strict=True)], inside)

        return timed

    def _now(self) -> tuple[float, float]:
        helpers = self._helpers if threading.current_thread() is threading.main_thread() else ()
        return time.perf_counter(), time.thread_time() + sum(map(_processor_time, helpers))

    def _begin(self) -> list[float]:
        """What the stages inside of this one take, to be added up."""
        stack = self._local.__dict__.setdefault("stack", [])
        stack.append([0.0, 0.0])
        inside: list[float] = stack[-1]
        return inside

    def _end(self, stage: str, taken: Sequence[float], inside: Sequence[float]) -> None:
        stack = self._local.stack
        stack.pop()
        thread = self._thread()
        if not stack:
            self.threads[thread] = time.thread_time()
        spent = self.spent.setdefault((stage, thread), [0.0, 0.0])
        for kind in (0, 1):
            spent[kind] += taken[kind] - inside[kind]
            if stack:
                stack[-1][kind] += taken[kind]


def measured(evaluation: Callable[[], object], helpers: frozenset[int]) -> dict[str, Any]:
    """The seconds of one evaluation, by stage; and how busy the machine was."""
    meter = Meter(helpers)
    load = os.getloadavg()[0]
    start = time.perf_counter(), time.process_time()
    with meter.on():
        evaluation()
    wall, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    forward = meter.spent.get((FORWARD, MAIN), [0.0, 0.0])
    return {
        "seconds": [round(wall, 1), round(processor, 1)],
        "stages": [
            [stage, thread, *(round(seconds, 2) for seconds in meter.spent[stage, thread])]
            for stage in ORDER
            for thread in (MAIN, BESIDE)
            if (stage, thread) in meter.spent
        ],
        "overhead": [round(1 - forward[0] / wall, 3), round(1 - forward[1] / processor, 3)],
        "most": MOST,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
        "cores": os.cpu_count(),
    }


def whole_data(data: Path, folder: Path, languages: Sequence[str]) -> tuple[Path, list[str]]:
    """XNLI's test in every language as release files, and the languages whose rows repeat those of their dev file."""
    (folder / "xnli").mkdir(parents=True)
    if (data / "mnli").is_dir():
        (folder / "mnli").symlink_to((data / "mnli").absolute())
    repeated = []
    for language in languages:
        given = data / "xnli" / f"test-{language}.tsv"
        if not given.is_file():
            repeated.append(language)
        text = given.read_text("utf-8") if given.is_file() else _repeated(data / "xnli" / f"dev-{language}.tsv")
        (folder / "xnli" / given.name).write_text(text, "utf-8")
    return folder, repeated


def _repeated(path: Path) -> str:
    """As many rows as the test has: each premise, in each round with the hypothesis of another row."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    rounds = -(-ROWS // len(rows))
    repeated = [
        (row[0], *rows[(index + turn * len(rows) // rounds) % len(rows)][1:])
        for turn in range(rounds)
        for index, row in enumerate(rows)
    ]
    return "".join("\t".join(row) + "\n" for row in repeated[:ROWS])


def document(figures: dict[str, Any]) -> ReportPage:
    """The page of the figures."""
    whole, over = figures["seconds"], figures["overhead"]
    heads = ("stage", "thread", "wall s", "of the wall", "processor s", "of the processor")
    rows = [_row(stage, thread, taken, whole) for stage, thread, *taken in figures["stages"]]
    rows += [_row("not in a stage", "all", _left(figures), whole), _row("in all", "all", whole, whole)]
    text = (
        f"Outside the forward pass: {over[0]:.1%} of the wall, {over[1]:.1%} of the processor's time. The bar: at most "
        f"{figures['most']:.0%} of the wall. Stages beside run while the main thread computes: they take none of the "
        "wall but where it waits for them; on the CPU they compete with it for the cores."
    )
    title = f"Evaluating XNLI in {figures['languages']} languages: what the forward pass is not"
    return ReportPage(title, (Prose("\n".join(_about(figures))), grid(heads, rows, 2), Paragraph(text), *_use(figures)))


def _use(figures: dict[str, Any]) -> Iterator[Prose]:
    """What the device did in the whole evaluation, where that was measured."""
    if "model" in figures:
        model = figures["model"]
        named = ", ".join(f"{head} {cell}" for head, cell in zip(HEADS, cells(model), strict=True))
        yield Prose(f"In all: {named}.\n{about(model['precision'], model['peak'])}")


def _about(figures: dict[str, Any]) -> Iterator[str]:
    of = figures
    yield f"`python -m benchmarks.evaluate --data DIR {of['words']}`: {of['languages']} languages, clean and under"
    yield f"{of['perturb']}, {of['predictions']} predictions; an encoder of {of['encoder']}, random weights;"
    yield f"{of['tokens']:.1f} tokens an input, batches of {of['batch_tokens']} tokens; an empty prediction cache."
    yield f"On {of['device']}, {of['threads']} threads, {of['versions']}."
    if of["repeated"]:
        names = " ".join(of["repeated"])
        yield f"No test file of {names} was at hand: their {ROWS:,} rows are those of the dev file in turn,"
        yield "each time with the hypotheses of other rows: no pair is there twice, none is known to the cache."
    before, after = of["load"]
    yield f"Load of the machine, which other work shared: {before} before, {after} after, on {of['cores']} cores."


def _left(figures: dict[str, Any]) -> tuple[float, float]:
    """The wall that no stage of the main thread has, and the processor time that no stage has."""
    walls = sum(stage[2] for stage in figures["stages"] if stage[1] == MAIN)
    return figures["seconds"][0] - walls, figures["seconds"][1] - sum(stage[3] for stage in figures["stages"])


def _row(stage: str, thread: str, taken: Sequence[float], whole: Sequence[float]) -> tuple[str, ...]:
    wall = "-" if thread == BESIDE else f"{taken[0] / whole[0]:.1%}"
    return stage, thread, f"{taken[0]:.1f}", wall, f"{taken[1]:.1f}", f"{taken[1] / whole[1]:.1%}"

"""Estimates the size and duration of a run without computing it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn, final

import torch

from robust_xtreme.evaluation.plan import NotRun, Plan, make_plan, split_of
from robust_xtreme.evaluation.run import device_of
from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.examples import Corpus
from robust_xtreme.models.checkpoint import tokenizer_of
from robust_xtreme.models.windows import token_ids
from robust_xtreme.noise.user_packs import using
from robust_xtreme.predictors.predictor import predictor_of
from robust_xtreme.run_spec import RunSpec
from robust_xtreme.specs import CANDIDATE

_SAMPLE: Final = 100
_SIDE: Final = 512
_PROBES: Final = 20
_REACHED: Final = 0.5
"""The share of a plain matrix product's speed that an encoder reaches on batches of mixed length."""

_EACH: Final = 5e-4
"""Seconds an item for reading, noising, encoding and scoring, without the model."""


@final
@dataclass(frozen=True, slots=True)
class Line:
    """One task run: its rows, its cells (conditions), its predictions over all seeds, and their tokens, estimated."""

    task_run: TaskRun
    cells: int
    predictions: int
    tokens: int


@final
@dataclass(frozen=True, slots=True)
class Estimate:
    """A run before it is computed; `seconds` is a rough guess from the speed of this machine."""

    spec: RunSpec
    rows: tuple[Line, ...]
    not_run: tuple[NotRun, ...]
    device: str
    seconds: float

    @property
    def cells(self) -> int:
        """Cells of the run: task run x condition."""
        return sum(row.cells for row in self.rows)

    @property
    def predictions(self) -> int:
        """Predictions, equal inputs counted each time."""
        return sum(row.predictions for row in self.rows)

    @property
    def tokens(self) -> int:
        """The tokens that the model would read without deduplication, estimated."""
        return sum(row.tokens for row in self.rows)

    def lines(self) -> Iterator[str]:
        """The plan as text."""
        for row in self.rows:
            size = f"{row.task_run.rows} rows, {row.task_run.clusters} clusters, {row.cells} cells"
            work = f"{row.predictions} predictions, about {row.tokens} tokens"
            yield f"{row.task_run.label} ({row.task_run.split}): {size}, {work}"
        for skipped in self.not_run:
            yield f"not run: {skipped.detail}"
        yield (
            f"{self.cells} cells, {self.predictions} predictions, about {self.tokens} tokens, "
            f"about {_duration(self.seconds)} on {self.device}, into {self.spec.folder()}"
        )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{max(1.0, seconds):.0f} seconds"


def estimate(spec: RunSpec) -> Estimate:
    """Plan a run and guess its time. Raises what `evaluate` raises before it computes; nothing is written."""
    with using(*spec.packs):
        device = device_of(spec.device)
        plan = make_plan(spec)
        first = {
            (task_run.task.name, task_run.pool): task_run for task_run in reversed(plan.task_runs) if task_run.pool
        }
        rows = tuple(_line(plan, task_run, task_run in first.values()) for task_run in plan.task_runs)
        speed = _speed(device) * _REACHED
        work = sum(2.0 * row.task_run.params * row.tokens for row in rows)
        beside = _EACH * sum(row.predictions for row in rows)
        return Estimate(spec, rows, plan.not_run, device, work / speed + beside)


def _line(plan: Plan, task_run: TaskRun, first: bool) -> Line:
    """One task run; the first with a pool has the tokens of its candidates, which are embedded once."""
    predictions = task_run.predictions
    split = split_of(plan, task_run)
    examples = split.examples[:_SAMPLE]
    inputs = predictor_of(task_run.model, task_run.task, _no_model).prepare(examples)
    tokens = sum(len(window.input_ids) for input_ in inputs for window in input_.windows) / len(examples) * predictions
    if split.corpus is not None and first:
        tokens += _candidate_tokens(task_run, split.corpus)
    return Line(task_run, len(task_run.conditions), predictions, round(tokens))


def _no_model() -> NoReturn:
    raise AssertionError("an estimate computes nothing")


def _candidate_tokens(task_run: TaskRun, corpus: Corpus) -> float:
    """The tokens of the candidates, estimated, under the clean condition and those that noise them."""
    texts = corpus.texts[:: -(-len(corpus.texts) // _SAMPLE)]
    ids = token_ids(tokenizer_of(task_run.model), [text.value for text in texts])
    most = task_run.task.pool.max_length if task_run.task.pool else 0
    each = sum(min(most, len(ids[text.value])) for text in texts) / len(texts)
    passes = 1 + sum(len(condition.seeds) for condition in task_run.conditions if CANDIDATE in condition.fields)
    return each * len(corpus.texts) * passes


def _speed(device: str) -> float:
    """Floating-point operations a second of a plain matrix product, measured."""
    square = torch.ones(_SIDE, _SIDE, device=device)
    square @ square
    start = time.perf_counter()
    for _ in range(_PROBES):
        square @ square
    if device == "cuda":
        torch.cuda.synchronize()
    return _PROBES * 2.0 * _SIDE**3 / (time.perf_counter() - start)

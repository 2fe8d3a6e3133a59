"""What a run would compute and about how long that takes, found without computing it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, final

import torch

from robust_xtreme.evaluation.plan import Condition, NotRun, Plan, TaskRun, make_plan, split_of
from robust_xtreme.evaluation.run import device_of
from robust_xtreme.evaluation.settings import check_settings, inference
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
"""Seconds that reading, noising, encoding and judging one item take beside the model."""


@final
@dataclass(frozen=True, slots=True)
class Line:
    """One unit: its rows, its cells (conditions), its predictions over all seeds, about how many tokens."""

    unit: TaskRun
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
        """Cells of the run: unit x condition."""
        return sum(row.cells for row in self.rows)

    @property
    def predictions(self) -> int:
        """Predictions, equal inputs counted each time."""
        return sum(row.predictions for row in self.rows)

    @property
    def tokens(self) -> int:
        """About how many tokens the model would read without deduplication."""
        return sum(row.tokens for row in self.rows)

    def lines(self) -> Iterator[str]:
        """The plan as text."""
        for row in self.rows:
            size = f"{row.unit.rows} rows, {row.unit.clusters} clusters, {row.cells} cells"
            work = f"{row.predictions} predictions, about {row.tokens} tokens"
            yield f"{row.unit.label} ({row.unit.split}): {size}, {work}"
        for one in self.not_run:
            yield f"not run: {one.detail}"
        yield (
            f"{self.cells} cells, {self.predictions} predictions, about {self.tokens} tokens, "
            f"about {_duration(self.seconds)} on {self.device}, into {self.spec.folder()}"
        )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{max(1.0, seconds):.0f} seconds"


def estimate(spec: RunSpec) -> Estimate:
    """Plan a run and guess its time. Raises what `evaluate` raises before it computes; nothing is written."""
    with using(*spec.packs):
        return _estimate(spec)


def _estimate(spec: RunSpec) -> Estimate:
    check_settings(spec)
    device = device_of(spec.device)
    plan = make_plan(spec)
    for unit in plan.units:
        inference(unit, spec)  # which an encoder of fewer layers refuses
    first = {(unit.task.name, unit.pool): unit for unit in reversed(plan.units) if unit.pool}
    rows = tuple(_line(plan, unit, unit in first.values()) for unit in plan.units)
    speed = _speed(device) * _REACHED
    work = sum(2.0 * row.unit.model.params_nonembedding * row.tokens for row in rows)
    beside = _EACH * sum(row.predictions for row in rows)
    return Estimate(spec, rows, plan.not_run, device, work / speed + beside)


def _line(plan: Plan, unit: TaskRun, first: bool) -> Line:
    """One unit; the first one with a pool has the tokens of its candidates, which later ones find embedded."""
    conditions = plan.of(unit)
    predictions = unit.rows * sum(len(one.seeds) for one in conditions)
    split = split_of(plan, unit)
    examples = split.examples[:_SAMPLE]
    inputs = predictor_of(unit.model, unit.task, _no_model).prepare(examples)
    tokens = sum(len(window.input_ids) for one in inputs for window in one.windows) / len(examples) * predictions
    if split.corpus is not None and first:
        tokens += _candidate_tokens(unit, split.corpus, conditions)
    return Line(unit, len(conditions), predictions, round(tokens))


def _no_model() -> NoReturn:
    raise AssertionError("an estimate computes nothing")


def _candidate_tokens(unit: TaskRun, corpus: Corpus, conditions: Sequence[Condition]) -> float:
    """About how many tokens the candidates have, under the clean condition and those that noise them."""
    texts = corpus.texts[:: -(-len(corpus.texts) // _SAMPLE)]
    ids = token_ids(tokenizer_of(unit.model), [text.value for text in texts])
    most = unit.task.pool.max_length if unit.task.pool else 0
    each = sum(min(most, len(ids[text.value])) for text in texts) / len(texts)
    passes = 1 + sum(len(one.seeds) for one in conditions if CANDIDATE in one.fields)
    return each * len(corpus.texts) * passes


def _speed(device: str) -> float:
    """Floating-point operations a second of a plain matrix product, measured in a moment."""
    one = torch.ones(_SIDE, _SIDE, device=device)
    one @ one
    start = time.perf_counter()
    for _ in range(_PROBES):
        one @ one
    if device == "cuda":
        torch.cuda.synchronize()
    return _PROBES * 2.0 * _SIDE**3 / (time.perf_counter() - start)

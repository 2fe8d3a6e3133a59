"""Estimates the size and duration of a run without computing it."""

from __future__ import annotations

import time
from typing import Final, NoReturn

import torch

from robust_xtreme.adapters.own import own_tasks
from robust_xtreme.evaluation.folder import check_ours, removal
from robust_xtreme.evaluation.plan import Plan, make_plan
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


def estimate(spec: RunSpec, force: bool = False) -> list[str]:
    """The plan of a run as text: a line for each task run and for what is left out, and the size of the whole.

    Tokens are those that the model would read without deduplication, estimated from a sample; the time is a rough guess
    from the speed of this machine. With `force`, the last line names what starting over removes. Raises what `evaluate`
    raises before it computes; nothing is written.
    """
    folder = spec.folder()
    if force:
        check_ours(folder, spec, force)
    with using(*spec.packs), own_tasks(spec.data):
        device = device_of(spec.device)
        plan = make_plan(spec)
        # Of the task runs with one pool, the first has the tokens of its candidates, which are embedded once.
        first = {(run.task.name, run.pool): run for run in reversed(plan.task_runs) if run.pool}
        tokens = [_tokens(plan, run, run in first.values()) for run in plan.task_runs]
        lines = [_line(run, count) for run, count in zip(plan.task_runs, tokens, strict=True)]
        work = sum(2.0 * run.params * count for run, count in zip(plan.task_runs, tokens, strict=True))
        cells = sum(len(run.conditions) for run in plan.task_runs)
        predictions = sum(run.predictions for run in plan.task_runs)
        seconds = work / (_speed(device) * _REACHED) + _EACH * predictions
    duration = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{max(1.0, seconds):.0f} seconds"
    size = f"{cells} cells, {predictions} predictions, about {sum(tokens)} tokens"
    whole = f"{size}, about {duration} on {device}, into {folder}"
    removed = [removal(folder)] if force else []
    return [*lines, *(f"not run: {skipped.detail}" for skipped in plan.not_run), whole, *filter(None, removed)]


def _line(run: TaskRun, tokens: int) -> str:
    size = f"{run.rows} rows, {run.clusters} clusters, {len(run.conditions)} cells"
    return f"{run.label} ({run.split}): {size}, {run.predictions} predictions, about {tokens} tokens"


def _tokens(plan: Plan, task_run: TaskRun, with_candidates: bool) -> int:
    """The tokens of a task run's predictions over all seeds, and of its candidates, estimated."""
    split = plan.splits.of(task_run)
    examples = split.examples[:_SAMPLE]
    inputs = predictor_of(task_run.model, task_run.task, _no_model).prepare(examples)
    sampled = sum(len(window.input_ids) for input_ in inputs for window in input_.windows)
    tokens = sampled / len(examples) * task_run.predictions
    if split.corpus is not None and with_candidates:
        tokens += _candidate_tokens(task_run, split.corpus)
    return round(tokens)


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

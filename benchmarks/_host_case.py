"""The processes of benchmarks/host.py: one evaluates a run with a model that costs nothing, one only tokenises.

python -m benchmarks._host_case evaluate|tokenise SPEC.json FIGURES.json
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import polars as pl
from benchmarks._host_model import free_encoder
from benchmarks._host_stages import measured

import robust_xtreme.models.checkpoint as checkpoint_module
from robust_xtreme.evaluation.plan import make_plan
from robust_xtreme.evaluation.run import Observer, evaluate
from robust_xtreme.evaluation.task_run import TaskRun
from robust_xtreme.run_spec import RunSpec, from_mapping

BATCH: Final = 10_000
"""Texts of a call of the bare tokenizer."""

ROUNDS: Final = 2
WARM: Final = 1
"""Rows of each language of the evaluation before."""


def main() -> None:
    """Measure what the command line names, and write the figures."""
    kind, given, path = sys.argv[1:]
    spec = from_mapping(json.loads(Path(given).read_text(encoding="utf-8")), "benchmark")
    figures = {"evaluate": evaluated, "tokenise": tokenised}[kind](spec)
    Path(path).write_text(json.dumps(figures), encoding="utf-8")


def evaluated(spec: RunSpec) -> dict[str, Any]:
    """The figures of an evaluation whose forward pass costs nothing.

    A small one comes before, so that imports and the noise's data are in memory.
    """
    lines: list[str] = []
    with patch.object(checkpoint_module, "read_encoder", free_encoder):
        evaluate(replace(spec, limit=str(WARM), out=f"{spec.folder()}-warm"), cache=False)
        figures = measured(lambda: evaluate(spec, observer=Observer(say=lines.append)))
    rows = pl.scan_parquet(spec.folder() / "predictions.parquet").select(pl.len()).collect().item()
    return {"predictions": rows, "inputs": inputs_of(lines), **figures}


def inputs_of(lines: list[str]) -> int:
    """The number of distinct inputs, from the line of the log that sums them up."""
    line = next(line for line in lines if line.startswith("in all: "))
    return int(line.partition(" predictions of ")[2].partition(" ")[0])


def tokenised(spec: RunSpec) -> dict[str, Any]:
    """The seconds of the bare tokenizer for the texts of a run, each distinct text of a task run once; best of two."""
    plan = make_plan(spec)
    texts = [(task_run.model, list(texts_of(task_run, plan.splits.of(task_run)))) for task_run in plan.task_runs]
    backend = checkpoint_module.tokenizer_of(texts[0][0]).backend_tokenizer
    taken, tokens = [], 0
    for _ in range(ROUNDS):
        start, tokens = (time.perf_counter(), time.process_time()), 0
        for _, pieces in texts:
            for begin in range(0, len(pieces), BATCH):
                encoded = backend.encode_batch(pieces[begin : begin + BATCH], add_special_tokens=False)
                tokens += sum(map(len, encoded))
        taken.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    seconds = [round(min(every), 6) for every in zip(*taken, strict=True)]
    return {"texts": sum(len(pieces) for _, pieces in texts), "tokens": tokens, "seconds": seconds}


def texts_of(task_run: TaskRun, split: Any) -> Mapping[str, None]:
    """The distinct texts of a task run under all conditions, the candidates of a pool among them."""
    return dict.fromkeys(_pieces(task_run, split))


def _pieces(task_run: TaskRun, split: Any) -> Iterator[str]:
    for text in split.corpus.texts if split.corpus else ():
        yield text.value
    for condition in task_run.conditions:
        for seed in condition.seeds:
            shown = condition.shown(split.examples, seed)
            for text in (text for example in shown for text in example.texts.values()):
                yield from text.pieces(task_run.words)
            for outcome in shown.noised:
                yield from outcome.text.pieces(task_run.words)


if __name__ == "__main__":
    main()

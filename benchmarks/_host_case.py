"""The processes of benchmarks/host.py: one evaluates a run with a model that costs nothing, one only tokenises.

python -m benchmarks._host_case evaluate|tokenise SPEC.json FIGURES.json
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import polars as pl
from benchmarks._host_model import free_encoder, free_head
from benchmarks._host_stages import measured

import robust_xtreme.models.loading as loading_module
from robust_xtreme.core.run_spec import RunSpec, from_mapping
from robust_xtreme.models.tokenizer import tokenizer_of
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.prepare import variant_of
from robust_xtreme.run.run import Observer, evaluate
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.tasks.sources.source import Split

_Text = str | tuple[str, ...]

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
    with patch.multiple(loading_module, read_encoder=free_encoder, _head=free_head):
        evaluate(replace(spec, limit=str(WARM), out=f"{spec.folder()}-warm"), cache=False)
        figures = measured(lambda: evaluate(spec, observer=Observer(say=lines.append)))
    rows = pl.scan_parquet(spec.folder() / "predictions.parquet").select(pl.len()).collect().item()
    return {"predictions": rows, "inputs": inputs_of(lines), **figures}


def inputs_of(lines: list[str]) -> int:
    """The number of distinct inputs, from the line of the log that sums them up."""
    line = next(line for line in lines if line.startswith("in all: "))
    return int(line.partition(" predictions of ")[2].partition(" ")[0])


def tokenised(spec: RunSpec) -> dict[str, Any]:
    """The figures of the bare tokenizer for the texts of all predictions, and for each distinct text of a task run.

    A text of a task of words is given as its words.
    """
    plan = make_plan(spec)
    texts = [list(_texts(task_run, plan.splits.of(task_run))) for task_run in plan.task_runs]
    backend = tokenizer_of(plan.task_runs[0].model).backend_tokenizer
    words = [task_run.words for task_run in plan.task_runs]
    distinct = _encoded(backend, [list(dict.fromkeys(of_task_run)) for of_task_run in texts], words)
    return {**_encoded(backend, texts, words), "distinct": distinct}


def _encoded(backend: Any, texts: Sequence[Sequence[_Text]], words: Sequence[bool]) -> dict[str, Any]:
    """The number of texts and their tokens, and the seconds of `encode_batch` on clock and processor; best of two."""
    taken, tokens = [], 0
    for _ in range(ROUNDS):
        start, tokens = (time.perf_counter(), time.process_time()), 0
        for given, split in zip(texts, words, strict=True):
            for begin in range(0, len(given), BATCH):
                some = given[begin : begin + BATCH]
                tokens += sum(map(len, backend.encode_batch(some, is_pretokenized=split, add_special_tokens=False)))
        taken.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    seconds = [round(min(every), 6) for every in zip(*taken, strict=True)]
    return {"texts": sum(map(len, texts)), "tokens": tokens, "seconds": seconds}


def _texts(task_run: TaskRun, split: Split) -> Iterator[_Text]:
    """The texts of each prediction of a task run, and under each condition and seed those of its pool, if any."""
    for condition in task_run.conditions:
        for seed in condition.seeds:
            variant = variant_of(split, condition, seed)
            for text in (text for example in variant.examples for text in example.texts.values()):
                yield tuple(text.pieces(True)) if task_run.words else text.value
            yield from variant.pool.values if variant.pool else ()


if __name__ == "__main__":
    main()

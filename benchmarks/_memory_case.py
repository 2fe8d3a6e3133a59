"""The processes of benchmarks/memory.py: made-up task runs are written, the run is finished, and compared with itself.

python -m benchmarks._memory_case make|finish|compare CASE.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.schema import CELL, CHANCE, PREDICTIONS, SHALLOW, STATS, build
from robust_xtreme.gating.baselines import Baseline
from robust_xtreme.gating.comparing import compare
from robust_xtreme.run.finish import finish
from robust_xtreme.run.folder import Folder, begin
from robust_xtreme.run.manifest import new_manifest
from robust_xtreme.run.plan import Plan, make_plan
from robust_xtreme.run.scoring import PARTS, TaskRunRows, stage
from robust_xtreme.run.task_run import TaskRun

TASKS: Final = ("xnli", "xcopa", "panx", "xquad")
PERTURB: Final = ("char_noise:0.05,0.1,0.2", "keyboard_typo:0.1")
_CONDITIONS: Final = 4
_OF_CLUSTER: Final = 3
_OF_ENTITIES: Final = "span_f1"
_ANSWERS: Final = ("[1]", "[0]", "[2]")


@final
@dataclass(frozen=True, slots=True)
class Case:
    """How many made-up predictions there are: languages of each task, items of a language, noise seeds; and where."""

    languages: int
    items: int
    seeds: int
    out: str

    @property
    def predictions(self) -> int:
        """The number of predictions, clean and under four conditions."""
        return len(TASKS) * self.languages * self.items * (1 + _CONDITIONS * self.seeds)


def main() -> None:
    """Do what the command line names."""
    kind, path = sys.argv[1:]
    case = Case(**json.loads(Path(path).read_text(encoding="utf-8")))
    {"make": make, "finish": finished, "compare": compared}[kind](case)


def plan_of(case: Case) -> Plan:
    """The plan of a small run of the embedded suite, with as many languages of each task as the case has."""
    spec = RunSpec(
        model=("mini",), tasks=TASKS, languages=("en", "et"), perturb=PERTURB, seeds=case.seeds, limit="6", out=case.out
    )
    plan = make_plan(spec)
    first = {task_run.task.name: task_run for task_run in plan.task_runs}
    task_runs = [
        replace(task_run, language=code, rows=case.items)
        for task_run in first.values()
        for code in [*LANGUAGES][: case.languages]
    ]
    return replace(plan, task_runs=tuple(task_runs))


def make(case: Case) -> None:
    """Write the parts of every task run, as a run does that was stopped before it finished."""
    plan = plan_of(case)
    folder = Folder(Path(case.out))
    folder.path.mkdir(parents=True)
    manifest = begin(folder, plan.spec, new_manifest(plan, "cpu", 1, True))
    parts, digests = store.make_folder(folder.path / PARTS), dict[str, str]()
    for number, task_run in enumerate(plan.task_runs):
        digests |= stage(parts, task_run, part_of(task_run, np.random.default_rng(number)))
    folder.write_manifest({**manifest, "parts": digests})


def finished(case: Case) -> None:
    """Finish the run."""
    folder = Folder(Path(case.out))
    manifest = folder.manifest
    assert manifest is not None
    finish(folder, plan_of(case), manifest)


def compared(case: Case) -> None:
    """Compare the finished run with itself."""
    run = Baseline.load(case.out)
    compare(run, run)


def part_of(task_run: TaskRun, draws: np.random.Generator) -> TaskRunRows:
    """Made-up rows of a task run."""
    items = _items(task_run)
    predictions, stats = [], []
    for condition in task_run.conditions:
        for seed in condition.seeds:
            right = draws.random(task_run.rows) < (0.8 if condition.spec is None else 0.7)
            key = {**_cell(task_run, condition.name), "noise_seed": seed}
            predictions.append(_predictions(items, key, right, draws))
            stats += [*_stats(task_run, items, key, right), *_levels(task_run, items, key, draws)]
    return TaskRunRows(pl.concat(predictions), pl.concat(stats))


def _items(task_run: TaskRun) -> pl.DataFrame:
    named = f"{task_run.task.name}/{task_run.split}/{task_run.language}/"
    numbers = range(task_run.rows)
    return pl.DataFrame(
        {
            "example": [f"{named}{number}" for number in numbers],
            "cluster": [f"{named}premise-{number // _OF_CLUSTER}" for number in numbers],
            "fingerprint": [f"{number:016x}" for number in numbers],
        }
    )


def _cell(task_run: TaskRun, condition: str) -> dict[str, Any]:
    values = (
        task_run.model.name,
        task_run.data,
        task_run.task.name,
        task_run.split,
        *task_run.languages,
        task_run.setting,
        task_run.inference,
        condition,
    )
    return dict(zip(CELL, values, strict=True))


def _predictions(items: pl.DataFrame, key: dict[str, Any], right: Any, draws: np.random.Generator) -> pl.DataFrame:
    clean, height = key["condition"] == "clean", len(right)
    edits = np.zeros(height, np.int64) if clean else draws.integers(1, 9, height)
    words = draws.integers(8, 30, height)
    columns = {
        **_repeated(key, height),
        **items.to_dict(),
        "prediction": pl.Series(np.where(right, *_ANSWERS[:2])).cast(pl.String),
        "gold": [_ANSWERS[0]] * height,
        "nominal": [None if clean else "0.1"] * height,
        "status": ["ok"] * height,
        "eligible": words * 4,
        "edits": edits,
        "operators": [f'{{"delete": {count}}}' if count else "{}" for count in edits.tolist()],
        "grapheme_edit_rate": edits / (words * 5),
        "word_edit_rate": np.minimum(edits / words, 1.0),
        "words": words,
        "tokens_clean": words * 2,
        "tokens": words * 2 + edits,
        "tokens_changed": edits > 0,
        "truncated": np.zeros(height, bool),
        "unknown_clean": np.zeros(height, np.int64),
        "unknown": np.zeros(height, np.int64),
        "numbers_edited": (edits > 7).astype(np.int64),  # one in eight items has label risk
    }
    return build(columns, PREDICTIONS)


def _stats(task_run: TaskRun, items: pl.DataFrame, key: dict[str, Any], right: Any) -> Iterator[pl.DataFrame]:
    """Rows of every metric: of entities (true positives, false positives, false negatives), else (quality, 1)."""
    for metric in task_run.task.metrics:
        sums = [right, ~right, ~right] if metric == _OF_ENTITIES else [right, np.ones(len(right))]
        values = pl.Series("stats", np.stack(sums, -1).astype(np.float64)).arr.to_list()
        columns = {**_repeated(key, len(right)), **items.to_dict(), "stats": values}
        yield build({**columns, **_repeated({"metric": metric, "scope": "all"}, len(right))}, STATS)


def _levels(
    task_run: TaskRun, items: pl.DataFrame, key: dict[str, Any], draws: np.random.Generator
) -> Iterator[pl.DataFrame]:
    """Rows of a shallow predictor, and on the clean text of chance."""
    models = [f"{SHALLOW}surface"] + ([f"{CHANCE}majority"] if key["condition"] == "clean" else [])
    for model in models:
        right = draws.random(task_run.rows) < 1 / 3
        yield from _stats(task_run, items, {**key, "model": model, "inference": "nothing"}, right)


def _repeated(values: dict[str, Any], height: int) -> dict[str, pl.Series]:
    return {name: pl.Series([value]).new_from_index(0, height) for name, value in values.items()}


if __name__ == "__main__":
    main()

"""Logs as lm-eval and inspect write them, of rows that were exported, and what the command makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.program import program

from robust_xtreme.report.document import finished

TIME: Final = "2026-01-02T03-04-05.678901"
NOISE: Final = "char_noise:0.1@fields=premise,hypothesis"
CONDITIONS: Final = {"clean": -1, NOISE: 0}


def exported(number: int, condition: str, **more: Any) -> str:
    """The column that an exported row has."""
    noise = {"status": "ok", "eligible": 9, "edits": 3, "operators": {"swap": 3}, "words": 6}
    rates = {"grapheme_edit_rate": 0.1, "word_edit_rate": 0.2, "numbers_edited": 0, "negators_edited": 0}
    nothing = {"status": "ok", "eligible": 9, "edits": 0, "operators": {}, "words": 6}
    row = {
        "task": "xnli",
        "split": "test",
        "language": "sw",
        "context_language": "sw",
        "data": "abc",
        "condition": condition,
        "noise_seed": CONDITIONS[condition],
        "example": f"xnli/test/sw/{number}",
        "cluster": str(number // 3),
        "fingerprint": f"f{number}",
        **(nothing if condition == "clean" else noise | rates),
    }
    return json.dumps(row | more)


def sample(number: int, right: bool, condition: str | None, **more: Any) -> dict[str, Any]:
    """A sample of a task with three choices, as lm-eval logs it."""
    gold = number % 3
    best = gold if right else (gold + 1) % 3
    responses = [[str(-1.5 if choice == best else -9.25), "False"] for choice in range(3)]
    doc = {"premise": "p", "label": gold} | ({"robust_xtreme": exported(number, condition)} if condition else {})
    named = {"filter": "none", "metrics": ["acc"], "acc": float(right), "target": str(gold)}
    return {
        "doc_id": number,
        "doc": doc,
        **named,
        "resps": [[row] for row in responses],
        "filtered_resps": responses,
    } | more


def harness(folder: Path, tasks: Mapping[str, Sequence[Mapping[str, Any]]], model: str = "m", **more: Any) -> Path:
    """A folder as lm-eval writes it: the samples of each task, and the results."""
    folder.mkdir(parents=True, exist_ok=True)
    for task, samples in tasks.items():
        lines = "".join(json.dumps(row) + "\n" for row in samples)
        (folder / f"samples_{task}_{TIME}.jsonl").write_text(lines, encoding="utf-8")
    facts = {"format": 1, "includes": "xnli_sw", "lm_eval": "0.4.13"}
    results = {
        "configs": {task: {"metadata": {"version": 1.0, "robust_xtreme": facts}} for task in tasks},
        "versions": dict.fromkeys(tasks, 1.0),
        "n-shot": dict.fromkeys(tasks, 0),
        "lm_eval_version": "0.4.13",
        "model_name": model,
    }
    (folder / f"results_{TIME}.json").write_text(json.dumps(results | more), encoding="utf-8")
    return folder


def pair(clean: int = 45, noisy: int = 30, count: int = 60) -> dict[str, list[dict[str, Any]]]:
    """The samples of an exported task: clean ones and noisy ones, of which the first are right."""
    return {
        "rx_xnli_sw__clean": [sample(number, number < clean, "clean") for number in range(count)],
        "rx_xnli_sw__char_noise-0.1__s0": [sample(number, number < noisy, NOISE) for number in range(count)],
    }


def imported(tmp_path: Path, *words: str) -> Any:
    """What the command made of logs."""
    ended = program("import", *words, "-o", str(tmp_path / "run"))
    assert (ended.code or 0) == 0, ended.err
    return finished(tmp_path / "run")


def refused(*words: str) -> str:
    """The one line of an error."""
    ended = program("import", *words)
    assert (ended.code, len(ended.err.strip().splitlines())) == (2, 1), ended.err
    return ended.err

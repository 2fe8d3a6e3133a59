"""inspect_ai on exported samples: its logs have the samples of the export with their ids, and a score for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.bridge.harness import INSPECT, MARKS, run
from tests.bridge.rows import belebele, jsonl
from tests.program import program

pytestmark = [*MARKS, pytest.mark.skipif(not INSPECT, reason="INSPECT names no interpreter: make test-bridge")]

NAMES = [f"{task}__{name}" for task, name in (("xnli_es", "clean"), ("belebele_spa_Latn", "keyboard_typo-0.2__s0"))]


@pytest.fixture(scope="module")
def exported(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of xnli and of a task in the shape of belebele, clean and noisy."""
    folder = tmp_path_factory.mktemp("inspect")
    (folder / "belebele_spa_Latn.jsonl").write_text(jsonl(belebele("es")), encoding="utf-8")
    words = ("--tasks", "xnli,belebele_spa_Latn", "-l", "es", "--limit", "6", "--data", str(data_folder))
    columns = ("--fields", "flores_passage,question", "--rows", str(folder / "{task}.jsonl"), "--cluster-field", "link")
    choices = ",".join(f"mc_answer{number}" for number in (1, 2, 3, 4))
    answers = ("--choices", choices, "--gold", "correct_answer_num", "--perturb", "keyboard_typo:0.2")
    ended = program("export", "inspect", *words, *columns, *answers, "-o", str(folder / "exported"))
    assert ended.code in (0, None), ended.err
    return folder / "exported"


@pytest.fixture(scope="module")
def logs(exported: Path, model: Path) -> Path:
    """The logs of inspect_ai, one for each file of samples."""
    folder = exported.parent / "logs"
    local = ("--model", "hf/local", "-M", f"model_path={model}", "-M", "device=cpu", "--max-tokens", "12")
    for name in NAMES:
        words = ("inspect", "eval", f"{exported}/task.py@rx", "-T", f"data={name}", *local)
        run([*words, "--seed", "1", "--log-dir", str(folder), "--display", "none"], exported.parent)
    return folder


def test_logs_have_the_exported_samples(exported: Path, logs: Path) -> None:
    """Each log has the ids, inputs, choices, targets and metadata of its file, and a score for each."""
    read = [json.loads(run(["inspect", "log", "dump", str(path)], logs.parent)) for path in sorted(logs.glob("*.eval"))]
    by_name = {log["eval"]["task_args"]["data"]: log for log in read}
    assert sorted(by_name) == sorted(NAMES)
    for name, log in by_name.items():
        lines = (exported / "data" / f"{name}.jsonl").read_text("utf-8").splitlines()
        assert log["status"] == "success"
        kept = ("id", "choices", "target", "metadata")
        samples = sorted(log["samples"], key=lambda sample: str(sample["id"]))
        rows = sorted(map(json.loads, lines), key=lambda row: str(row["id"]))
        assert [[sample[key] for key in kept] for sample in samples] == [[row[key] for key in kept] for row in rows]
        assert {sample["scores"]["choice"]["value"] for sample in samples} <= {"C", "I"}
        assert all(row["input"] in _asked(sample) for row, sample in zip(rows, samples, strict=True))


def _asked(sample: dict[str, Any]) -> str:
    """The prompt of a sample."""
    content = sample["messages"][0]["content"]
    return content if isinstance(content, str) else str(content[0]["text"])

"""`robust-xtreme export` to harnesses, and what it wrote; with a substitute for the task files of lm-eval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.program import Ended, program

from robust_xtreme.exchange.exporting.harness import their_tasks

NOISE: Final = ("--perturb", "char_noise:0.1")
BASE: Final = """
task: null
dataset_path: facebook/xnli
output_type: multiple_choice
training_split: train
validation_split: validation
doc_to_target: label
process_docs: !function utils.never_run
metadata:
  version: 1.0
"""
QUESTIONS: Final = """
task: xquad_en
dataset_path: google/xquad
validation_split: validation
fewshot_config:
  sampler: first_n
metadata:
  version: 2
"""
PASSAGES: Final = "task: passages_sw\ndataset_path: json\ntest_split: test\nnum_fewshot: {shots}\n"


def substitute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the task files of a package called lm_eval, which cannot be imported without an error."""
    folder = tmp_path / "site" / "lm_eval" / "tasks"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    (folder / "xnli_common_yaml").write_text(BASE, encoding="utf-8")
    for code in ("en", "sw"):
        text = f"include: xnli_common_yaml\ntask: xnli_{code}\ndataset_name: {code}\n"
        (folder / f"xnli_{code}.yaml").write_text(text, encoding="utf-8")
    (folder / "xquad.yaml").write_text(QUESTIONS, encoding="utf-8")
    (folder / "passages.yaml").write_text(PASSAGES.format(shots=0), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder.parents[1]))
    their_tasks._paths.cache_clear()
    return folder


def export(what: str, out: Path, *words: str, data: Path | None = None) -> Ended:
    """Run `robust-xtreme export`, which succeeds."""
    ended = program("export", what, "-o", str(out), *words, *(("--data", str(data)) if data else ()))
    assert ended.code in (0, None), ended.err
    return ended


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    """The rows of an exported file."""
    return [json.loads(line) for line in (out / "data" / f"{name}.jsonl").read_text("utf-8").splitlines()]


def identities(out: Path, name: str) -> list[dict[str, Any]]:
    """What the rows of an exported file are."""
    return [json.loads(row["robust_xtreme"]) for row in rows(out, name)]


def settings(out: Path, name: str) -> dict[str, Any]:
    """The settings of an exported task."""
    read: dict[str, Any] = yaml.safe_load((out / "tasks" / f"{name}.yaml").read_text("utf-8"))
    return read


def failed(*words: str) -> str:
    """The line of a command that fails by a mistake of the user."""
    ended = program("export", *words)
    assert ended.code == 2, ended.err
    (line,) = ended.err.splitlines()
    return line

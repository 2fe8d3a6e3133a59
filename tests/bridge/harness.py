"""Runs of lm-eval and inspect_ai in processes of their own, without a connection, and what their logs contain."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

INSPECT: Final = os.environ.get("INSPECT", "")
"""The interpreter of the environment with inspect_ai."""

MARKS: Final = [
    pytest.mark.bridge,
    pytest.mark.process,
    pytest.mark.skipif(find_spec("lm_eval") is None, reason="lm-eval is not installed: make test-bridge"),
]
_OFFLINE: Final = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
_LAST: Final = 3000
Samples = dict[str, list[dict[str, Any]]]


def run(words: Sequence[str], folder: Path, environment: Mapping[str, str] = _OFFLINE) -> str:
    """What a command printed in a folder; its programs are those beside this interpreter, or of inspect_ai."""
    programs = [Path(sys.executable).parent, *([Path(INSPECT).absolute().parent] if INSPECT else [])]
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    given = {**os.environ, "HF_HOME": str(folder / "hf"), "PATH": path, **environment}
    ended = subprocess.run(words, cwd=folder, env=given, capture_output=True, text=True, timeout=500, check=False)
    assert ended.returncode == 0, f"{shlex.join(words)}\n{ended.stdout[-_LAST:]}\n{ended.stderr[-_LAST:]}"
    return ended.stdout


def lm_eval(model: Path, tasks: str, exported: Path, logs: Path, *more: str) -> list[str]:
    """The command that evaluates tasks of an export, or of lm-eval itself, on a model."""
    named = ["lm-eval", "run", "--model", "hf", "--model_args", f"pretrained={model}", "--device", "cpu"]
    where = ["--include_path", str(exported / "tasks"), "--output_path", str(logs), "--log_samples"]
    return [*named, "--tasks", tasks, *where, "--batch_size", "8", "--gen_kwargs", "max_gen_toks=8", *more]


def samples(logs: Path) -> Samples:
    """The samples of each task of the logs of lm-eval."""
    named = {path: path.name.removeprefix("samples_").rpartition("_")[0] for path in sorted(logs.rglob("samples_*"))}
    return {name: list(map(json.loads, path.read_text("utf-8").splitlines())) for path, name in named.items()}


def results(logs: Path) -> dict[str, Any]:
    """The results of the logs of lm-eval."""
    (path,) = logs.rglob("results_*.json")
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read


def answered(sample: Mapping[str, Any]) -> dict[str, Any]:
    """What a sample asks and what it got, without the row that it is made of."""
    return {key: value for key, value in sample.items() if key not in ("doc", "doc_hash")}


def identity(sample: Mapping[str, Any]) -> dict[str, Any]:
    """What the row of a sample is."""
    read: dict[str, Any] = json.loads(sample["doc"]["robust_xtreme"])
    return read

"""On CUDA: both benchmarks run and write their figures, with the device named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: none is available here"),
]
ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "reports" / "benchmarks"


def _run(script: str, *words: str) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / script), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_eval_on_cuda_is_timed(data: Path) -> None:
    """The figures name the device, and stand beside those of the CPU."""
    _run("evaluate.py", "--data", str(data), "--device", "cuda", "--out", str(FIGURES))
    assert json.loads((FIGURES / "evaluate-cuda.json").read_text())["device"].startswith("cuda: ")


def test_perturbing_on_the_machine_of_the_gpu_is_timed(data: Path) -> None:
    """The engine feeds the GPU from the processor beside it; its speed there is written too."""
    out = FIGURES / "beside-cuda"
    _run("perturb.py", "--data", str(data), "--out", str(out))
    path = out / "perturb.json"
    record = {**json.loads(path.read_text()), "device": torch.cuda.get_device_name()}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

"""On CUDA: the benchmarks run and write their figures, with the device named."""

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


def _run(script: str, *words: str, timeout: int = 280) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / script), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_eval_on_cuda_is_timed(data: Path) -> None:
    """The figures name the device, and stand beside those of the CPU."""
    _run("evaluate.py", "--data", str(data), "--device", "cuda", "--out", str(FIGURES))
    assert json.loads((FIGURES / "evaluate-cuda.json").read_text())["device"].startswith("cuda: ")


def test_eval_of_whole_xnli_on_cuda_spends_its_time_in_the_forward_pass(data: Path) -> None:
    """Of an encoder of XLM-R base's size: at most 15 % of the wall is outside the forward pass."""
    words = ("--whole", "--encoder", "base", "--device", "cuda", "--out", str(FIGURES))
    _run("evaluate.py", "--data", str(data), *words, timeout=580)
    figures = json.loads((FIGURES / "evaluate-cuda.json").read_text())["whole"]
    assert figures["device"].startswith("cuda: ")
    assert figures["overhead"][0] <= figures["most"], figures["stages"]


def test_perturbing_on_the_machine_of_the_gpu_is_timed(data: Path) -> None:
    """The engine feeds the GPU from the processor beside it; its speed there is written too."""
    out = FIGURES / "beside-cuda"
    _run("perturb.py", "--data", str(data), "--out", str(out))
    path = out / "perturb.json"
    record = {**json.loads(path.read_text()), "device": torch.cuda.get_device_name()}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

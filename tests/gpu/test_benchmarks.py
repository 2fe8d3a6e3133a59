"""On CUDA: the benchmarks run and write their figures into the folder they are given, with the device named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import resampling

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.process,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: none is available here"),
]
ROOT = Path(__file__).parents[2]


def _run(script: str, *words: str, timeout: int = 280) -> None:
    command = [sys.executable, "-m", f"benchmarks.{script}", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_eval_on_cuda_is_timed(data: Path, tmp_path: Path) -> None:
    """The figures name the device and say what it did in bf16, and a page is written beside them."""
    _run("evaluate", "--data", str(data), "--device", "cuda", "--precision", "bf16", "--out", str(tmp_path))
    figures = json.loads((tmp_path / "evaluate-cuda.json").read_text())
    assert figures["device"].startswith("cuda: ")
    assert all(0 < way["mfu"] < 1 and way["tokens_per_second"] > 0 for way in figures["model"]["ways"].values())
    assert (tmp_path / "evaluate-cuda.md").is_file()


def test_eval_of_whole_xnli_on_cuda_spends_its_time_in_the_forward_pass(data: Path, tmp_path: Path) -> None:
    """Of an encoder of XLM-R base's size: at most 15 % of the wall is outside the forward pass."""
    words = ("--whole", "--encoder", "base", "--device", "cuda", "--out", str(tmp_path))
    _run("evaluate", "--data", str(data), *words, timeout=580)
    figures = json.loads((tmp_path / "evaluate-cuda.json").read_text())["whole"]
    assert figures["device"].startswith("cuda: ")
    assert figures["overhead"][0] <= figures["most"], figures["stages"]
    assert 0 < figures["model"]["mfu"] < 1
    assert figures["model"]["busy"] is None or figures["model"]["busy"] > 0.5, figures["model"]


def test_the_host_of_a_gpu_is_timed(data: Path, tmp_path: Path) -> None:
    """The figures of every kind of target are kept under a label, and their page is written."""
    _run("host", "--data", str(data), "--device", "cuda", "--rows", "20", "--label", "now", "--out", str(tmp_path))
    (record,) = json.loads((tmp_path / "host-cuda.json").read_text())
    assert record["device"].startswith("cuda: ")
    assert "mini" in record["cases"]
    assert (tmp_path / "host-cuda.md").is_file()


def test_perturbing_on_the_machine_of_the_gpu_is_timed(data: Path, tmp_path: Path) -> None:
    """The engine runs on the processor beside the GPU; its figures and their page are written."""
    _run("perturb", "--data", str(data), "--out", str(tmp_path))
    assert json.loads((tmp_path / "perturb.json").read_text())["about"]
    assert (tmp_path / "perturb.md").is_file()


def test_resampling_on_cuda_is_timed() -> None:
    """The figures name the device, and its joint bounds are those of the CPU to rounding."""
    figures = resampling.measure((2, 3, 90), 400, 1, "cuda")
    assert figures["cuda"]["seconds"] > 0
    assert f"With {figures['cuda']['device']}: " in resampling.page(figures)
    answers = resampling.sample((2, 3, 90), 3)
    cpu, cuda = resampling.joint(answers, 400), resampling.joint(answers, 400, resampling.on_cuda())
    assert np.abs(cuda - cpu).max() < 1e-9

"""On CUDA: training computes what it computes on the CPU, continues to the same weights, and learns in bf16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.encoders import encoder_folder
from tests.lessons import lessons

from robust_xtreme import train
from robust_xtreme.training import stage
from robust_xtreme.training.loop import Options, Progress

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: none is available here"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lessons and a tiny encoder."""
    folder = tmp_path_factory.mktemp("training")
    lessons(folder / "data")
    encoder_folder(folder / "encoder", "xlm_roberta")
    return folder


def _weights(home: Path, out: str, options: Options | None = None, **changed: Any) -> dict[str, torch.Tensor]:
    words: dict[str, Any] = {
        "task": "panx",
        "intermediate": {"tasks": ["xnli"], "steps": 6, "batch_size": 8},
        "steps": 12,
    }
    where = {"data": str(home / "data"), "encoder": str(home / "encoder"), "out": str(home / out / "run")}
    run = train(options=options, **{**words, "batch_size": 8, "device": "cuda", **where, **changed})
    return load_file(run / "model" / "model.safetensors")


@pytest.mark.parametrize("optimizer", ["adamw_fused", "adamw"])
def test_rows_without_inputs_decay_as_the_optimizer_decays_them(
    optimizer: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last rows of the word embeddings, which no lesson has, have the bits that training all rows gives them."""
    values: dict[str, Any] = {"recipe": "x-stilts", "optimizer": optimizer, "lr": 5e-3}
    few = _weights(home, f"few-{optimizer}", **values)
    monkeypatch.setattr(stage, "rows_of", lambda *_: None)
    whole = _weights(home, f"whole-{optimizer}", **values)
    (name,) = (name for name in few if name.endswith("word_embeddings.weight"))
    rows = (few[name] - load_file(home / "encoder" / "model.safetensors")[name]).abs().amax(dim=1) < 1e-4
    assert rows.any()
    assert torch.equal(few[name][rows], whole[name][rows])


def _apart(first: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max(float((first[name] - other[name]).abs().max()) for name in first)


class _Stopped(Exception):
    """Represents the death of a process."""


def _stop(at: Progress) -> None:
    if (at.stage, at.step) == ("target", 7):
        raise _Stopped


def test_a_run_on_cuda_continues_to_the_same_weights(home: Path) -> None:
    """Stopped in the middle of an epoch and started again, the weights are those of an unbroken run."""
    whole = _weights(home, "whole")
    with pytest.raises(_Stopped):
        _weights(home, "broken", Options(watch=_stop, save_seconds=0.0))
    assert _apart(_weights(home, "broken"), whole) == 0.0


def test_parts_of_batches_compute_what_one_does(home: Path) -> None:
    """A batch in four passes moves the weights as a whole one does, but for dropout, which draws otherwise."""
    assert _apart(_weights(home, "four", accumulate=4, lr=1e-6), _weights(home, "one", lr=1e-6)) < 1e-3


def test_bf16_learns(home: Path) -> None:
    """Mixed precision moves the weights about as far as fp32, and keeps them in fp32."""
    weights = _weights(home, "bf16", precision="bf16")
    assert all(tensor.dtype == torch.float32 and bool(torch.isfinite(tensor).all()) for tensor in weights.values())
    assert _apart(weights, _weights(home, "whole")) < 0.1

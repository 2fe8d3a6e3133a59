"""Both ways in which AdamW is computed give the same weights but for rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder

from robust_xtreme.training import learn, stage
from robust_xtreme.training.learn import Learning, learning
from robust_xtreme.training.values import from_values


def test_fused_adamw_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few steps of either end within rounding of each other."""
    made: list[Learning] = []

    def spy(*given: Any) -> Learning:
        made.append(learning(*given))
        return made[-1]

    monkeypatch.setattr(stage, "learning", spy)
    assert learn.learning is learning
    encoder, data = tiny_encoder_folder(tmp_path / "encoder"), lessons(tmp_path / "data")
    words = {"task": "panx", "steps": 4, "batch_size": 8, "device": "cpu", "data": data, "encoder": encoder}
    trained = []
    for name in ("adamw_fused", "adamw"):
        values = {**words, "optimizer": name, "out": tmp_path / name}
        trained.append(load_file(stage.train(from_values(values)) / "model" / "model.safetensors"))
    assert [part.schedule.fused for part in made] == [True, False]
    for name, weights in trained[0].items():
        assert torch.allclose(weights, trained[1][name], atol=1e-5)

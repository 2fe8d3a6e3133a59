"""What a stage's settings become in Lightning's trainer and in the optimizer."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch import Callback
from torch import nn

from robust_xtreme.files.journal import Journal
from robust_xtreme.training.loop import LoopInputs, _trainer
from robust_xtreme.training.module import Schedule, TrainingModule
from robust_xtreme.training.sampling import SamplingPlan
from robust_xtreme.training.spec import StageSpec, TrainSpec

SCHEDULE = Schedule(1.0, steps=8, warmup=4, weight_decay=0.5)


def test_the_trainer_clips_at_the_norm_asked_for_and_ends_with_the_plan(tmp_path: Path) -> None:
    """A resumed stage does the steps that are left."""
    target = StageSpec(tasks=("xnli",))
    spec = TrainSpec("mini", "encoder", target=target, device="cpu", accumulate=2, clip=0.25)
    stage = LoopInputs(
        "target", Journal(tmp_path), nn.Identity(), (), SamplingPlan((1,) * 8, 1, 0, 8), SCHEDULE, 0, spec
    )
    trainer = _trainer(stage, Callback(), begin=3)
    assert (trainer.gradient_clip_val, trainer.accumulate_grad_batches, trainer.max_steps) == (0.25, 2, 5)


def test_weights_decay_and_biases_and_norms_do_not() -> None:
    """A weight matrix is in the group that decays, a vector in the other."""
    encoder = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    groups = TrainingModule(encoder, (), SCHEDULE).configure_optimizers().param_groups
    assert {parameter.ndim: group["weight_decay"] for group in groups for parameter in group["params"]} == {
        2: 0.5,
        1: 0.0,
    }

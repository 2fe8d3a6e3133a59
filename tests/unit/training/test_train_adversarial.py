"""Adversarial training: examples under attack with the weights of the step before, the same in a continued run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.some import some
from tests.trainings import Stopped, stop_at

from robust_xtreme import train
from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.models.loading import load_checkpoint
from robust_xtreme.tasks.sources.source import load, open_source
from robust_xtreme.training.loop import Options
from robust_xtreme.training.objective import adversary, passes_of
from robust_xtreme.training.spec import StageSpec
from robust_xtreme.training.values import from_values

ATTACK = "attack_keys:0.3@queries=4"


def _values(out: Path, task: str = "xnli", **other: Any) -> dict[str, Any]:
    facts = {"data": "mini", "reported": task, "encoder": str(resources.mini("model")), "device": "cpu", "limit": "24"}
    return {
        "task": task,
        "steps": 4,
        "batch_size": 8,
        "lr": 1e-3,
        "perturb": [ATTACK],
        "out": str(out),
        **facts,
        **other,
    }


def _weights(run: Path) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


@pytest.mark.long
def test_a_run_that_was_stopped_ends_at_the_same_weights(tmp_path: Path) -> None:
    """The attacks after the saved step ask the weights that were saved."""
    whole = _weights(train(**_values(tmp_path / "whole")))
    with pytest.raises(Stopped):
        train(options=Options(watch=stop_at(3), save_seconds=0.0), **_values(tmp_path / "run"))
    assert _weights(train(**_values(tmp_path / "run"))) == whole
    assert _weights(train(**_values(tmp_path / "plain", perturb=[]))) != whole


@pytest.mark.parametrize("task", some(["xcopa", "panx", "xquad"], ("panx",)))
def test_other_families_are_attacked_too(task: str, tmp_path: Path) -> None:
    """A choice, tags and answers stay where they are in the attacked texts."""
    train(**_values(tmp_path / "run", task, steps=1, batch_size=4))


def test_an_attack_finds_what_the_present_weights_get_wrong() -> None:
    """A trained model is right on clean examples, less often on attacked ones, and its modes stay."""
    task = registry.load("task", "xnli")
    checkpoint = load_checkpoint(resources.mini("model"), task)
    examples = load(task, open_source("mini"), "en", "test").examples[:24]
    checkpoint.encoder.train()
    checkpoint.head.eval()
    attack = adversary(task, checkpoint.family, checkpoint.encoder, checkpoint.head, checkpoint.tokenizer)
    before = torch.random.get_rng_state()
    cell = PerturbationSpec.parse(ATTACK).on("premise", "hypothesis")
    shown = attack(examples, cell, 5)
    assert torch.equal(before, torch.random.get_rng_state())
    assert checkpoint.encoder.training
    assert not checkpoint.head.training
    changed = [example.texts != was.texts for example, was in zip(shown, examples, strict=True)]
    assert 5 < sum(changed) <= 24
    assert list(attack(examples, cell, 5)) == list(shown)
    assert list(attack(examples, cell, 6)) != list(shown)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"task": "lareqa"}, "lareqa"),
        ({"perturb": [f"{ATTACK}@target=none"]}, "'none'"),
        ({"perturb": ["textattack.deepwordbug:0.1"]}, "TextAttack"),
        ({"devices": 2}, "one device"),
        ({"perturb": [f"{ATTACK}+char_noise:0.1"]}, "chain"),
    ],
)
def test_what_cannot_be_attacked_is_one_line(changed: dict[str, Any], line: str, tmp_path: Path) -> None:
    """Retrieval, a label that the task does not have, several devices, and an attack in a chain."""
    with pytest.raises(SpecError, match=line):
        train(**_values(tmp_path / "run", **changed))


def test_the_passes_of_attacks_are_counted() -> None:
    """Of two perturbations that examples draw from, one an attack with four queries: half of five passes."""
    assert passes_of(StageSpec(tasks=("xnli",), perturb=(ATTACK, "char_noise:0.1"))) == 2.5
    assert not passes_of(StageSpec(tasks=("xnli",), perturb=("char_noise:0.1",)))
    assert from_values(_values(Path("x"))).target

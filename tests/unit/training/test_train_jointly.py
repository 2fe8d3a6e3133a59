"""Several tasks learned together: batches of one task each, heads that do not meet, one run that answers all."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.learning import plan_of
from tests.lessons import COUNT, lessons
from tests.tiny import tiny_encoder, tiny_encoder_folder, tiny_tokenizer
from typer.testing import CliRunner

from robust_xtreme.cli._app import build
from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError
from robust_xtreme.models.folder import local
from robust_xtreme.models.stages import languages_of, model_facts
from robust_xtreme.tasks.sources.source import load
from robust_xtreme.training.module import Loader, Schedule, TrainingModule
from robust_xtreme.training.objective import HeadUnits, task_part
from robust_xtreme.training.sampling import SamplingPlan, epoch_batches
from robust_xtreme.training.spec import TrainSpec, defaults
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values

TASKS = ("xnli", "panx", "tydiqa")


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Release files with thirty-two lessons a task."""
    return lessons(tmp_path / "data")


def _spec(data: Path, encoder: Path, out: Path, **changed: Any) -> TrainSpec:
    facts = {"steps": 12, "batch_size": 8, "lr": 5e-3, "device": "cpu", **changed}
    return from_values({"task": ",".join(TASKS), "data": data, "out": out, "encoder": encoder, **facts})


def _several(data: Path) -> list[HeadUnits]:
    tokenizer = tiny_tokenizer()
    parts = []
    for name in TASKS:
        task = registry.load("task", name)
        family = registry.load("family", task.family)
        examples = load(task, data, "en", "train").examples
        windows = family.encode(examples, tokenizer, task.max_length, task.stride)
        parts.append(task_part(task, family, family.head(16, task.labels), windows, examples))
    return parts


@pytest.mark.parametrize("counts", [(7, 5), (40, 3, 100), (1, 1, 1)])
def test_a_batch_is_of_one_task_and_an_epoch_sees_every_window_once(counts: tuple[int, ...]) -> None:
    """No batch mixes tasks, none is left out, and a task has as many batches as its windows need."""
    starts = tuple(sum(counts[:index]) for index in range(len(counts)))
    lengths = tuple(index * 7 % 50 + 1 for index in range(sum(counts)))
    plan = SamplingPlan(lengths, 4, 1, 200, starts)
    epoch = [plan.at(step) for step in range(plan.epoch_steps)]
    assert Counter(index for batch in epoch for index in batch) == Counter(range(sum(counts)))
    parts: Counter[int] = Counter()
    for step, batch in enumerate(epoch):
        parts_of_batch = {max(part for part, start in enumerate(starts) if start <= index) for index in batch}
        assert parts_of_batch == {plan.part_of(plan.at(step)[0])}
        parts.update(parts_of_batch)
    assert [parts[part] for part in range(len(counts))] == [-(-count // 4) for count in counts]
    seen = Counter(plan.part_of(unit) for step in range(200) for unit in plan.at(step))
    assert plan.seen() == tuple(seen[part] for part in range(len(counts)))


def test_one_task_has_the_batches_that_it_had_alone() -> None:
    """Naming where the only task begins changes nothing."""
    lengths = list(range(1, 200))
    assert epoch_batches(lengths, 8, 1, 0) == epoch_batches(lengths, 8, 1, 0, (0,))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_no_heads_gradient_reaches_another(part: int, data_folder: Path) -> None:
    """A batch moves the encoder and the head of its own task; the other heads get no gradient at all."""
    torch.manual_seed(0)  # the heads' first weights, of which some have no gradient in one step
    several = _several(data_folder)
    encoder = tiny_encoder(len(tiny_tokenizer()))
    module = TrainingModule(encoder, several, Schedule(1e-3, 10, 1, 0.1))
    plan = plan_of(several, 8, 60)
    assert plan.starts == tuple(COUNT * index for index in range(len(TASKS)))
    step = next(number for number in range(plan.steps) if plan.part_of(plan.at(number)[0]) == part)
    before = [[parameter.detach().clone() for parameter in task_part.head.parameters()] for task_part in several]
    torch.autograd.backward(module.training_step(next(Loader(several, plan, 1, 0).batches(step)), 0))
    module.configure_optimizers().step()
    for index, other in enumerate(several):
        moved = [not torch.equal(old, new) for old, new in zip(before[index], other.head.parameters(), strict=True)]
        assert all(moved) == any(moved) == (index == part)
        assert all((parameter.grad is not None) == (index == part) for parameter in other.head.parameters())
    assert encoder.encoder.layer[0].output.dense.weight.grad.abs().sum() > 0


def test_a_run_of_several_tasks_has_a_head_for_each(tmp_path: Path, data_folder: Path) -> None:
    """One folder, three heads, and a record that lists the tasks."""
    encoder = tiny_encoder_folder(tmp_path / "encoder")
    whole = train(_spec(data_folder, encoder, tmp_path / "whole", steps=3))
    assert sorted(path.name for path in (whole / "heads").glob("*.safetensors")) == [
        f"{name}.safetensors" for name in sorted(TASKS)
    ]
    record = json.loads((whole / "stages" / "00-target.json").read_text(encoding="utf-8"))
    assert (record["task"], record["languages"], record["examples"]) == (",".join(TASKS), ["en"], 3 * COUNT)
    assert languages_of(local(whole), "panx") == ("en",)
    assert model_facts(local(whole), ["xnli"])["target"] == ",".join(TASKS)


def test_several_tasks_share_a_recipe_and_a_folder() -> None:
    """The longest of their recipes, and a folder that names them all; a task named twice is refused."""
    spec = from_values({"task": "xnli, tydiqa", "data": "data", "encoder": "models/base"})
    target = spec.resolved().target
    assert target is not None
    assert (target.epochs, target.batch_size, target.lr) == (5, 32, 3e-5)
    assert (defaults(target, "xtreme").warmup, defaults(target, "xtreme").weight_decay) == (500, 1e-4)
    assert spec.folder == Path("runs/xnli+tydiqa-base-s0")
    with pytest.raises(SpecError, match="twice"):
        from_values({"task": "xnli,xnli", "data": "data", "encoder": "base"})


def test_the_command_takes_several_tasks(tmp_path: Path, data_folder: Path) -> None:
    """Names with commas between them make one run, whose folder is printed; an unknown task is reported by name."""
    encoder = tiny_encoder_folder(tmp_path / "encoder")
    words = ["train", "--data", str(data_folder), "--from", str(encoder), "--steps", "2", "--batch-size", "4"]
    out = tmp_path / "run"
    result = CliRunner().invoke(build(), [*words, "--tasks", "panx,xnli", "--out", str(out), "--device", "cpu", "-q"])
    assert (result.exit_code, result.stdout.strip()) == (0, str(out))
    assert {path.stem for path in (out / "heads").iterdir()} == {"panx", "xnli"}
    wrong = CliRunner().invoke(build(), [*words, "--tasks", "panx,xnly"])
    assert (wrong.exit_code, "xnly" in wrong.output) == (2, True)

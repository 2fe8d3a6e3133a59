"""Every recipe and every run of `train` that is bundled begins with its command, resolves, and says what it should."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from tests.some import some
from typer.main import get_command

from robust_xtreme.cli._app import build
from robust_xtreme.core import resources
from robust_xtreme.core.resources import shipped
from robust_xtreme.training.spec import TrainSpec, defaults
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import spec_of

RUNS = shipped("train")
SMALL = sorted(name for name, path in RUNS.items() if resources.toml(path)["from"] == "scratch")
PAPERS = sorted(set(RUNS) - set(SMALL))
NINE = ["anli_plus", "mnli", "qqp", "squad_v2", "squad", "hellaswag", "ccg", "cosmos_qa", "commonsense_qa"]


def words(path: Path) -> list[str]:
    """The command that a file begins with, after the program's name."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    program, command, *rest = shlex.split(first.removeprefix("# "))
    assert (program, command) == ("robust-xtreme", "train")
    return rest


def parsed(path: Path) -> dict[str, Any]:
    """What Typer makes of the command; a word that it does not know is an error."""
    command = get_command(build()).commands["train"]  # type: ignore[attr-defined]  # a program with commands is a group
    return dict(command.make_context("train", words(path)).params)


def resolved(name: str, **given: Any) -> TrainSpec:
    """A run as it will be trained."""
    data = {} if "data" in resources.toml(RUNS[name]) else {"data": "DIR"}
    return spec_of(name, {**data, **given}).resolved()


@pytest.mark.parametrize("name", RUNS)
def test_a_run_begins_with_the_command_that_runs_it(name: str) -> None:
    """A reader can copy the first line; it names the file and no option that is not there."""
    assert parsed(RUNS[name])["file"] == name


@pytest.mark.parametrize("name", shipped("recipes"))
def test_a_recipe_begins_with_a_command_that_uses_it(name: str) -> None:
    """That of scratch is the default from scratch; the others are named. Each says what it is and where it is from."""
    path = shipped("recipes")[name]
    keys = parsed(path)
    assert keys["recipe"] == name or (name == "scratch" and keys["scratch"])
    assert path.read_text("utf-8").splitlines()[1].startswith('about = "')
    assert name == "scratch" or "# Source: " in path.read_text("utf-8")


@pytest.mark.parametrize("name", RUNS)
def test_a_run_resolves(name: str) -> None:
    """Every stage has its tasks, its length, batch and rate; no key is unknown."""
    spec = resolved(name)
    for stage_name, stage in spec.stages:
        stage.learned()
        assert bool(stage.tasks) == (stage_name != "mlm")
        assert stage.epochs or stage.steps
        assert stage.batch_size
        assert stage.lr
    assert spec.out.startswith("runs/")


def test_the_papers_runs_are_what_jiant_does() -> None:
    """Rate, batches, epochs, warm-up, decay and lengths of jiant, for each intermediate task and each target."""
    for name in ("paper_base", "paper_large", "paper_large_multi"):
        spec = resolved(name)
        assert (spec.recipe, spec.clip, spec.schedule, spec.precision) == ("x-stilts", 1.0, "linear", "fp32")
        first, target = (stage for _, stage in spec.stages)
        assert (first.epochs, first.batch_size, first.lr, first.sampling) == (3, 32, 1e-5, "proportional")
        assert (target.tasks, target.epochs, target.batch_size, target.lr) == (("tydiqa",), 2, 16, 1e-5)
        recipe = defaults(first, "x-stilts")
        assert (recipe.warm(1000), recipe.weight_decay) == (100, 0.01)
    epochs = {"xnli": 2, "pawsx": 5, "udpos": 10, "panx": 10, "xquad": 2, "mlqa": 2, "tydiqa": 2}
    for task, count in epochs.items():
        target = dict(resolved("paper_large", task=task).stages)["target"]
        assert (target.epochs, target.lr) == (count, 1e-5)
        assert defaults(target, "x-stilts").max_length in (0, 256)
    assert list(dict(resolved("paper_large_multi").stages)["intermediate"].tasks) == NINE


def test_xcopa_is_learned_as_xtreme_r_does() -> None:
    """Social IQa, then English COPA: five epochs each, lr 3e-5, batches of 32, no warm-up."""
    spec = resolved("xcopa")
    assert [stage.tasks for _, stage in spec.stages] == [("siqa",), ("xcopa",)]
    for _, stage in spec.stages:
        assert (stage.epochs, stage.batch_size, stage.lr) == (5, 32, 3e-5)
        assert defaults(stage, spec.recipe).warm(1000) == 0


@pytest.mark.parametrize("name", PAPERS)
def test_a_run_of_the_paper_has_a_small_one_of_its_shape(name: str) -> None:
    """The same stages and recipe, several tasks where it has several."""
    whole, small = resolved(name), resolved(f"{name}_smoke")
    assert [name for name, _ in whole.stages] == [name for name, _ in small.stages]
    assert whole.recipe == small.recipe
    pairs = zip(whole.stages, small.stages, strict=True)
    assert all((len(a.tasks) > 1) == (len(b.tasks) > 1) and a.sampling == b.sampling for (_, a), (_, b) in pairs)
    assert (whole.accumulate > 1) == (small.accumulate > 1)


@pytest.mark.parametrize("name", some(SMALL, 1))
def test_a_small_run_trains(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage of it, end to end, to a model that can be evaluated."""
    monkeypatch.chdir(tmp_path)
    spec = spec_of(name, {"device": "cpu"})
    run = train(spec)
    kinds = [path.stem.partition("-")[2] for path in sorted((run / "stages").glob("*.json"))]
    assert kinds[-1] == "target"
    assert len(kinds) == 1 + len(spec.stages)
    assert (run / "heads" / f"{dict(spec.stages)['target'].tasks[0]}.safetensors").is_file()

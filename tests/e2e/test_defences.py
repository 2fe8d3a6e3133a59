"""Defences in one table: models that learned otherwise, under the same attack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.program import program

from robust_xtreme import train
from robust_xtreme.cli._page import results_of
from robust_xtreme.core import registry, resources
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.view import View
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

ATTACK = "attack_keys:0.2@queries=4"
TRAINED = {"plain": (), "adversarial": ("attack_keys:0.2@queries=2",)}


def _attacked(model: Path, out: Path) -> Path:
    """A run of the attack on a model."""
    facts: dict[str, Any] = {
        "tasks": ("xnli",),
        "languages": ("en", "sw"),
        "data": "mini",
        "limit": "24",
        "perturb": (ATTACK,),
    }
    evaluate(RunSpec(model=(str(model),), out=str(out), **facts), cache=False)
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Runs of the attack on two models."""
    home = tmp_path_factory.mktemp("defences")
    facts: dict[str, Any] = {"task": "xnli", "data": "mini", "encoder": str(resources.mini("model")), "device": "cpu"}
    models = {
        name: train(**facts, steps=2, batch_size=8, limit="48", perturb=list(noise), out=str(home / name))
        for name, noise in TRAINED.items()
    }
    return [_attacked(model, home / "attacked" / name) for name, model in models.items()]


def test_the_table_has_a_row_for_each_defence_and_language(runs: list[Path]) -> None:
    """In the order of the runs, each with four levels and their intervals; none is better than clean."""
    view: View = registry.load("view", "defences")
    table = view.make(results_of(list(map(str, runs)))[1])
    assert table.get_column("model").to_list() == [*TRAINED] * 2
    assert table.get_column("language").to_list() == ["en"] * 2 + ["sw"] * 2
    assert (table.get_column("robust_level") <= table.get_column("clean_level")).all()
    for level in ("clean", "noise", "random", "robust"):
        inside = table.get_column(f"{level}_level").is_between(
            table.get_column(f"{level}_low"), table.get_column(f"{level}_high")
        )
        assert inside.all()


def test_of_one_run_there_is_no_such_table(runs: list[Path]) -> None:
    """One model has nothing beside it; its attacks are in their own table, as those of several runs are."""
    defences, attacks = (registry.load("view", name) for name in ("defences", "attacks"))
    alone, both = (results_of([str(run) for run in several])[1] for several in (runs[:1], runs[:2]))
    assert defences.make(alone).is_empty()
    assert 2 * attacks.make(alone).height == attacks.make(both).height > 0


def test_the_command_prints_it(runs: list[Path]) -> None:
    """`report RUN... --views defences` is the whole command."""
    shown = program("report", *map(str, runs), "--views", "defences").out
    assert "Defences" in shown
    assert "adversarial" in shown

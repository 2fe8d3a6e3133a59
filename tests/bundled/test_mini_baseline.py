"""reports/baselines/mini: the embedded model as it is accepted, which `make gate` compares a run with."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from robust_xtreme.cli._app import build
from robust_xtreme.core import registry, resources
from robust_xtreme.gating.baselines import Baseline, load
from robust_xtreme.gating.comparing import gated
from robust_xtreme.gating.document import UNDECIDED
from robust_xtreme.gating.policy import Policy
from robust_xtreme.models.located import locate
from robust_xtreme.noise.suites import asked

ROOT: Final = Path(__file__).parents[2]
STEM: Final = "reports/baselines/mini"
CURE: Final = "The embedded model has other weights than those that are accepted. If they are meant: make baseline"


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    """The baseline as it is committed."""
    return load(str(ROOT / STEM))


def accepted(baseline: Baseline) -> dict[str, str]:
    """The identity of the weights that are accepted for each task."""
    (run,) = baseline.facts["runs"]
    return {model["task"]: model["identity"] for model in run["models"]}


def identities(baseline: Baseline, folder: Path) -> dict[str, str]:
    """The identity of a model for each task of the baseline."""
    tasks = [registry.load("task", name) for name in accepted(baseline)]
    return {task.name: locate(folder, task, tasks).identity for task in tasks}


def test_the_embedded_weights_are_accepted(baseline: Baseline) -> None:
    """Other weights fail here, even where no fall is shown, until `make baseline` accepts them."""
    assert accepted(baseline) == identities(baseline, resources.mini("model")), CURE


def test_other_weights_are_not_accepted(baseline: Baseline, tmp_path: Path) -> None:
    """A bit of a weight is enough."""
    folder = Path(shutil.copytree(resources.mini("model"), tmp_path / "model"))
    weights = folder / "heads" / "xnli.safetensors"
    before = weights.read_bytes()
    after = before[:-1] + bytes([before[-1] ^ 1])
    weights.write_bytes(after)
    old, new = (hashlib.sha256(content).hexdigest() for content in (before, after))
    for record in (folder / "train.json", folder / "heads" / "xnli.json"):
        record.write_text(record.read_text("utf-8").replace(old, new), encoding="utf-8")
    others = identities(baseline, folder)
    assert not others.items() & accepted(baseline).items()


def test_the_baseline_is_whole(baseline: Baseline) -> None:
    """It has the noise of `@ci` in nine tasks, and the outcome of each item."""
    baseline.check()
    names = {row["name"] for row in baseline.facts["conditions"] if row["kind"] == "noise"}
    assert names == {link.name for cell in asked(["@ci"]) for link in cell.cell.links}
    assert (baseline.paired, len(baseline.tasks)) == (True, 9)


def test_another_machine_does_not_fail(baseline: Baseline) -> None:
    """Where rounding turns one right answer of each cell into a wrong one, rows are undecided, and none fails."""
    changed = {}
    for key, cell in baseline.runs[0].items():
        sums = cell.sums.copy()
        sums[:, sums[0, :, 0].argmax(), 0] -= 1
        changed[key] = replace(cell, sums=sums)
    decided = gated(baseline, replace(baseline, runs=(changed,)), Policy(), date.today())
    assert decided.passed
    assert decided.counts[UNDECIDED]


def test_the_commands_of_make_are_those_of_the_baseline(baseline: Baseline) -> None:
    """`make gate` and `make baseline` have options of the commands, and the limit and languages of what is accepted."""
    lines = (ROOT / "Makefile").read_text("utf-8")
    options = re.findall(r"^CI := (.*)$", lines, re.MULTILINE)[0]
    words = shlex.split(options)
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert given["--limit"] == baseline.facts["asked"]["limit"]
    assert {*given["--languages"].split(",")} == {row["language"] for row in baseline.facts["data"]}
    commands = get_command(build()).commands  # type: ignore[attr-defined]  # a program with commands is a group
    for name, rest in re.findall(r"\$\(BIN\)/robust-xtreme (\w+) (.*)", lines):
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert {*re.findall(r"--[\w-]+", rest.replace("$(CI)", options))} <= known, name
    assert lines.count(f"--baseline {STEM}") == 1

"""docs/gate.md: each of its commands runs in its order, in an empty folder; its files for CI are right."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

import pytest
import typer.main
import yaml
from tests.github import ACTION, environment, run_script
from tests.program import program

from robust_xtreme.cli._app import build
from robust_xtreme.gating.policy import read

PAGE: Final = (Path(__file__).parents[2] / "docs" / "gate.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The contents of the page's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands() -> list[str]:
    """The lines of the page's shell blocks that run the program, in its order; others install it."""
    return [line for block in blocks("sh") for line in block.splitlines() if line.startswith("robust-xtreme ")]


def check_run(line: str) -> None:
    """Run a command of the page, on few rows, with exit code 0."""
    words = shlex.split(line)[1:]
    if words[0] == "eval":
        words += ["--limit", "120"]
    ended = program(*words)
    assert ended.code in (0, None), (line, ended.err)


def test_every_command_is_one_of_the_program() -> None:
    """Each command of the page, of its job and of its recipe has options that the program knows."""
    job = yaml.safe_load(blocks("yaml")[1])["gate"]["script"]
    lines = commands() + job[1:]
    lines += [line.partition(" || ")[0] for line in blocks("bash")[0].splitlines() if line.startswith("robust-xtreme ")]
    every = typer.main.get_command(build())
    for name, *words in (shlex.split(line)[1:] for line in lines):
        every.commands[name].make_context(name, words)  # type: ignore[attr-defined]  # a group has commands
    assert len(lines) > 5


@pytest.mark.long
def test_every_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With exit code 0: the same model is not worse than itself; files that are named are there.

    After those of the page, with its file of a run, the lines of the job for GitLab, and the recipe for a shell.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ci.toml").write_text(blocks("toml")[1] + 'limit = "120"\n', encoding="utf-8")
    for line in commands():
        check_run(line)
    exec(compile(blocks("python")[0], "docs/gate.md", "exec"), {})
    job = yaml.safe_load(blocks("yaml")[1])["gate"]
    assert job["script"][0] == "pip install robust-xtreme"
    for line in job["script"][1:]:
        check_run(line)
    artifacts = [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    names = ("gate.md", "gate.xml", "difference.html", "difference.csv", *artifacts)
    assert all((tmp_path / name).is_file() for name in names)
    code, printed = run_script(blocks("bash")[0], tmp_path, environment(tmp_path))
    assert (code, printed.splitlines()[-1]) == (0, "The gate passed."), printed


def test_the_workflow_passes_inputs_of_the_action() -> None:
    """Its file is YAML, and each input of the action is on the page, as each output is."""
    workflow = yaml.safe_load(blocks("yaml")[0])
    assert workflow["permissions"]["pull-requests"] == "write"
    action = yaml.safe_load(ACTION.read_text("utf-8"))
    (step,) = [step for step in workflow["jobs"]["gate"]["steps"] if "/robust-xtreme@" in step["uses"]]
    assert step["with"].keys() <= action["inputs"].keys()
    names = [*action["inputs"], *action["outputs"]]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_policy_is_one(tmp_path: Path) -> None:
    """The first block of TOML is read."""
    (tmp_path / "gate.toml").write_text(blocks("toml")[0], encoding="utf-8")
    policy = read(tmp_path / "gate.toml")
    assert (policy.margin, len(policy.rules), len(policy.accepted)) == (2.0, 1, 1)

"""docs/training.md and README.md say of training what the program takes: keys, defaults, options, commands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from tools.training_page import page
from typer.main import get_command

from robust_xtreme.cli._app import build
from robust_xtreme.cli._options import passed
from robust_xtreme.core.keys import keys, written
from robust_xtreme.training.spec import STAGE_NAMES, StageSpec, TrainSpec, from_tables
from robust_xtreme.training.values import spec_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "training.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
NOT_SPEC = ("file", "seeds", "on", "plan", "force", "quiet", "verbose", "help")


def test_the_page_has_every_key() -> None:
    """The tables of the keys of a run and of a stage are those that the specs give, with defaults and help."""
    assert page(PAGE) == PAGE, "write them again: make generated"
    assert all(f"### {heading}\n\n| key" in PAGE for heading in ("Keys of a run", "Keys of a stage"))


def test_the_help_has_every_key() -> None:
    """An option's help is that of its key, and its name the key's."""
    command = get_command(build()).commands["train"]  # type: ignore[attr-defined]  # a program with commands is a group
    options = {param.opts[0]: param for param in command.params}
    for kind in (TrainSpec, StageSpec):
        for name, (_, key) in keys(kind).items():
            option = options.get(f"--{written(name).replace('_', '-')}")
            if key.panel:
                assert option is not None
                assert option.help.lower().startswith(key.help.replace("`", "").lower())
                assert option.rich_help_panel == key.panel


def commands(text: str) -> list[str]:
    """The commands of `train` in blocks of shell, without their comments, the shell's variables put in."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    commands_shown = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    variables = dict(re.findall(r'^(\w)="(.*)"$', "\n".join(commands_shown), re.MULTILINE))
    shown = [line for line in commands_shown if line.startswith("robust-xtreme train")]
    return [re.sub(r"\$(\w)", lambda name: variables[name[1]], line) for line in shown]


@pytest.mark.parametrize("line", [*commands(README), *commands(PAGE)])
def test_a_command_is_a_run(line: str) -> None:
    """Each command that is shown has options that exist, with values that they take."""
    command = get_command(build()).commands["train"]  # type: ignore[attr-defined]  # a program with commands is a group
    given = command.make_context("train", shlex.split(line)[2:]).params
    lists = ("task", "intermediate", "reported", "languages", "log")
    words = passed({name: value for name, value in given.items() if name not in NOT_SPEC}, lists)
    if given["file"] in ("FILE.toml", "mine.toml"):
        return
    spec = spec_of(given["file"], words).resolved()
    assert all(stage.learned() or name == "mlm" for name, stage in spec.stages)


def test_the_file_that_is_shown_is_a_run() -> None:
    """The block of TOML reads as a run with three stages."""
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    runs = [tomllib.loads(block) for block in blocks if "[target]" in block]
    assert len(runs) == 1
    assert [name for name, _ in from_tables(runs[0]).resolved().stages] == list(STAGE_NAMES)

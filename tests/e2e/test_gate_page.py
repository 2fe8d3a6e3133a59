"""docs/gate.md: each of its commands runs in its order, in an empty folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

import pytest
from tests.program import program

from robust_xtreme.gating.policy import read

PAGE: Final = (Path(__file__).parents[2] / "docs" / "gate.md").read_text("utf-8")


def test_every_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With exit code 0: the same model is not worse than itself; files that are named are there."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in (line for block in blocks for line in block.splitlines()):
        words = shlex.split(line)[1:]
        if words[0] == "eval":
            words += ["--limit", "60"]
        ended = program(*words)
        assert ended.code in (0, None), (line, ended.err)
    names = ("gate.md", "gate.xml", "difference.html", "difference.csv")
    assert all((tmp_path / name).is_file() for name in names)


def test_the_policy_is_one(tmp_path: Path) -> None:
    """The block of TOML is read."""
    (tmp_path / "gate.toml").write_text(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0], encoding="utf-8")
    policy = read(tmp_path / "gate.toml")
    assert (policy.margin, len(policy.rules), len(policy.accepted)) == (2.0, 1, 1)

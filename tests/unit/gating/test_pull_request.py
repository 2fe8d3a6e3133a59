"""Outputs and the summary of a step, whatever names and texts contain."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.finished_runs import finished_run
from tests.github import assigned
from tests.program import FULL, program

from robust_xtreme.gating import pull_request


def test_an_output_has_one_value(tmp_path: Path) -> None:
    """A value with lines that look like outputs, or like the end of one, is one value."""
    value = "a\npassed=true\npassed<<end\ntrue\nend\nb"
    assert assigned(pull_request._assigned("worst-cell", value) + pull_request._assigned("passed", "false")) == {
        "worst-cell": value,
        "passed": "false",
    }
    assert pull_request._assigned("x", "") != pull_request._assigned("x", "")


def test_a_step_gets_outputs(tmp_path: Path) -> None:
    """Facts of the gate that are not rounded, and its files."""
    old, new = finished_run(tmp_path / "old", 0.9), finished_run(tmp_path / "new", 0.5)
    output, data = tmp_path / "output", tmp_path / "gate.json"
    words = ("gate", str(new), "--baseline", str(old), "-o", str(data))
    assert program(*words, GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(output)).code == 1
    values, facts = assigned(output.read_text("utf-8")), json.loads(data.read_text("utf-8"))
    assert values == {
        "passed": "false",
        "outcome": "failed",
        "regressions": str(facts["counts"]["regressed"]),
        "undecided": str(facts["counts"]["undecided"]),
        "all-ok": "false",
        "worst-cell": facts["worst_cell"],
        "worst-change": repr(facts["worst_change"]),
        "json-path": str(data),
    }


@pytest.mark.parametrize("name", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
def test_a_pipe_as_file_of_a_step_is_refused(tmp_path: Path, name: str) -> None:
    """In one line that names it, instead of waiting for a reader; so are a link to it and a pipe as report."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    run = str(finished_run(tmp_path / "run"))
    for path in (tmp_path / "pipe", tmp_path / "link"):
        ended = program("gate", run, "--baseline", run, GITHUB_ACTIONS="true", **{name: str(path)})
        assert (ended.code, ended.err.count("\n"), f"{path} is a pipe" in ended.err) == (2, 1, True)


@pytest.mark.parametrize("name", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
def test_a_step_on_a_full_disk_is_the_environment(tmp_path: Path, name: str) -> None:
    """One line that names the file, with the exit code of the disk."""
    run = str(finished_run(tmp_path / "run"))
    ended = program("gate", run, "--baseline", run, GITHUB_ACTIONS="true", **{name: str(FULL)})
    assert (ended.code, f"{FULL} cannot be written" in ended.err) == (3, True)

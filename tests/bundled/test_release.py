"""What a release is made of: its version in every place, and a workflow that no tag or branch of others can change."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from robust_xtreme import __version__

ROOT = Path(__file__).parents[2]
WORKFLOW = Path(".github/workflows/release.yml")


def _yaml(path: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((ROOT / path).read_text("utf-8"))
    return values


def test_the_version_is_the_same_in_every_place() -> None:
    """That of the package, its metadata, the citation and the top of the changelog."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    top = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert top is not None
    assert {project["version"], _yaml("CITATION.cff")["version"], top[1]} == {__version__}


def test_only_the_job_that_publishes_has_rights() -> None:
    """It has an identity and no password, runs no code of the checkout, and needs the tests and who tried the files."""
    workflow = _yaml(str(WORKFLOW))
    publish = workflow["jobs"].pop("publish")
    assert workflow["permissions"] == {}
    assert [job["permissions"] for job in workflow["jobs"].values()] == [{"contents": "read"}] * 3
    assert publish["permissions"] == {"id-token": "write", "attestations": "write"}
    assert (publish["needs"], publish["environment"]["name"]) == (["test", "build", "try"], "pypi")
    assert [step for step in publish["steps"] if "run" in step or "password" in step.get("with", {})] == []


def test_the_built_wheel_is_tried_on_each_python_that_is_promised() -> None:
    """One job of each Python among the classifiers takes the files that the build made, and none builds others."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    promised = [line.rpartition(" ")[2] for line in project["classifiers"] if "Python :: 3." in line]
    job = _yaml(str(WORKFLOW))["jobs"]["try"]
    assert (job["needs"], job["strategy"]["matrix"]) == ("build", {"python": promised})
    (python,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@")]
    assert python["with"]["python-version"] == "${{ matrix.python }}"
    assert [step["run"] for step in job["steps"] if step.get("run", "").startswith("make ")] == ["make try-dist"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "\ntry-dist: $(READY)\n" in makefile  # nothing that builds the wheel again


def _audited(*paths: Path) -> subprocess.CompletedProcess[str]:
    """What zizmor says of workflows and actions, without a connection."""
    program = Path(sys.executable).with_name("zizmor")
    words = [str(program), "--offline", "--no-progress", "--persona", "pedantic", *map(str, paths)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.process
def test_zizmor_finds_nothing_in_the_workflow_and_the_action(tmp_path: Path) -> None:
    """With a tag in place of one hash it does."""
    done = _audited(ROOT / WORKFLOW, ROOT / "action.yml")
    assert done.returncode == 0, done.stdout
    moved = shutil.copytree(ROOT / ".github", tmp_path / ".github") / "workflows/release.yml"
    moved.write_text(re.sub(r"(actions/checkout)@\w+ #", r"\1@v6 #", moved.read_text("utf-8")), encoding="utf-8")
    assert "unpinned-uses" in _audited(moved).stdout

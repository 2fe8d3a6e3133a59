"""The list of libraries that reading and gating finished runs needs, and the message where a large one is missing."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from packaging import markers
from packaging.requirements import Requirement
from tools import lock

from robust_xtreme.cli._errors import exit_code_of
from robust_xtreme.core import resources
from robust_xtreme.core.errors import LARGE, NotInstalled, plain
from robust_xtreme.report.samples import part

ROOT = Path(__file__).parents[3]
LINE = "This needs torch, which is not installed. Install all that is missing: pip install robust-xtreme"


def _pins(name: str) -> dict[str, str]:
    lines = (ROOT / "locks" / name).read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_the_list_of_the_gate_is_the_dependencies_without_the_large_ones() -> None:
    """Its pins are among those that the checks run with; the others need torch or the hub."""
    pins = _pins("gate.txt")
    assert pins.items() <= _pins("default.txt").items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    missing = {Requirement(line).name for line in project["dependencies"]} - pins.keys()
    assert missing == {*(name.replace("_", "-") for name in LARGE - {"faiss"}), "faiss-cpu"}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lists_have_all_that_each_python_needs(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No requirement of what is installed holds on one Python alone: a list that was written on one is that of all.

    Where torch is built for GPUs it needs their libraries, too.
    """
    here = {**markers.default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    monkeypatch.setattr(markers, "default_environment", lambda: here)
    assert lock.closure((), lock._LARGE).keys() == _pins("gate.txt").keys()
    missing = lock.closure(()).keys() - _pins("default.txt").keys()
    assert [name for name in missing if not name.startswith(("cuda-", "nvidia-", "triton"))] == []


def test_a_large_library_that_is_missing_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The program and Python say which, and how to install it; any other module that is missing is an error in code."""

    def fails(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    assert exit_code_of(lambda: fails("torch.nn")) == 3
    assert capsys.readouterr().err == f"robust-xtreme: {LINE}\n"
    with pytest.raises(NotInstalled, match=LINE), plain():
        fails("torch")
    with pytest.raises(ModuleNotFoundError, match="theirs"), plain():
        fails("theirs")


def test_without_the_library_examples_have_no_subwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the tokenizer is not on this machine."""
    path = next(resources.mini("model").rglob(part.TOKENIZER)).parent
    made = part._loaded(path)
    assert made is not None
    assert made("Habari")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert part._loaded(path) is None

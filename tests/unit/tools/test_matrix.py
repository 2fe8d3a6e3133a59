"""Environments of tools/matrix.py: what pip may take in each, whose turn it is, and what their figures say."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from tools import matrix
from tools.matrix import (
    ENVIRONMENTS,
    FAST,
    FIGURES,
    LOCK,
    PAGE,
    ROTATED,
    Environment,
    constraints,
    counted,
    differences,
)

PROJECT = """[project]
dependencies = ["datasets>=4", "torch>=2.11", "transformers>=4.57.1,<6"]
"""
LOCKED = """# a lock
datasets==5.2.0
hypothesis==6
nlpaug==1.1.11
pytest==9
pytest-timeout==2
statsmodels==0.14
torch==2.13.0
"""
HEAD = "task,split,language,context_language,condition,metric,scope,value\n"


def test_the_lowest_versions_are_the_lower_bounds_and_torch_is_never_free() -> None:
    """No environment lets pip choose torch, which may be a build of gigabytes."""
    pins = constraints(Environment("lowest", "3.11", "lowest"), PROJECT, LOCKED)
    assert {"datasets==4", "transformers==4.57.1", "torch==2.13.0", "pytest==9"} <= set(pins)
    assert "datasets==5.2.0" in constraints(Environment("3.12", "3.12", "lock"), PROJECT, LOCKED)
    for environment in (each for each in ENVIRONMENTS if each.libraries != "gate"):  # which has none
        assert "torch==2.13.0" in constraints(environment, PROJECT, LOCKED)
    pinned = Environment("four", "3.11", "newest", ("transformers==4.57.6",))
    assert {"torch==2.13.0", "transformers==4.57.6"} <= set(constraints(pinned, PROJECT, LOCKED))


def test_each_day_has_its_python() -> None:
    """The same commit tries the same one; two days after each other try different ones."""
    assert [matrix.turn(day) for day in range(4)] == [*ROTATED, *ROTATED]
    assert set(ROTATED) <= {each.name for each in ENVIRONMENTS}


def test_without_such_a_python_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Continuous integration says so and goes on."""
    monkeypatch.setattr(matrix, "interpreter", {}.get)
    assert matrix.main(["--rotate"]) == 0
    assert "no other version was tried" in capsys.readouterr().out


def test_tests_that_failed_are_named() -> None:
    """An error counts as a failure does, and neither counts as passed."""
    cases = "<testcase classname='a' name='b'/><testcase classname='a' name='c'><skipped/></testcase>"
    wrong = "<testcase classname='a' name='d'><failure/></testcase><testcase classname='e' name=''><error/></testcase>"
    of = counted(f"<testsuites><testsuite>{cases}{wrong}</testsuite></testsuites>")
    assert of == {"passed": 1, "skipped": 1, "failed": ["a::d", "e::"]}


def test_levels_are_compared_row_by_row() -> None:
    """In some languages, their rows alone; a row that is not in both is as far away as can be."""
    kept = f"{HEAD}xnli,test,sw,sw,clean,accuracy,all,80\nxnli,test,zh,zh,clean,accuracy,all,70\n"
    assert differences(f"{kept}xnli,test,sw,sw,clean,accuracy,en,80\n", kept) == (3, 1, 100.0)
    assert differences(kept, kept) == (2, 0, 0.0)
    assert differences(kept, f"{HEAD}xnli,test,sw,sw,clean,accuracy,all,80.5\n") == (1, 1, 0.5)
    assert differences(kept, f"{HEAD}xnli,test,de,de,clean,accuracy,all,80\n") == (1, 1, 100.0)


def test_the_page_is_what_its_figures_say() -> None:
    """reports/matrix.md has the bytes that reports/matrix.json gives, of environments that the tool has."""
    figures = json.loads(FIGURES.read_text("utf-8"))
    assert set(figures) <= {each.name for each in ENVIRONMENTS}
    assert PAGE.read_text("utf-8") == matrix.page(figures)
    assert [path for path in FAST if not (matrix.ROOT / path).exists()] == []


def test_pythons_that_are_promised_were_tried() -> None:
    """The classifiers of pyproject.toml are the Pythons with the lock in which all was tried, and nothing failed."""
    project = tomllib.loads(Path(matrix.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {line.rpartition(" ")[2] for line in project["classifiers"] if "Python :: 3." in line}
    figures = json.loads(FIGURES.read_text("utf-8"))
    whole = {name: each for name, each in figures.items() if each["libraries"] == "lock"}
    assert named <= whole.keys()
    assert [name for name in sorted(named) if not {"commands", "eval", "tests", "train"} <= whole[name].keys()] == []
    assert [name for name in sorted(named) if matrix.failures(whole[name])] == []
    assert LOCK.is_file()

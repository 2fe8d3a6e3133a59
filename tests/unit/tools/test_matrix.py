"""Environments of tools/matrix.py: what pip may take in each, whose turn it is, and what their figures say."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from tools import matrix
from tools.matrix import (
    ENVIRONMENTS,
    FIGURES,
    LOCKS,
    PAGE,
    ROTATED,
    TESTS,
    Environment,
    constraints,
    counted,
    differences,
)

PROJECT = """[project]
dependencies = ["datasets>=4", "torch>=2.11", "transformers>=4.57.1,<6"]
"""
LOCKED = "# a lock\n" + "".join(
    f"{pin} \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n"
    for pin in (
        "datasets==5.2.0",
        "hypothesis==6",
        "nlpaug==1.1.11",
        "pytest==9",
        "pytest-timeout==2",
        "statsmodels==0.14",
        "torch==2.13.0",
    )
)
HEAD = "task,split,language,context_language,condition,metric,scope,value\n"


def test_the_lowest_versions_are_the_lower_bounds_and_torch_is_never_free() -> None:
    """No environment lets pip choose torch, which may be a build of gigabytes."""
    pins = constraints(Environment("lowest", "3.11", "lowest"), PROJECT, LOCKED)
    assert {"datasets==4", "transformers==4.57.1", "torch==2.13.0", "pytest==9"} <= set(pins)
    for environment in (each for each in ENVIRONMENTS if each.libraries in ("lowest", "newest")):  # not by a lock
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
    kept = json.loads(FIGURES.read_text("utf-8"))
    assert set(kept["environments"]) <= {each.name for each in ENVIRONMENTS}
    assert PAGE.read_text("utf-8") == matrix.page(kept)
    assert [path for path in TESTS if not (matrix.ROOT / path).exists()] == []


def test_the_page_says_which_share_of_the_tests_ran_and_under_which_load() -> None:
    """The share is by the counts that the tool kept; each row has its load, and what passed is named."""
    kept = json.loads(FIGURES.read_text("utf-8"))
    counts = {"date": "2026-01-02", "listed": 30, "all": 1200}
    text = matrix.page({**kept, "tests": counts}).replace("\n", " ")
    assert "30 of the 1,200 tests without these marks (2 %), as counted on 2026-01-02" in text
    loads = ["{}, {} |".format(*each["machine"]["load"]) for each in kept["environments"].values()]
    assert [load for load in loads if load not in text] == []
    assert "Nothing of what was run failed: " in text
    kept["environments"]["3.11"]["train"] = {"code": 3, "processor": 1.0, "line": "no room"}
    text = matrix.page(kept)
    assert "- 3.11: train ended with 3: no room\n" in text
    assert "Nothing of what" not in text


def test_tests_are_counted_by_their_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is that of the tests that are left; where none can be collected nothing is written."""
    printed = ["641/926 tests collected (285 deselected) in 6.88s\n", "10753 tests collected in 2s\n"]
    monkeypatch.setattr(matrix, "run", lambda *_, **__: matrix.Ended(0, 1.0, 1.0, printed.pop(0)))
    counts = matrix.count()
    assert (counts["listed"], counts["all"]) == (641, 10753)
    monkeypatch.setattr(matrix, "run", lambda *_, **__: matrix.Ended(2, 1.0, 1.0, "1 error in 1s\n"))
    with pytest.raises(SystemExit, match="1 error"):
        matrix.count()


def test_counting_tries_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--count` writes the counts and the page, and keeps the figures of all environments."""
    kept = json.loads(FIGURES.read_text("utf-8"))
    monkeypatch.setattr(matrix, "FIGURES", tmp_path / "matrix.json")
    monkeypatch.setattr(matrix, "PAGE", tmp_path / "matrix.md")
    (tmp_path / "matrix.json").write_text(json.dumps(kept), encoding="utf-8")
    counts = {"date": "2026-01-02", "listed": 30, "all": 1200}
    monkeypatch.setattr(matrix, "count", lambda: counts)
    assert matrix.main(["--count"]) == 0
    assert json.loads((tmp_path / "matrix.json").read_text("utf-8")) == {**kept, "tests": counts}
    assert "30 of the 1,200 tests" in (tmp_path / "matrix.md").read_text("utf-8").replace("\n", " ")


def test_pythons_that_are_promised_were_tried() -> None:
    """The classifiers of pyproject.toml are the Pythons with the lock in which each trial was made, and none failed."""
    project = tomllib.loads(Path(matrix.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {line.rpartition(" ")[2] for line in project["classifiers"] if "Python :: 3." in line}
    figures = json.loads(FIGURES.read_text("utf-8"))["environments"]
    whole = {name: each for name, each in figures.items() if each["libraries"] == "lock"}
    assert named <= whole.keys()
    assert [name for name in sorted(named) if not {"commands", "eval", "tests", "train"} <= whole[name].keys()] == []
    assert [name for name in sorted(named) if matrix.failures(whole[name])] == []
    assert (LOCKS / "default.txt").is_file()

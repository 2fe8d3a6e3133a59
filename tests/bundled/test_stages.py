"""The meter of benchmarks/stages.py: the seconds of each stage itself, by thread; and the data that it is run on."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from benchmarks import stages
from benchmarks.evaluate import page

NAP = 0.05


def _figures() -> dict[str, Any]:
    package = SimpleNamespace(inner=lambda: time.sleep(2 * NAP))

    def outer() -> None:
        package.inner()
        time.sleep(NAP)

    package.outer = outer
    texts = (package.outer, package.inner)

    def evaluation() -> None:
        package.outer()
        beside = threading.Thread(target=lambda: package.inner())
        beside.start()
        beside.join()

    with patch.object(stages, "TIMED", ((package, "outer", "judge"), (package, "inner", stages.FORWARD))):
        figures = stages.measured(evaluation, frozenset())
    assert (package.outer, package.inner) == texts
    return figures


def test_a_stage_has_its_own_seconds_by_thread() -> None:
    """Time within another stage counts for that stage; threads are distinguished, and no wrapper stays."""
    figures = _figures()
    rows = {(stage, thread): wall for stage, thread, wall, _ in figures["stages"]}
    assert set(rows) == {("judge", stages.MAIN), (stages.FORWARD, stages.MAIN), (stages.FORWARD, stages.BESIDE)}
    assert NAP <= rows["judge", stages.MAIN] < 2 * NAP <= rows[stages.FORWARD, stages.MAIN]


def test_overhead_is_the_wall_without_the_forward_pass_of_the_main_thread() -> None:
    """The overhead is one sleep of scoring and two of another thread, of five sleeps in all."""
    overhead, _ = _figures()["overhead"]
    assert overhead == pytest.approx(3 / 5, abs=0.1)


def test_every_function_that_is_timed_is_there() -> None:
    """A function of the package that is renamed is renamed in the benchmark too."""
    assert [name for owner, name, _ in stages.TIMED if not callable(getattr(owner, name, None))] == []
    assert {stage for _, _, stage in stages.TIMED} == set(stages.ORDER)


def test_a_language_without_a_test_file_gets_rows_of_its_dev_file_and_no_pair_twice(tmp_path: Path) -> None:
    """As many rows as the test has, each premise with other hypotheses in the second round."""
    (tmp_path / "xnli").mkdir()
    rows = [f"premise {n // 3}\thypothesis {n}\tneutral\n" for n in range(2490)]
    (tmp_path / "xnli" / "dev-bg.tsv").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "xnli" / "test-de.tsv").write_text("a\tb\tneutral\n", encoding="utf-8")
    folder, repeated = stages.whole_data(tmp_path, tmp_path / "out", ("bg", "de"))
    assert repeated == ["bg"]
    assert (folder / "xnli" / "test-de.tsv").read_text(encoding="utf-8") == "a\tb\tneutral\n"
    made = (folder / "xnli" / "test-bg.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    assert made[:2490] == rows
    assert len(made) == stages.ROWS
    assert len(set(made)) == stages.ROWS


def test_the_page_has_the_stages_and_what_no_stage_has() -> None:
    """Shares are of wall time, which other threads have none of, and of processor time."""
    about = {"words": "--whole", "languages": 15, "perturb": "n", "predictions": 2, "encoder": "4 x 256", "tokens": 2.0}
    machine = {"batch_tokens": 9, "device": "cpu", "threads": 2, "versions": "v", "repeated": [], "load": [0.1, 0.2]}
    figures = {"seconds": [10.0, 20.0], "stages": [["score", "beside", 1.0, 1.0], ["forward", "main", 9.0, 18.0]]}
    rest = {"overhead": [0.1, 0.1], "most": 0.15, "cores": 2}
    text = page({"whole": {**about, **machine, **figures, **rest}})
    assert "| score | beside | 1.0 | - | 1.0 | 5.0% |" in text
    assert "| forward | main | 9.0 | 90.0% | 18.0 | 90.0% |" in text
    assert "| not in a stage | all | 1.0 | 10.0% | 1.0 | 5.0% |" in text

"""What `eval --plan` prints: what is left to compute, in a screen."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.release import release
from tests.tiny import tiny_run

from robust_xtreme.core.errors import duration
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run.estimate import estimate
from robust_xtreme.run.run import Observer, evaluate

pytestmark = pytest.mark.usefixtures("unpaged")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with two heads, and release files."""
    folder = tmp_path_factory.mktemp("planned")
    tiny_run(folder / "tiny", ("xnli", "panx"))
    release(folder / "data")
    return folder


@pytest.fixture
def spec(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    """A run of one task in one language, with a cache of its own."""
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    model, data = str(made / "tiny"), str(made / "data")
    return RunSpec((model,), data, ("panx",), ("en",), limit="8", device="cpu", out=str(tmp_path / "out"))


def files(folder: Path) -> list[str]:
    """Every path below a folder."""
    return sorted(map(str, folder.rglob("*")))


def cached(lines: list[str]) -> int:
    """The number of predictions that a plan finds in the cache."""
    counts = re.findall(r"about ([\d,]+) of them from the cache", "\n".join(lines))
    return int(counts[0].replace(",", "")) if counts else 0


def _tokens(lines: list[str]) -> int:
    """The tokens that a plan counts in all."""
    (count,) = re.findall(r"about ([\d,]+) tokens to read", "\n".join(lines))
    return int(count.replace(",", ""))


def test_a_plan_counts_what_is_there(spec: RunSpec, tmp_path: Path) -> None:
    """Nothing, then the finished run, then what the cache has of a run with one more strength; nothing is written."""
    assert cached(estimate(spec)) == 0
    assert files(tmp_path) == []
    evaluate(replace(spec, perturb=("char_noise:0.1",)))
    before = files(tmp_path)
    run = replace(spec, perturb=("char_noise:0.1",))
    (line,) = estimate(run)
    assert "nothing to compute" in line
    more = replace(spec, perturb=("char_noise:0.1,0.9",), out=str(tmp_path / "more"))
    lines = estimate(more)
    assert "3 cells, 24 predictions, about 16 from" in lines[0]
    assert cached(lines) == 16
    assert cached(whole := estimate(more, cache=False)) == 0
    assert _tokens(lines) < 0.6 * _tokens(whole)
    assert lines[-1] == f"into {more.out}"
    assert files(tmp_path) == before
    assert any("24 predictions" in line for line in estimate(replace(more, out=spec.out), force=True))


def test_a_plan_states_what_attacks_may_ask(spec: RunSpec) -> None:
    """Queries are the most that attacks and their comparators by search may ask, over seeds; time and tokens follow."""
    free = replace(spec, perturb=("attack_keys:0.2@queries=0",), seeds=2)
    dear = replace(spec, perturb=("attack_keys:0.2@queries=50",), seeds=2)
    row, whole, spent, _ = estimate(dear)
    assert "56 predictions, at most 1,600 queries" in row  # 8 rows, 2 attacks, 2 seeds, 50
    assert "1,656 forward passes" in whole
    assert spent.startswith("at most about ")
    assert _tokens([whole]) > 10 * _tokens(estimate(free))
    near = replace(spec, perturb=("attack_keys:0.2@queries=50@similar=0.5",), seeds=2)
    row, whole, _, _ = estimate(near)
    assert "at most 14,408 texts" in row  # 8 rows, 1 + 9 * 200
    assert _tokens([whole]) > 5 * _tokens(estimate(dear))


def test_a_begun_run_has_the_rest_to_do(spec: RunSpec) -> None:
    """Task runs whose parts are there are done and take no time."""
    run = replace(spec, languages=("en", "sw"))
    evaluate(run)
    for part in (Path(spec.out) / "parts").glob("panx-sw-*"):
        part.unlink()
    (Path(spec.out) / "scores.csv").unlink()
    first, last, *lines = estimate(run)
    assert first.endswith("1 cell, 8 predictions, done")
    assert "about " in last
    assert lines[0].startswith("1 of 2 task runs")
    assert lines[1].startswith("1 cell, ")


def test_a_plan_of_many_task_runs_fits_a_screen() -> None:
    """One line a task, of at most 80 characters; with `every` each task run has its line."""
    spec = RunSpec(
        data="mini", tasks=("xnli", "xquad"), perturb=("char_noise:0.1",), limit="2", device="cpu", out="out"
    )
    lines = estimate(spec)
    assert [line.split()[0] for line in lines[:3]] == ["task", "xnli", "xquad"]
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("xquad ") for line in estimate(spec, every=True)) == 12


def test_a_time_agrees_with_its_unit() -> None:
    """A time is in its unit, and one second is not several."""
    seconds = (0.2, 1.2, 119, 121, 7100, 90_000)
    expected = ["1 second", "1 second", "119 seconds", "2 minutes", "118 minutes", "25 hours"]
    assert [duration(value) for value in seconds] == expected


def test_a_plan_says_what_tesseract_reads(spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts of all strengths, and their time, before anything is read; nothing where nothing is read."""
    (cost,) = (line for line in estimate(replace(spec, perturb=("ocr_channel:0.5,1",))) if "Tesseract" in line)
    assert "16 texts" in cost
    with monkeypatch.context() as patch:
        patch.setattr("robust_xtreme.run.estimate.missing", lambda _: pytest.fail("Tesseract was asked"))
        assert not any("Tesseract" in line for line in estimate(replace(spec, perturb=("ocr_noise:0.5",))))
    said: list[str] = []
    evaluate(replace(spec, perturb=("ocr_channel:0.5,1",)), observer=Observer(say=said.append))
    assert said.index(cost) < next(number for number, line in enumerate(said) if "predictions of" in line)

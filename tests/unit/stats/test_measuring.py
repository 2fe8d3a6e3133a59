"""Task runs are measured where they are computed, or from their files: the numbers of the run are the same."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.finished_runs import finished_run

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.manifest import MANIFEST, read_manifest
from robust_xtreme.run import computing
from robust_xtreme.run import run as run_module
from robust_xtreme.run.finish import finish
from robust_xtreme.run.run import evaluate
from robust_xtreme.stats import averages
from robust_xtreme.stats.averages import Facts, Key, MeasuredPart, MeasuredRun, Stored, measured, measured_part
from robust_xtreme.stats.benchmark import Task, tasks_of

pytestmark = pytest.mark.usefixtures("unpaged")

TASKS = ("xnli", "panx", "xquad", "mewsli_x")
SPEC = RunSpec(tasks=TASKS, languages=("ar",), perturb=("char_noise:0.1,0.4",), seeds=2, limit="24")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of mini whose workers measured its task runs."""
    folder = tmp_path_factory.mktemp("measuring") / "run"
    evaluate(replace(SPEC, out=str(folder)))
    return folder


@pytest.fixture(scope="module")
def stored(folder: Path) -> list[Stored]:
    """The files of its task runs."""
    paths = [sorted((folder / "parts").glob(f"*-{kind}-*")) for kind in ("predictions", "stats")]
    return [Stored(*pair) for pair in zip(*paths, strict=True)]


@pytest.fixture(scope="module")
def facts(folder: Path) -> Facts:
    """What is known of it."""
    tasks = tasks_of(read_manifest(folder / MANIFEST)["tasks"])
    return Facts({name: task.metrics[0] for name, task in tasks.items()}, tasks)


def _part(files: Stored, facts: Facts) -> MeasuredPart:
    """What a worker measures, after its way to another process."""
    stats, predictions = (store.scan(path).collect() for path in (files.stats, files.predictions))
    part: MeasuredPart = pickle.loads(pickle.dumps(measured_part(stats, predictions, facts)))  # noqa: S301 - own bytes
    return part


def _same(made: MeasuredRun, other: MeasuredRun) -> bool:
    return made.scores.equals(other.scores) and made.deltas.equals(other.deltas) and _drops(made) == _drops(other)


def _drops(run: MeasuredRun) -> dict[Key, tuple[float, list[float], list[int]]]:
    return {key: (drop.value, drop.deviations.tolist(), drop.clusters.tolist()) for key, drop in run.drops.items()}


def test_what_a_worker_cannot_measure_stops_no_task_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All task runs are answered, and measured at the end, where an error would be raised."""
    monkeypatch.setattr(computing, "measured_part", Mock(side_effect=Mismatch("no clean cell")))
    evaluate(replace(SPEC, out=str(tmp_path / "run")))
    assert (tmp_path / "run" / "scores.csv").read_bytes() == (folder / "scores.csv").read_bytes()


@pytest.mark.parametrize("every", [1, 2, 3])
def test_known_parts_give_the_numbers_of_their_files(stored: list[Stored], facts: Facts, every: int) -> None:
    """Whichever task runs were measured before: all, each second, each third, in any order."""
    from_files = measured(stored, facts)
    known = {files: _part(files, facts) for files in stored[::every]}
    assert len(stored) == 4
    assert from_files.deltas.height == len(from_files.drops) > 0
    assert _same(measured(stored[::-1], facts, known=known), from_files)


def test_a_part_is_ordered_by_the_first_of_its_rows(tmp_path: Path) -> None:
    """Also where they are of several cells on clean text, as of vectors that are cut at several lengths."""
    run = finished_run(tmp_path / "run", languages=["de", "sw"])
    known = Facts({"xnli": "accuracy"}, {"xnli": Task(("accuracy",), ("accuracy",), ("premise",), {})})
    part = _part(Stored(run / "predictions.parquet", run / "stats.parquet"), known)
    keys = [key[:-1] for (key, _), _ in part.clusters]
    assert part.key == min(keys) < max(keys)


def test_files_of_known_parts_are_not_read(stored: list[Stored], facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers measured is not computed again."""
    known = {files: _part(files, facts) for files in stored}
    wanted = measured(stored, facts)
    monkeypatch.setattr(averages, "_collected", None)
    assert _same(measured(stored, facts, known=known), wanted)


def test_a_run_without_room_for_what_workers_measured_has_the_same_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the bound on, task runs are measured at the end; the first one is kept, as nothing is there before it."""
    finished = Mock(wraps=finish)
    monkeypatch.setattr(run_module, "_MOST_BYTES", 1)
    monkeypatch.setattr(run_module, "finish", finished)
    evaluate(replace(SPEC, out=str(tmp_path / "run")))
    assert len(finished.call_args.args[-1]) == 1
    for name in ("scores.csv", "deltas.csv", "averages.csv", "report.md"):
        assert (tmp_path / "run" / name).read_bytes() == (folder / name).read_bytes()

"""`eval --on ray` on a cluster of two nodes with two workers each: `make test-ray` runs this where Ray is installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import torch
from tests.actors import napping, refused, units
from tests.e2e.test_eval_killed import hashes
from tests.lessons import lessons
from tests.release import release
from tests.studies import computed, file_of, reported
from tests.tiny import tiny_encoder_folder, tiny_run
from tests.trainings import files

from robust_xtreme.core.errors import DataError, DiskError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.run.run import Observer, evaluate
from robust_xtreme.studies.folder import outcome, write
from robust_xtreme.studies.run import compute
from robust_xtreme.studies.study_file import cells
from robust_xtreme.studies.study_file import read as read_study
from robust_xtreme.training.loop import Options
from robust_xtreme.training.spec import StageSpec, TrainSpec
from robust_xtreme.training.stage import of_seeds, train_all
from robust_xtreme.workers.on_ray import Cluster, cluster
from robust_xtreme.workers.supervisor import each

pytest.importorskip("ray", reason="Ray is not installed: make test-ray")
pytestmark = [pytest.mark.long, pytest.mark.process, pytest.mark.filterwarnings("ignore")]

_UNITS = 200
_NAP = 0.01
_MOST = 0.05
_LONG_NAP = 0.5
_LATER = 15.0
"""Seconds after which workers have begun and 200 long naps on four of them are not over."""


class Nodes:
    """A cluster of this machine whose nodes can be killed; the first one has no workers."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster as Local

        self.local: Any = Local(initialize_head=True, head_node_args={"num_cpus": 0})
        self.nodes = [self.local.add_node(num_cpus=2) for _ in range(2)]
        self.local.wait_for_nodes()

    def kill(self) -> None:
        """Kill a node with its workers, once."""
        if len(self.nodes) == 2:
            self.local.remove_node(self.nodes.pop(), allow_graceful=False)


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """Two nodes."""
    made = Nodes()
    yield made
    made.local.shutdown()


@pytest.fixture
def fleet(nodes: Nodes) -> Iterator[Cluster]:
    """Their four workers."""
    with cluster(nodes.local.address, "auto") as here:
        assert len(here.slots) == 4
        yield here


def spec_of(folder: Path, out: str) -> RunSpec:
    """A run of two tasks."""
    if not (folder / "tiny").exists():
        tiny_run(folder / "tiny", ("xnli", "panx"))
        release(folder / "data")
    return RunSpec(
        model=(str(folder / "tiny"),),
        data=str(folder / "data"),
        tasks=("xnli", "panx"),
        perturb=("char_noise:0.2",),
        device="cpu",
        out=str(folder / out),
    )


def test_a_run_whose_node_is_killed_has_the_bytes_of_a_run_in_one_process(
    nodes: Nodes, fleet: Cluster, tmp_path: Path
) -> None:
    """Also progress ends at the number of predictions, and a line says what is done again."""
    totals, done, lines = list[int](), list[int](), list[str]()

    def advance(predictions: int) -> None:
        done.append(predictions)
        nodes.kill()

    observer = Observer(total=totals.append, advance=advance, notice=lines.append)
    evaluate(spec_of(tmp_path, "ray"), cache=False, observer=observer, fleet=fleet)
    evaluate(spec_of(tmp_path, "here"), cache=False)
    assert hashes(tmp_path / "ray") == hashes(tmp_path / "here")
    assert sum(done) == sum(totals)
    assert [line for line in lines if "done again" in line]


def test_a_cluster_trains_the_runs_of_several_seeds(
    fleet: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their weights are those of a run here with as many threads, and every line of progress names its run."""
    monkeypatch.chdir(tmp_path)
    lessons(Path("data"))
    tiny_encoder_folder(Path("encoder"))
    target = StageSpec(tasks=("panx",), steps=2)
    spec = TrainSpec(data="data", start="encoder", target=target, device="cpu", out="ray")
    lines = list[str]()
    train_all(of_seeds(spec, 4), Options(tell=lines.append), fleet)
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as Ray lets a process with one core
    try:
        train_all([replace(spec, seed=3, out="here")], Options())
    finally:
        torch.set_num_threads(before)
    assert files(Path("ray-s3/model")) == files(Path("here/model"))
    assert {line.partition(":")[0] for line in lines if "step 2 of 2" in line} == {f"ray-s{seed}" for seed in range(4)}


def test_a_study_on_a_cluster_has_the_bytes_of_one_in_this_process(fleet: Cluster, tmp_path: Path) -> None:
    """Each arm and seed is a unit of work; the folder of the study is all that the nodes share."""
    file = file_of(tmp_path)
    computed(file, tmp_path / "here")
    described = read_study(str(file))
    compute(cells(described), tmp_path / "there", fleet, lambda _: None, offline=True)
    write(outcome(described, tmp_path / "there"), tmp_path / "there")
    assert reported(tmp_path / "there") == reported(tmp_path / "here")


def test_two_hundred_units_cost_little_more_than_their_work(fleet: Cluster) -> None:
    """A worker waits for less than 50 ms between two units."""
    naps = each(napping, units([_NAP] * _UNITS), fleet)
    workers = {process: sorted(nap[1:] for nap in naps if nap[0] == process) for process, *_ in naps}
    waits = [after[0] - before[1] for naps_of_worker in workers.values() for before, after in pairwise(naps_of_worker)]
    assert len(naps) == _UNITS
    assert sum(waits) / len(waits) < _MOST


def test_two_hundred_units_are_done_where_a_node_is_killed(nodes: Nodes, fleet: Cluster) -> None:
    """The node ends while its workers have units."""
    lines = list[str]()

    Timer(_LATER, nodes.kill).start()
    assert len(each(napping, units([_LONG_NAP] * _UNITS), fleet, lines.append)) == _UNITS
    assert lines


def test_an_error_on_the_cluster_is_raised_here_as_it_was(fleet: Cluster) -> None:
    """Also one whose arguments do not make it."""
    with pytest.raises(DataError, match=r"there\.csv.* is malformed"):
        each(refused, units(["there.csv"]), fleet)


def test_a_folder_that_the_machines_do_not_share_is_one_line(
    fleet: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An actor that does not see what the driver wrote says where."""
    monkeypatch.setattr(store, "sha256", lambda _: "of another file")
    with pytest.raises(DiskError, match="share its folder"):
        evaluate(spec_of(tmp_path, "out"), cache=False, fleet=fleet)

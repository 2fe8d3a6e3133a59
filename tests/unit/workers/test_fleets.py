"""`--devices` and `--on` name where a run computes; what is not here is one line."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from queue import SimpleQueue
from unittest.mock import MagicMock

import pytest

from robust_xtreme.core.errors import NotInstalled, RobustXtremeError, SpecError
from robust_xtreme.run.fleets import fleet_of
from robust_xtreme.workers.channel import dumped
from robust_xtreme.workers.messages import Begun, WorkerEvent, WorkerLost
from robust_xtreme.workers.on_ray import Cluster


def test_without_ray_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(NotInstalled, match="pip install"), fleet_of("auto", on="ray"):
        pass


@pytest.mark.parametrize(("starts", "address"), [(False, "auto"), (True, None)])
def test_a_plan_starts_no_cluster(starts: bool, address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for one that runs, and does without where there is none; a run has Ray start one."""
    ray = MagicMock()
    ray.init.side_effect = ConnectionError("Could not find any running Ray instance.")
    monkeypatch.setitem(sys.modules, "ray", ray)
    refused = pytest.raises(RobustXtremeError, match="no Ray cluster") if starts else nullcontext()
    with refused, fleet_of("auto", on="ray", starts=starts) as fleet:
        assert fleet is None
    assert ray.init.call_args.kwargs["address"] == address


@pytest.mark.parametrize(
    ("device", "devices", "on", "line"),
    [
        ("auto", "cpu,cpu", "ray", "--on a cluster"),
        ("auto", None, "slurm", "'slurm'"),
        ("cuda", "cpu,cpu", None, "--device cuda"),
    ],
)
def test_what_contradicts_or_is_unknown_is_refused(device: str, devices: str | None, on: str | None, line: str) -> None:
    """One line says what to leave out, or what there is."""
    with pytest.raises(SpecError, match=line), fleet_of(device, devices, on):
        pass


@pytest.mark.parametrize(("alive", "message"), [(True, Begun()), (False, WorkerLost("has no machine"))])
def test_an_actor_is_lost_only_where_no_machine_has_its_device(
    alive: bool, message: Begun | WorkerLost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not answer in time waits, or is busy, as long as the cluster has a machine."""
    ray, events = MagicMock(), SimpleQueue[WorkerEvent]()
    ray.exceptions.GetTimeoutError, ray.exceptions.RayError = TimeoutError, ConnectionError
    ray.get.side_effect = [TimeoutError(), dumped([Begun()]), ConnectionError("it is gone")]
    ray.nodes.return_value = [{"Alive": alive, "Resources": {"CPU": 2.0}}]
    monkeypatch.setitem(sys.modules, "ray", ray)
    Cluster(("ray:0",), "cpu", "cpu", {}).start(0, [7], print, events)
    seen = events.get(timeout=10)
    assert (seen.worker, str(seen.message)[:20]) == (7, str(message)[:20])

"""Where the task runs of a run are answered: in this process, or by the actors of a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from robust_xtreme.errors import SpecError, shown
from robust_xtreme.evaluation.units.on_ray import RUNNING, Cluster, NoCluster, cluster
from robust_xtreme.evaluation.units.processes import processes
from robust_xtreme.evaluation.units.unit import Fleet

_RAY: Final = "ray"

NOT_STARTED: Final = "no Ray cluster runs on this machine: without --plan one is started; ray:ADDRESS names another"
"""What a plan says of `--on` where there is no cluster."""


def joined(devices: object) -> str | None:
    """Devices, one string or a list of names, as `--devices` takes them. Raises SpecError."""
    if devices is None or isinstance(devices, str):
        return devices
    if not isinstance(devices, (list, tuple)) or not devices or not all(isinstance(name, str) for name in devices):
        raise SpecError(f"evaluate: devices takes names, as in '0,1' or ['0', '1'], not {shown(devices)}.")
    return ",".join(devices)


@contextmanager
def fleet_of(
    device: str, devices: str | None = None, on: str | None = None, starts: bool = True
) -> Iterator[Fleet | None]:
    """The fleet that `--devices` or `--on` names, until the context ends; None for this process alone.

    `device` is that of the run: cpu, cuda or auto. Unless `starts`, there is None, too, for a cluster of this machine
    that does not run yet. Raises SpecError, and what `cluster` raises.
    """
    if devices is not None and on is not None:
        raise SpecError("--devices names devices of this machine, --on a cluster with all of its own. Leave one out.")
    if devices is not None:
        fleet = processes(devices)
        if device not in ("auto", fleet.device):
            raise SpecError(f"--device {device} and --devices {devices} name different devices. Leave one out.")
        yield fleet
    elif on is not None:
        name, _, address = on.partition(":")
        if name != _RAY:
            raise SpecError(f"--on takes ray or ray:ADDRESS, not {on[:80]!r}.")
        with ExitStack() as stack:
            yield _cluster(stack, address, device, starts)
    else:
        yield None


def _cluster(stack: ExitStack, address: str, device: str, starts: bool) -> Cluster | None:
    try:
        return stack.enter_context(cluster(address or ("" if starts else RUNNING), device))
    except NoCluster:
        if starts or address:
            raise
        return None

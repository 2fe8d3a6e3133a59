"""Where the task runs of a run are answered: in this process, or by the actors of a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from robust_xtreme.errors import SpecError, shown
from robust_xtreme.evaluation.units.on_ray import cluster
from robust_xtreme.evaluation.units.processes import processes
from robust_xtreme.evaluation.units.unit import Fleet

_RAY: Final = "ray"


def joined(devices: object) -> str | None:
    """Devices, one string or a list of names, as `--devices` takes them. Raises SpecError."""
    if devices is None or isinstance(devices, str):
        return devices
    if not isinstance(devices, (list, tuple)) or not devices or not all(isinstance(name, str) for name in devices):
        raise SpecError(f"evaluate: devices takes names, as in '0,1' or ['0', '1'], not {shown(devices)}.")
    return ",".join(devices)


@contextmanager
def fleet_of(device: str, devices: str | None = None, on: str | None = None) -> Iterator[Fleet | None]:
    """The fleet that `--devices` or `--on` names, until the context ends; None for this process alone.

    `device` is that of the run: cpu, cuda or auto. Raises SpecError, and what `cluster` raises.
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
        with cluster(address, device) as here:
            yield here
    else:
        yield None

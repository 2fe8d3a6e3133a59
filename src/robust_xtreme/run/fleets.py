"""Where the task runs of a run are answered: in this process, or by the actors of a fleet."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import torch

from robust_xtreme.core.errors import SpecError, shown
from robust_xtreme.workers.messages import Fleet, Program, WorkerEvents, WorkerProcess
from robust_xtreme.workers.on_ray import RUNNING, NoCluster, cluster
from robust_xtreme.workers.processes import begin_process, started

_VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
_CPU, _ALL = "cpu", "all"
_LONGEST: Final = 9
"""Digits of a number that are read."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The devices of this machine on which a run computes, each by the CUDA_VISIBLE_DEVICES of its process."""

    slots: tuple[str, ...]
    device: str
    device_name: str
    visible: tuple[str, ...]

    def start(self, slot: int, numbers: Sequence[int], program: Program, events: WorkerEvents) -> WorkerProcess:
        """Start a process. Raises OSError."""
        visible = {_VISIBLE: self.visible[slot]} if self.visible else {}
        return begin_process(started(len(numbers), {**os.environ, **visible}), numbers, program, events)


def processes(devices: str) -> Processes:
    """The processes for `0,1` (CUDA devices by number), `all` of them, or `cpu,cpu`. Raises SpecError."""
    names = [name.strip() for name in devices.split(",")]
    count = torch.cuda.device_count()
    if names == [_ALL]:
        names = [str(number) for number in range(count)]
        if not names:
            raise SpecError("There is no CUDA device here for --devices all. Name some: --devices cpu,cpu")
    if set(names) == {_CPU}:
        return Processes(tuple(f"{_CPU}:{number}" for number in range(len(names))), _CPU, _CPU, ())
    for name in names:
        if not (name.isascii() and name.isdecimal()) or int(name[:_LONGEST]) >= count or names.count(name) > 1:
            known = f"the CUDA devices here: {', '.join(map(str, range(count))) or 'none'}"
            raise SpecError(f"--devices {devices[:80]!r}: {name[:20]!r} is not one of {known}; or all, or cpu,cpu.")
    kinds = {torch.cuda.get_device_name(int(name)) for name in names}
    if len(kinds) > 1:
        raise SpecError(f"--devices {devices}: one run has one kind of device, not {' and '.join(sorted(kinds))}.")
    given = [name for name in os.environ.get(_VISIBLE, "").split(",") if name]
    visible = tuple(given[int(name)] if given else name for name in names)
    return Processes(tuple(f"cuda:{name}" for name in names), "cuda", f"cuda: {kinds.pop()}", visible)


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

    Unless it `starts`, there is None, too, for a cluster of this machine. Raises SpecError, and what `cluster` raises.
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
        if name != "ray":
            raise SpecError(f"--on takes ray or ray:ADDRESS, not {on[:80]!r}.")
        with ExitStack() as stack:
            found: Fleet | None = None
            try:
                found = stack.enter_context(cluster(address or ("" if starts else RUNNING), device))
            except NoCluster:
                if starts or address:
                    raise
            yield found
    else:
        yield None


def check_fleet(device: str, devices: str | None, on: str | None) -> None:
    """Raise UserError where there are no such devices; a cluster of this machine is not started."""
    with fleet_of(device, devices, on, starts=False):
        pass

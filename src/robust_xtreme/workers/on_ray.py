"""Actors on the machines of a Ray cluster, one a device: `--on ray` and `--on ray:ADDRESS`."""

import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread, current_thread, main_thread
from typing import Any, Final

from robust_xtreme.core.errors import NotInstalled, RobustXtremeError, SpecError
from robust_xtreme.workers import messages
from robust_xtreme.workers.channel import dumped

_WAIT: Final = 1.0
"""Seconds that a request for messages waits for the first one."""

_AT_ONCE: Final = 4
"""Calls of an actor that run at the same time: one that waits for messages, and others."""

_PATIENCE: Final = 30.0
"""Seconds without an answer of an actor, after which it is lost if no machine of the cluster has its device."""

_CARRIED: Final = ("ROBUST_XTREME_", "HF_", "TRANSFORMERS_")
"""How the names of variables begin that actors have as the driver has them."""

RUNNING: Final = "auto"
"""The address of a cluster that runs on this machine, or that RAY_ADDRESS names."""

_GPU, _CPU = "GPU", "CPU"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The devices of a Ray cluster; `options` are what each actor asks for."""

    slots: tuple[str, ...]
    device: str
    device_name: str
    options: Mapping[str, Any]

    def start(
        self, _: int, numbers: Sequence[int], program: messages.Program, events: messages.WorkerEvents
    ) -> messages.WorkerProcess:
        """Start an actor wherever the cluster has room, or as soon as it has."""
        import ray

        (number,) = numbers
        made = ray.remote(**self.options)(_Remote).remote()
        carried = {name: value for name, value in os.environ.items() if name.startswith(_CARRIED)}
        made.begin.remote(dumped(program), carried)
        Thread(target=_listen, args=(number, made, self._has_machines, events), daemon=True).start()
        return _OnRay(made)

    def _has_machines(self) -> bool:
        """Whether a machine of the cluster has the device that an actor asks for."""
        import ray

        kind = _GPU if self.device == "cuda" else _CPU
        return any(node["Alive"] and node["Resources"].get(kind) for node in ray.nodes())


class _Remote:
    """The actor in Ray's process: a program in a thread, and its messages."""

    def __init__(self) -> None:
        self._given = SimpleQueue[bytes]()
        self._messages = SimpleQueue[messages.Message]()

    def begin(self, program: bytes, variables: dict[str, str]) -> None:
        """Run a program."""
        os.environ.update(variables)
        Thread(target=self._run, args=(program,), daemon=True).start()

    def _run(self, program: bytes) -> None:
        given = self._given
        line = messages.Connection(
            self._messages.put, lambda: _loaded(given.get()), lambda: not given.empty(), nullcontext
        )
        messages.run(lambda line: _loaded(program)(line), line)

    def give(self, value: bytes) -> None:
        """Take a job."""
        self._given.put(value)

    def messages(self) -> bytes:
        """The messages since the last call, when there is one, or none after a while."""
        waiting = list[messages.Message]()
        with suppress(Empty):
            waiting.append(self._messages.get(timeout=_WAIT))
            while True:
                waiting.append(self._messages.get_nowait())
        return dumped(waiting)


@dataclass(frozen=True, slots=True)
class _OnRay:
    handle: Any

    def give(self, _: int, value: Any) -> None:
        """Send a job; an actor that is lost takes anything."""
        self.handle.give.remote(dumped(value))

    def leave(self, _: bool) -> None:
        """End the actor at once, also one that waits for room."""
        import ray

        with suppress(ray.exceptions.RayError, ValueError):
            ray.kill(self.handle)

    def end(self, _: float) -> str:
        """The cluster ends it; an actor that is lost has said how."""
        return "was ended"


class NoCluster(RobustXtremeError):
    """No Ray cluster answers."""


@contextmanager
def cluster(address: str, device: str) -> Iterator[Cluster]:
    """The cluster at an address, or without one that of this machine, started if need be, until the context ends.

    Raises NotInstalled without Ray, SpecError where the cluster has no such device, RobustXtremeError where there is no
    cluster at the address, NoCluster where none answers.
    """
    try:
        import ray
    except ImportError as error:
        raise NotInstalled(f'Ray cannot be loaded ({error}): pip install "robust-xtreme[ray]"') from error
    try:
        with _signals_kept():
            ray.init(address=address or None, log_to_driver=False, logging_level="ERROR")
    except Exception as error:
        where = f" at {address}" if address else ""
        kind = NoCluster if isinstance(error, ConnectionError) else RobustXtremeError
        raise kind(f"There is no Ray cluster{where}: {_first_line(error)}") from error
    try:
        yield _devices(ray, device)
    finally:
        ray.shutdown()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Within this context Ray replaces what signals do; after it they do what they did."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    if current_thread() is main_thread():
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def _devices(ray: Any, device: str) -> Cluster:
    from robust_xtreme.models.predictors.loaded import device_name

    has = {name: int(ray.cluster_resources().get(name, 0)) for name in (_GPU, _CPU)}
    kind = "cuda" if device == "cuda" or (device == "auto" and has[_GPU]) else "cpu"
    count = has[_GPU] if kind == "cuda" else has[_CPU]
    if not count:
        raise SpecError(f"The Ray cluster has no {'GPU' if kind == 'cuda' else 'CPU'}. Its resources: {has}.")
    asked = {"num_gpus": 1, "num_cpus": 0} if kind == "cuda" else {"num_cpus": 1}
    name = ray.get(ray.remote(num_gpus=1, num_cpus=0)(device_name).remote("cuda")) if kind == "cuda" else kind
    slots = tuple(f"ray:{number}" for number in range(count))
    return Cluster(slots, kind, name, {**asked, "max_concurrency": _AT_ONCE})


def _listen(number: int, handle: Any, has_machines: Callable[[], bool], events: messages.WorkerEvents) -> None:
    """Make an event of each message of an actor, the last of which says that it is lost."""
    import ray

    last: messages.Message | None = None
    asked = None
    while last is None:
        try:
            asked = asked or handle.messages.remote()
            for message in _loaded(ray.get(asked, timeout=_PATIENCE)):
                events.put(messages.WorkerEvent(number, message))
            asked = None
        except ray.exceptions.GetTimeoutError:  # it has no machine yet, or none any more
            if not has_machines():
                last = messages.WorkerLost("has no machine: none of the cluster has its device any more")
        except ray.exceptions.RayError as error:
            last = messages.WorkerLost(f"was lost ({_first_line(error)})")
        except Exception as error:  # noqa: BLE001 - what cannot be read is raised where the events are
            last = messages.Failed(error)
    events.put(messages.WorkerEvent(number, last))


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _loaded(content: bytes) -> Any:
    return pickle.loads(content)  # noqa: S301 - what this package has dumped on the same cluster

"""Early ends of a loop: Ctrl-C, too little memory, or the failure of another of its processes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Self, final

from robust_xtreme import errors
from robust_xtreme.errors import DiskError, RobustXtremeError, no_room
from robust_xtreme.models.memory import out_of_memory

_OURS: Final = "robust_xtreme.errors."


@final
class Stop:
    """Ctrl-C while a loop runs: the first asks it to save its state and stop after the step, the second stops it."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.asked = False
        self._tell = tell
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, _: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._tell("stops after this step, and saves it; Ctrl-C once more stops at once")


def no_memory(size: int, split: int) -> RobustXtremeError:
    """A one-line error for batches of a size, read in `split` parts, that did not fit into memory."""
    return RobustXtremeError(
        f"Memory ran out with batches of {size} in {split}. The same command with --accumulate {2 * split} continues "
        "from the last saved state, and learns the same except for rounding and dropout."
    )


def of_process(message: str, size: int, split: int) -> RobustXtremeError:
    """The error of another process of the loop, as if it were raised here."""
    last = message.strip().splitlines()[-1]
    if out_of_memory(RuntimeError(message)):
        return no_memory(size, split)
    name, _, what = last.rpartition(_OURS)[2].partition(": ")
    kind = getattr(errors, name, None) if _OURS in last else None
    if isinstance(kind, type) and issubclass(kind, RobustXtremeError) and kind.__init__ is RobustXtremeError.__init__:
        return kind(what)
    if cure := no_room(last):
        return DiskError(f"A process could not write: {last}. {cure}; the same command continues.")
    return RobustXtremeError(
        f"A process of the run ended: {last}. The same command continues from the last saved state."
    )

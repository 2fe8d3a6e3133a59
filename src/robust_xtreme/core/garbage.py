"""How often Python looks for garbage in cycles while a run computes."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

YOUNG: Final = 100_000
"""New objects after which Python looks for cycles during a run; its default is 700."""

_LOCK: Final = Lock()
_BEFORE: Final[list[tuple[int, int, int]]] = []
"""The thresholds before each run that is computed now; the first are those of the process."""


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Look for cycles less often within a context, and as before after the last of several contexts.

    Examples and frames live until their task run is written, and have no cycles, but each search walks all of them
    again: a fifth of a run's processor time on XNLI and PAN-X. Objects without cycles are freed at once as always, and
    the peak of memory is the same. Freezing what the plan read (`gc.freeze`) saves less, and thawing it at the end
    would thaw what another program froze. A user's higher threshold stays, and so does a collector that is off (0).
    """
    with _LOCK:
        _BEFORE.append(gc.get_threshold())
        young, *older = _BEFORE[-1]
        gc.set_threshold(max(young, YOUNG) if young else 0, *older)
    try:
        yield
    finally:
        with _LOCK:
            before = _BEFORE.pop()
            if not _BEFORE:
                gc.set_threshold(*before)

"""A meter of the stages of an evaluation: the seconds of each stage itself, by thread.

The functions of the package are timed from outside: while a meter is on, they are wrapped.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import GeneratorType
from typing import Any, Final, final
from unittest.mock import patch

MAIN: Final = "main"


def thread_name() -> str:
    """The name of the current thread, without the number that a pool gives it."""
    current = threading.current_thread()
    return MAIN if current is threading.main_thread() else current.name.rpartition("_")[0] or current.name


@final
class Meter:
    """Seconds by stage and thread, on the clock and on the processor.

    `threads` has the processor time of each thread at the end of its last stage.
    """

    def __init__(self) -> None:
        self._local = threading.local()
        self.spent: dict[tuple[str, str], list[float]] = {}
        self.threads: dict[str, float] = {}

    @contextmanager
    def on(self, timed: Sequence[tuple[Any, str, str]]) -> Iterator[None]:
        """Time functions in the block, each given as its owner, its name there and its stage.

        Time inside another of these functions is that one's.
        """
        with ExitStack() as stack:
            for owner, name, stage in timed:
                stack.enter_context(patch.object(owner, name, self._timed(stage, getattr(owner, name))))
            yield

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            inside = self._begin()
            start = time.perf_counter(), time.thread_time()
            try:
                result = function(*args, **kwargs)
                return iter([*result]) if isinstance(result, GeneratorType) else result
            finally:
                self._end(stage, (time.perf_counter() - start[0], time.thread_time() - start[1]), inside)

        return timed

    def _begin(self) -> list[float]:
        """What the stages inside of this one take, to be added up."""
        stack = self._local.__dict__.setdefault("stack", [])
        stack.append([0.0, 0.0])
        inside: list[float] = stack[-1]
        return inside

    def _end(self, stage: str, taken: Sequence[float], inside: Sequence[float]) -> None:
        stack = self._local.stack
        stack.pop()
        thread = thread_name()
        if not stack:
            self.threads[thread] = time.thread_time()
        spent = self.spent.setdefault((stage, thread), [0.0, 0.0])
        for kind in (0, 1):
            spent[kind] += taken[kind] - inside[kind]
            if stack:
                stack[-1][kind] += taken[kind]

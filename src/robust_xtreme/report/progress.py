"""Progress in a notebook: one output that is updated, instead of many lines."""

import re
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from robust_xtreme.core.sinks import between, filled, html_text, visible

_SECONDS: Final = 0.2
_MOST_LINES: Final = 10


VECTORS: Final = "vectors: "
"""What the line of a run begins with that says how texts become vectors."""


def matters(line: str) -> bool:
    """Whether a line of a run is shown beside its bar: warnings, how texts are read, and the number from the cache."""
    from_cache = re.fullmatch(r"in all: .*, [1-9][0-9]* from the cache", line)
    return bool(from_cache) or line.startswith(("warning: ", "read: ", VECTORS)) or "halved" in line


class Bar:
    """A bar with a label and the last lines of a run, in one output, which is updated a few times a second."""

    def __init__(self, show: Callable[..., Any]) -> None:
        self._show, self._shown = show, 0.0
        self._output: Any = None
        self._lines: list[str] = []
        self.label, self.done, self.total = "", 0, 0

    def at(self, label: str, done: int, total: int) -> None:
        """Show the progress; the end is always shown."""
        is_new = label != self.label and not self.done
        self.label, self.done, self.total = label, done, total
        if is_new or done >= total or time.monotonic() - self._shown >= _SECONDS:
            self._update()

    def tell(self, line: str) -> None:
        """Show a line below the bar, with those before it."""
        self._lines = [*self._lines, line][-_MOST_LINES:]
        self._update()

    def _update(self) -> None:
        count = f"{self.done:,} of {self.total:,}" if self.total else ""
        texts = [" ".join(filter(None, (self.label, count))), *self._lines]
        bar = filled('<progress value="{}" max="{}"></progress> ' if self.total else "", self.done, self.total)
        html = filled("{}{}", bar, between("<br>", (html_text(text) for text in texts if text)))
        content = {"text/plain": "\n".join(visible(text) for text in texts if text), "text/html": html}
        if self._output is None:
            self._output = self._show(content, raw=True, display_id=True)
        else:
            self._output.update(content, raw=True)
        self._shown = time.monotonic()


def notebook_bar() -> Bar | None:
    """A bar in the output of a notebook's cell; None elsewhere, also in IPython on a terminal."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if not any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__):
        return None
    from IPython.display import display  # type: ignore[import-not-found]  # only in a notebook, which has it

    return Bar(display)

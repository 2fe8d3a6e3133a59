"""Charts drawn in the process of the tests, by the function that the process of a page calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

import pytest

from robust_xtreme.report.charts import drawing

STARTED: Final = drawing._started
"""Starts the process that draws the charts of a page."""


class _Here(nullcontext[Any]):
    """What is used of the process."""

    returncode = 0

    def __init__(self) -> None:
        super().__init__(self)

    def communicate(self, content: bytes, _: float) -> tuple[bytes, bytes]:
        """What it writes, and its errors."""
        return "".join(drawing.answers(content.decode())).encode(), b""

    def kill(self) -> None:
        """Nothing is left to end."""


@contextmanager
def here() -> Iterator[None]:
    """While this lasts no process is started for charts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_started", _Here)
        yield

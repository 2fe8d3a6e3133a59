"""The program `robust-xtreme` run in this process: its words, streams and environment in, its code and output out."""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import pytest

from robust_xtreme.cli import _errors, main

FULL: Final = Path("/dev/full")
"""A device that is always full."""


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the program ended, and what it printed."""

    code: object
    out: str
    err: str


def program(*words: str, encoding: str = "utf-8", stdout: str = "", **environment: str) -> Ended:
    """Run `robust-xtreme` with these words, on streams of that encoding, through its error boundary.

    Its output goes to the file `stdout` where that is given.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _ in range(2))
    with ExitStack() as opened, pytest.MonkeyPatch.context() as patch:
        shown = opened.enter_context(Path(stdout).open("w", encoding=encoding)) if stdout else out
        patch.delenv(_errors._PLAIN, raising=False)  # the program sets it; the test restores it
        for name, value in environment.items():
            patch.setenv(name, value)
        for name, stream in (("stdout", shown), ("stderr", err)):
            patch.setattr(sys, name, stream)
        patch.setattr(sys, "argv", ["robust-xtreme", *words])
        with pytest.raises(SystemExit) as stop:
            main()
    printed = [stream.buffer.getvalue().decode(encoding) for stream in (out, err)]
    return Ended(stop.value.code, *printed)

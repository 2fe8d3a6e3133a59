"""Draws the charts of a page in a process of its own, because the renderer ends its process where memory is limited.

It reserves tens of gigabytes of addresses at its start, however small a chart is.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any, Final, final

from robust_xtreme.report.charts.svg import svg
from robust_xtreme.subprocesses import command, ending

_PATIENCE: Final = 60.0
_EACH: Final = 2.0
"""Seconds in which a process that runs draws, and how many more for each chart."""


def main(_: Sequence[int]) -> None:
    """Draw the specification in each line of stdin when all have arrived; the renderer is started before."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    try:
        svg({"data": {"values": []}, "mark": "point"})
        sys.stdout.writelines(answers(sys.stdin.read()))
    except Exception as error:  # noqa: BLE001 - the page says it
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")
    sys.stdout.flush()
    os._exit(0)  # what the renderer does at the end of a process is not needed


def answers(content: str) -> Iterator[str]:
    """A line with the chart of each line of specifications, in JSON."""
    return (f"{json.dumps(svg(json.loads(line)))}\n" for line in content.splitlines())


@final
@dataclass(slots=True)  # the state of the process
class Drawing:
    """The process that draws the charts of one page; `lost` says why the page has none, and how to get them."""

    process: Popen[bytes] | None = None
    lost: str = ""

    def start(self) -> None:
        """Start the process, which needs half a second before the first chart; where it cannot, `svgs` says so."""
        with suppress(OSError):
            self.process = _started()

    def svgs(self, specs: Sequence[Mapping[str, Any]]) -> list[str]:
        """The charts as `svg` makes them; none where there is something in `lost`."""
        content, patience = "\n".join(map(json.dumps, specs)).encode(), _PATIENCE + _EACH * len(specs)
        try:
            self.process = self.process or _started()
            out, err = self.process.communicate(content, patience)
        except TimeoutExpired:
            return self._none(f"has not drawn them within {patience:g} s")
        except OSError as error:
            return self._none(f"cannot be started: {error.strerror or error}")
        answers = out.splitlines()
        if self.process.returncode or len(answers) != len(specs):
            return self._none(ending(self.process.returncode, err))
        return [json.loads(line) for line in answers]

    def _none(self, how: str) -> list[str]:
        cure = "To get them where memory is not limited (ulimit -v unlimited): robust-xtreme report RUN -o page.html"
        self.lost = f"The page has no charts: vl-convert, which draws them in a process of its own, {how}. {cure}"
        return []


@contextmanager
def drawing() -> Iterator[Drawing]:
    """What draws the charts of a page; its process ends with the context."""
    made = Drawing()
    try:
        yield made
    finally:
        if made.process:
            with made.process as process:
                process.kill()


def _started() -> Popen[bytes]:
    """The process, which a Ctrl-C on the terminal does not reach. Raises OSError."""
    return Popen(command(__name__), stdin=PIPE, stdout=PIPE, stderr=PIPE, process_group=0)

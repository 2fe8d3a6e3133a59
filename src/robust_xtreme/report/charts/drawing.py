"""Draws the charts of a page in a process of its own, because the renderer ends its process where memory is limited.

It reserves tens of gigabytes of addresses at its start, however small a chart is.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any, Final, Self, final

from robust_xtreme.report.charts.svg import svg
from robust_xtreme.subprocesses import command, ending

_PATIENCE: Final = 300.0
"""Seconds in which the charts of a page are drawn; a hundred of them take a few."""


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
    """The process that draws the charts of one page, which ends with the context.

    `lost` says why the page has none, and how to get them.
    """

    process: Popen[bytes] | None = None
    lost: str = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            with self.process as process:
                process.kill()

    def start(self) -> None:
        """Start the process, which needs half a second before the first chart; where it cannot, `svgs` says so."""
        with suppress(OSError):
            self.process = _started()

    def svgs(self, specs: Sequence[Mapping[str, Any]]) -> list[str]:
        """The charts as `svg` makes them; none where `lost` says why."""
        try:
            self.process = self.process or _started()
            out, err = self.process.communicate("\n".join(map(json.dumps, specs)).encode(), _PATIENCE)
            lines, how = out.splitlines(), ending(self.process.returncode, err)
            if self.process.returncode == 0 and len(lines) == len(specs):
                return [json.loads(line) for line in lines]
        except TimeoutExpired:
            how = f"has not drawn them within {_PATIENCE:g} seconds"
        except OSError as error:
            how = f"cannot be started: {error.strerror}"
        cure = "To get them where memory is not limited (ulimit -v unlimited): robust-xtreme report RUN -o page.html"
        self.lost = f"The page has no charts: vl-convert, which draws them in a process of its own, {how}. {cure}"
        return []


def _started() -> Popen[bytes]:
    """The process, which a Ctrl-C on the terminal does not reach. Raises OSError."""
    return Popen(command(__name__), stdin=PIPE, stdout=PIPE, stderr=PIPE, process_group=0)

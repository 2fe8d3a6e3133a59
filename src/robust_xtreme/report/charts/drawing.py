"""Draws the charts of a page in a process of its own, because the renderer ends its process where memory is limited.

It reserves tens of gigabytes of addresses at its start, however small a chart is.
"""

import json
import os
import re
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any, Final, Self

from robust_xtreme.core.sinks import each_text, visible
from robust_xtreme.core.subprocesses import command, ending
from robust_xtreme.report.charts.style import FONT

_UNUSED: Final = re.compile(
    r' (?:class|role|aria-[a-z]+|stroke-miterlimit|pointer-events|font-family)="[^"]*"| (?:opacity|stroke-width)="1"'
    r'|<path d="" ?[^>]*/>|<path d="M0,0h0v0h0Z"/>'
)
_EMPTY: Final = re.compile(r"<g></g>")
_DECIMALS: Final = re.compile(r"(\d+\.\d{2})\d+")
_TAG: Final = re.compile("<[^>]+>")
"""What is shortened: a text between two of them stays as it is."""

_LONGEST, _ENDING = 64, 24
_VERSION: Final = "5.20"
"""Of Vega-Lite, which the specifications are for."""


def svg(spec: Mapping[str, Any]) -> str:
    """The chart as an SVG element without what only scripts use: same specification, same bytes.

    Its texts are visible, since the renderer ends the process at a NUL character, and not longer than a label.
    """
    return _drawn(json.dumps(each_text(spec, _label), sort_keys=True))


def alone(spec: Mapping[str, Any], ink: str) -> str:
    """The chart as a file of its own, whose texts have a colour; in a page they have that of the page."""
    return svg(spec).replace("<svg ", f'<svg style="color:{ink};font-family:{FONT}" ', 1) + "\n"


def _label(text: str) -> str:
    label = visible(text)
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - _ENDING]}…{label[-_ENDING:]}"


@lru_cache(maxsize=256)
def _drawn(spec: str) -> str:
    import vl_convert

    text = vl_convert.vegalite_to_svg(spec, vl_version=_VERSION).replace("\u2212", "-")  # the minus of all tables
    return _EMPTY.sub("", _TAG.sub(lambda tag: _DECIMALS.sub(r"\1", _UNUSED.sub("", tag[0])), text))


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

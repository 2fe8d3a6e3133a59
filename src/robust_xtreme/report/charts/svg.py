"""Draws a specification of Vega-Lite as SVG, which needs neither a script nor a request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from robust_xtreme.report.charts.style import FONT
from robust_xtreme.sinks import visible

_UNUSED: Final = re.compile(
    r' (?:class|role|aria-[a-z]+|stroke-miterlimit|pointer-events|font-family)="[^"]*"| (?:opacity|stroke-width)="1"'
    r'|<path d="" ?[^>]*/>|<path d="M0,0h0v0h0Z"/>'
)
_EMPTY: Final = re.compile(r"<g></g>")
_DECIMALS: Final = re.compile(r"(\d+\.\d{2})\d+")
_TAG: Final = re.compile("<[^>]+>")
"""What is shortened: a text between two of them stays as it is."""

_LONGEST, _ENDING = 120, 40
_VERSION: Final = "5.20"
"""Of Vega-Lite, which the specifications are for."""


def svg(spec: Mapping[str, Any]) -> str:
    """The chart as an SVG element without what only scripts use: same specification, same bytes.

    Its texts are visible, since the renderer ends the process at a NUL character, and not longer than a label.
    """
    return _drawn(json.dumps(_shown(spec), sort_keys=True))


def alone(spec: Mapping[str, Any], ink: str) -> str:
    """The chart as a file of its own, whose texts have a colour; in a page they have that of the page."""
    return svg(spec).replace("<svg ", f'<svg style="color:{ink};font-family:{FONT}" ', 1) + "\n"


def _shown(value: Any) -> Any:
    match value:
        case str():
            text = visible(value)
            return text if len(text) <= _LONGEST else f"{text[: _LONGEST - _ENDING]}…{text[-_ENDING:]}"
        case Mapping():
            return {name: _shown(each) for name, each in value.items()}
        case list():
            return [_shown(each) for each in value]
        case _:
            return value


@lru_cache(maxsize=256)
def _drawn(spec: str) -> str:
    import vl_convert

    text = vl_convert.vegalite_to_svg(spec, vl_version=_VERSION)
    return _EMPTY.sub("", _TAG.sub(lambda tag: _DECIMALS.sub(r"\1", _UNUSED.sub("", tag[0])), text))

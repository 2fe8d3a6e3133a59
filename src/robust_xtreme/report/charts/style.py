"""Defines the look of every chart: colours that colour-blind readers tell apart, and text in the colour of the page."""

from collections.abc import Sequence
from typing import Any, Final

INK: Final = "currentColor"
"""Text, axes and rules: the colour of the text around the chart, in the light and in the dark."""

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#999933", "#882255")
"""Those of Okabe and Ito (2008) without black and yellow, and two of Tol's (2021)."""

LOSS, GAIN, OPEN = "#d55e00", "#0072b2", "#8a8a94"
"""Of an interval below 0, above 0, and around it."""

STEPS: Final = (1, 3, 6, 12, 24, 48)
"""Where a change in points gets the next colour, the same on every page."""

LOSSES: Final = ("#fbeee4", "#f6dcc8", "#efc09a", "#e6a36c", "#e08a45", "#d9742a")
GAINS: Final = ("#e5f1f7", "#d1e6f1", "#b8d8ea", "#99c7e0", "#7ab5d6", "#5ba3cb")
"""The tints of losses and of gains from each step on, in what has no dark side: under dark text."""

FONT: Final = "system-ui, sans-serif"

_TEXT: Final = {"labelColor": INK, "titleColor": INK, "labelFont": FONT, "titleFont": FONT}


def extent(labels: Sequence[str]) -> float:
    """The pixels that labels of an axis need, whatever the font of the page."""
    return 6.5 * max(map(len, labels), default=0)


def config() -> dict[str, Any]:
    """The configuration that every specification contains."""
    lines = dict.fromkeys(("domainColor", "tickColor", "gridColor"), INK)
    axis = {**_TEXT, **lines, "gridOpacity": 0.12, "titleFontWeight": "normal", "labelLimit": 0}
    return {
        "aria": False,
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "axisQuantitative": {"tickCount": 5},
        "legend": {**_TEXT, "titleFontWeight": "normal", "labelLimit": 0, "symbolStrokeWidth": 2},
        "header": _TEXT,
        "text": {"color": INK},
        "title": {"color": INK, "font": FONT, "anchor": "start", "fontWeight": "normal"},
    }

"""The figure of the page of real typos, from the figures alone: docs/figures/typos.svg."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

SHOWN: Final = ("ours", "nlpaug KeyboardAug", "letters drawn evenly")
COLOURS: Final = ("#333333", "#0072b2", "#e69f00", "#bbbbbb")
PANELS: Final = {
    "kinds": "kind of edit",
    "places": "place in the word",
    "distances": "distance of the struck key, in pitches",
}
SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "typos",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
}


def svg(record: Mapping[str, Any]) -> str:
    """The figure, with the same bytes each time; needs matplotlib (`pip install 'robust-xtreme[bench]'`)."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(9, 8), layout="constrained")
        for axes, (name, title) in zip(figure.subplots(len(PANELS), 1), PANELS.items(), strict=True):
            _panel(axes, record, name)
            axes.set_xlabel(title)
            axes.set_ylabel("percent")
        figure.axes[0].legend(frameon=False)
        kept = io.StringIO()
        figure.savefig(kept, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in kept.getvalue().splitlines()) + "\n"


def _panel(axes: Any, record: Mapping[str, Any], name: str) -> None:
    """Grouped bars of the shares of one measure."""
    bars = {"real": record["real"][name], **{system: record["beside"][system][name]["shares"] for system in SHOWN}}
    width = 0.8 / len(bars)
    for number, ((title, shares), colour) in enumerate(zip(bars.items(), COLOURS, strict=True)):
        positions = [index + (number - (len(bars) - 1) / 2) * width for index in range(len(shares))]
        axes.bar(positions, [100 * share for share in shares], width, label=title, color=colour)
    labels = [label.replace(" ", "\n", 1) for label in record["classes"][name]]
    axes.set_xticks(range(len(labels)), labels)
    axes.spines[["top", "right"]].set_visible(False)

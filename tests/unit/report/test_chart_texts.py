"""What a chart writes is what its specification has: names and labels are whole, numbers are those of their axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from tests.some import some
from tests.synthetic_run import run
from tools.language_pages import picture

from robust_xtreme.report.charts.drawing import alone, svg
from robust_xtreme.report.charts.figures import NOMINAL, REALISED, curve, forest, heat, success_chart
from robust_xtreme.report.columns import percent
from robust_xtreme.report.view import Results
from robust_xtreme.studies.folder import _forest as of_study

NAMES: Final = (
    *("char_noise:0.005", "char_noise:0.125", "char_noise:0.12499", "a:1+b:0.333333"),
    *("model-1.2345", "v1.2345.678", "10.20.30.4567", "3.14159265", "-0.0001", "1.2345e-7", "1e-05", "2021.12.3111"),
    *("NaN", "null", "true", "undefined", "__proto__", "[1.2345, 2.3456]", "a.b[0]", r"A", "50 %"),
    *('a class="b" role="c" d', '<path d=""/>', "<g></g>", "&amp; & &#38;", "<b>b</b>", "$x$ \\n"),
)
"""Names that a chart could shorten, take for a number, or take for a part of itself."""

_ROWS: Final = {
    "change": [-float(number) for number in range(len(NAMES))],
    "low": [-1.0 - number for number in range(len(NAMES))],
    "high": [1.0 - number for number in range(len(NAMES))],
}


def texts(drawn: str) -> list[str]:
    """The texts of an SVG, with what is in them."""
    return ["".join(element.itertext()) for element in ET.fromstring(drawn).iter() if element.tag.endswith("}text")]


def strings(value: Any) -> Iterator[str]:
    """Every text of a specification."""
    match value:
        case str():
            yield value
        case dict() | list():
            for each in value.values() if isinstance(value, dict) else value:
                yield from strings(each)


def is_number(text: str) -> bool:
    """Whether a text is a number as axes write it."""
    return text.replace("-", "").replace("+", "").replace(".", "").isdigit()


def _heat(names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    """Each name is a task, and with a strength a noise."""
    scores, deltas, manifest = run()
    of_xnli = pl.col("task") == "xnli"
    several: list[list[pl.DataFrame]] = [[], []]
    for name in names:
        for frames, frame in zip(several, (scores, deltas), strict=True):
            condition = pl.col("condition").str.replace("char_noise:0.2", name, literal=True)
            frames.append(frame.filter(of_xnli).with_columns(task=pl.lit(name), condition=condition))
    tasks = dict.fromkeys(names, manifest["tasks"]["xnli"])
    return heat(Results(pl.concat(several[0]), pl.concat(several[1]), {**manifest, "tasks": tasks}))


def _cells() -> pl.DataFrame:
    named = {"language": ["sw"] * len(NAMES), "noise": NAMES, "condition": NAMES}
    joint = {name: pl.Series([None] * len(NAMES), dtype=pl.Float64) for name in ("low", "high")}
    bounds = {f"change_{name}": _ROWS[name] for name in joint} | {f"joint_change_{name}": joint[name] for name in joint}
    return pl.DataFrame({**named, "change": _ROWS["change"], **bounds, "mde": [2.0] * len(NAMES)})


def _curve(axis: str, strengths: tuple[float, ...] = (0.0, 0.001, 0.005)) -> dict[str, Any]:
    level = {"clean": 70.0, "level": 65.0, "low": 60.0, "high": 68.0}
    points = [{"perturbation": name, NOMINAL: at, REALISED: 100 * at, **level} for name in NAMES for at in strengths]
    return curve(pl.DataFrame(points), axis)


def _success() -> dict[str, Any]:
    return success_chart(pl.DataFrame([{"line": name, "queries": 10, "success": 12.345} for name in NAMES]))


def _study() -> dict[str, Any]:
    rows = {"contrast": ["c"] * len(NAMES), "arm": NAMES, "reference": ["A"] * len(NAMES), "estimate": _ROWS["change"]}
    named = {name: ["1.2345"] * len(NAMES) for name in ("target", "language", "condition")}
    return of_study(pl.DataFrame({**rows, **named, **_ROWS, "tier": ["primary"] * len(NAMES)}).to_dicts())


def _languages() -> dict[str, Any]:
    named = {"column": NAMES, "perturbation": NAMES, "grapheme_edit_rate": [0.00512] * len(NAMES)}
    bounds = {f"change_{name}": _ROWS[name] for name in ("low", "high")}
    return picture(pl.DataFrame({**named, **bounds, "change": _ROWS["change"]}))


CHARTS: Final[dict[str, tuple[Callable[[], dict[str, Any]], str]]] = {
    "heat": (_heat, "{}"),
    "changes": (lambda: forest(_cells()), "sw  {}"),
    "curve": (lambda: _curve(REALISED), "{}"),
    "strengths": (lambda: _curve(NOMINAL), "{}"),
    "success": (_success, "{}"),
    "study": (_study, "c, {0} - A, 1.2345, 1.2345, 1.2345"),
    "language": (_languages, "{}"),
}
"""Each kind of chart, and how it writes a name."""


@pytest.mark.parametrize("kind", some(CHARTS, 3))
def test_texts_of_a_chart_are_those_of_its_specification(kind: str) -> None:
    """Every name is there, whole; every other text is in the specification, too, or a number of an axis or a cell."""
    make, form = CHARTS[kind]
    spec = make()
    for drawn in (svg(spec), alone(spec, "#123456")):
        shown = texts(drawn)
        assert [name for name in NAMES if form.format(name) not in shown] == []
        known = {*strings(spec)}
        assert [text for text in shown if text and text not in known and not is_number(text)] == []


@pytest.mark.parametrize(("axis", "ends"), [(NOMINAL, ("0.000", "0.005")), (REALISED, ("0.0", "0.5"))])
def test_an_axis_of_small_strengths_has_their_decimals(axis: str, ends: tuple[str, str]) -> None:
    """The ticks of strengths below 0.01 rise in equal steps up to the highest one, and points are at their strength."""
    spec = _curve(axis)
    ticks = [text for text in texts(svg(spec)) if is_number(text)][:6]
    assert (ticks[0], ticks[-1]) == ends
    steps = {round(float(high) - float(low), 6) for low, high in pairwise(ticks)}
    assert steps == {float(ends[1]) / 5}
    assert {row[NOMINAL] for row in spec["data"]["values"]} == {0.0, 0.001, 0.005}


def test_numbers_of_cells_are_those_of_the_frames() -> None:
    """The changes in the cells of the heat chart, with one decimal."""
    shown = texts(svg(_heat(("a.0005:0.12345",))))
    assert {text for text in shown if text.startswith(("+", "-"))} == {
        f"-{drop}" for drop in ("2.1", "8.4", "0.9", "4.6", "0.2", "0.5")
    }


def test_numbers_of_charts_are_rounded_as_those_of_tables() -> None:
    """A change that rounds to nothing has no sign, and a share is that of its cell: 2.45 % is more than 2.45."""
    scores, deltas, manifest = run()
    shown = texts(svg(heat(Results(scores, deltas.with_columns(drop=pl.lit(0.04)), manifest))))
    assert {text for text in shown if is_number(text)} == {"0.0"}
    rows = _cells().head(1).with_columns(grapheme_edit_rate=pl.lit(0.0245))
    assert f"sw  {NAMES[0]}  (edits {percent(0.0245)})" in texts(svg(forest(rows)))

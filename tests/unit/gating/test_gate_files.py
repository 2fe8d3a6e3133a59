"""Files of a gate with 600 failing rows and hostile names: valid for their readers, bounded, and inert."""

from __future__ import annotations

import csv as plain_csv
import io
import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import junitparser
import polars as pl
import pytest
from markdown_it import MarkdownIt

from robust_xtreme.files.schema import CELL, CONTRASTS, SIDES, VERDICTS, build
from robust_xtreme.gating.comparing import Comparison
from robust_xtreme.gating.document import MISSING, NEW, OK, REGRESSED, UNDECIDED, Gate
from robust_xtreme.gating.outputs import comparison_written, gate_written
from robust_xtreme.gating.policy import Policy
from robust_xtreme.gating.pull_request import outputs_of, workflow_commands
from robust_xtreme.stats.contrasts import CELLS, TASKS

HOSTILE: Final = (
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    "a|b\\|c`d``e*f_g~h~",
    "first\n| second | line |\r\n# head",
    "\u202etxt.exe\u2066\u200f\u200b",
    "]]><failure/>&amp;<!-- --> -->",
    "\x00\x1b[2J\x07\ufffe",
    "::error title=x::%0A::set-output name=y::z ##[error]",
    "${{ secrets.TOKEN }} $(id) `id`",
    "=cmd|' /C calc'!A1",
    "@everyone #1 https://example.com www.example.com a@example.com",
    "<!-- robust-xtreme gate: gate -->",
)
MOST: Final = 65_536
"""The characters of a comment that GitHub takes."""


def row(number: int, name: str, verdict: str = REGRESSED) -> dict[str, Any]:
    """A failing or undecided cell with that name wherever a row has text."""
    names = {**dict.fromkeys(CELL[1:], name), "language": f"{name}{number}", "task": f"{name}{number % 7}"}
    levels = {"baseline": 70.0, "candidate": 60.0 - number / 100, "difference": -10.0 - number / 100}
    decided = {"margin": 2.0, "bound": -14.0, "upper": -6.0, "p_gate": 0.001, "mde": 3.0, "n": 100, "clusters": 50}
    decision = {"verdict": verdict, "fails": verdict == REGRESSED, "required": False, "accepted": False}
    texts = {"reason": name, "marks": name, "why": f"{name}: the lower bound is -14.00."}
    return {
        "kind": CELLS,
        **names,
        "metric": "accuracy",
        "scale": "perturbed",
        **levels,
        **decided,
        **decision,
        **texts,
    }


def gate(names: tuple[str, ...] = HOSTILE, count: int = 600, anchored: bool = False) -> Gate:
    """A gate with `count` failing cells and as many undecided ones, perhaps with an anchor of the same rows."""
    rows = [row(at, names[at % len(names)]) for at in range(count)]
    rows += [row(count + at, names[at % len(names)], UNDECIDED) for at in range(count)]
    sides = SIDES if anchored else SIDES[:1]
    verdicts = build([{"against": side, **each} for side in sides for each in rows], VERDICTS).sort(VERDICTS.key)
    return Gate(verdicts, Policy(), f"Compared with the run \udcff{names[0]}.")


@pytest.fixture(scope="module")
def hostile() -> Gate:
    """A gate whose names are hostile, with an anchor."""
    return gate(anchored=True)


# --------------------------------------------------------------------------------------------------------------- JUnit

NAME, TEXT, WHOLE, DECIMAL, TIME = "a name", "text", r"-?\d+", r"-?\d+(\.\d+)?", "a time"
ANT: Final = {
    "testsuites": ({}, {}, "(testsuite )*"),
    "testsuite": (
        {"package": TEXT, "id": WHOLE, "name": NAME, "timestamp": TIME, "hostname": NAME, "tests": WHOLE}
        | {"failures": WHOLE, "errors": WHOLE, "time": DECIMAL},
        {"skipped": WHOLE},
        "properties (testcase )*system-out system-err ",
    ),
    "properties": ({}, {}, "(property )*"),
    "testcase": ({"name": TEXT, "classname": TEXT, "time": DECIMAL}, {}, "((skipped|error|failure) )?"),
    "failure": ({"type": TEXT}, {"message": TEXT}, ""),
    "skipped": ({}, {"message": TEXT, "type": TEXT}, ""),
    "system-out": ({}, {}, ""),
    "system-err": ({}, {}, ""),
}
"""Each element with the attributes that it must and may have, and its children in order.

The rules of https://github.com/windyroad/JUnit-Schema (JUnit.xsd, Apache-2.0) for what Ant's JUnit task writes, in our
words; what `skipped` may have is that of junit-10.xsd of Jenkins' xunit plugin (MIT), which is otherwise more lenient.
"""


def invalid(element: ET.Element) -> list[str]:
    """What is wrong with an element and those in it."""
    needed, allowed, children = ANT[element.tag]
    wrong = [f"{element.tag}: attributes"] * (
        not needed.keys() <= element.attrib.keys() <= {**needed, **allowed}.keys()
    )
    kinds = {**needed, **allowed}
    wrong += [f"{element.tag}/@{key}: {value}" for key, value in element.items() if not of_kind(value, kinds[key])]
    if not re.fullmatch(children, "".join(f"{child.tag} " for child in element)):
        wrong.append(f"{element.tag}: children")
    return wrong + [each for child in element for each in invalid(child)]


def of_kind(value: str, kind: str) -> bool:
    """Whether the value of an attribute is what the schema takes."""
    if kind == TIME:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S").year > 2000
    return kind == TEXT or bool(value.strip() if kind == NAME else re.fullmatch(kind, value))


def test_junit_is_valid(hostile: Gate) -> None:
    """It has the elements, attributes and order of the schema of Ant, and no hidden characters."""
    text = gate_written(hostile, ".xml").decode()
    assert invalid(ET.fromstring(text)) == []
    assert all(point.isprintable() or point == "\n" for point in text)


def test_cases_are_named_by_language_and_noise() -> None:
    """The noised fields are in the name of a case only where another case of the task has the same name without."""
    noises = ("char_noise:0.1@fields=question", "char_noise:0.1@fields=context", "casing:1@fields=question")
    rows = [
        {**row(at, "xquad"), "task": "xquad", "language": "sw", "condition": noise} for at, noise in enumerate(noises)
    ]
    rows = [{**each, "context_language": "sw", "against": SIDES[0]} for each in rows]
    (suite,) = ET.fromstring(gate_written(Gate(build(rows, VERDICTS), Policy()), ".xml")).findall("testsuite")
    names = {case.get("name") for case in suite.findall("testcase")}
    assert names == {"sw casing:1", *(f"sw {noise}" for noise in noises[:2])}


def test_a_reader_of_junit_counts_the_same(hostile: Gate) -> None:
    """`junitparser` reads each failing row as a failure, and each undecided one as skipped, with their numbers."""
    suites = [*junitparser.JUnitXml.fromstring(gate_written(hostile, ".xml"))]
    cases = [case for suite in suites for case in suite]
    assert len(cases) == hostile.verdicts.height  # those of the anchor, too
    assert sum(suite.tests for suite in suites) == len(cases)
    assert sum(suite.failures for suite in suites) == hostile.failing.height
    assert sum(suite.skipped for suite in suites) == len(cases) - hostile.failing.height
    failures = [result for case in cases for result in case.result if isinstance(result, junitparser.Failure)]
    assert {failure.type for failure in failures} == {REGRESSED}
    assert all("difference: -1" in str(failure.text) for failure in failures)
    assert {case.time for case in cases} == {0}  # a score is not a time
    assert {(suite.errors, suite.time) for suite in suites} == {(0, 0)}


# ------------------------------------------------------------------------------------------------------------- comment


@pytest.mark.parametrize("names", [HOSTILE, ("x" * 5000,), ("|" * 3000,), ("\x00" * 3000,), ("plain",)])
def test_a_comment_fits(names: tuple[str, ...]) -> None:
    """The verdict is its beginning, it is short enough, and each line of a table is whole."""
    text = gate_written(gate(names, anchored=True), ".md").decode()
    assert text.startswith("# robust-xtreme gate\n\n**Failed: 1,200 of 2,400 rows.**")
    assert len(text) < MOST
    assert len(text.encode("utf-16-le")) // 2 < MOST
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith(" |") for line in tables)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} - {3, 12} == {13}
    assert len(tables) > 10
    assert ".json" in text  # where the other rows are


def test_a_mean_says_over_how_many_languages_it_is() -> None:
    """Where the runs have more languages, it is not that of all."""
    mean = row(0, "xnli") | {"kind": TASKS, "language": "", "context_language": "", "cells": 3, "against": SIDES[0]}
    text = gate_written(Gate(build([mean], VERDICTS), Policy()), ".md").decode()
    assert "| 3 languages |" in text


def test_a_comment_renders_as_github_does(hostile: Gate) -> None:
    """Tables become tables of their columns, and nothing of a name becomes HTML, a link, a mention or a heading."""
    html = (
        MarkdownIt("commonmark", {"html": True})
        .enable(["table", "strikethrough"])
        .render(gate_written(hostile, ".md").decode())
    )
    shown = html.replace("<!-- -->", "")
    tags = set(re.findall(r"<(/?[a-z0-9]+)", shown))
    assert {tag.lstrip("/") for tag in tags} <= {
        *("h1", "h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li")
    }
    assert "<!--" not in shown
    assert {line.count("<td") for line in html.split("<tr>")[1:]} == {
        0,
        2,
        11,
        12,
    }  # without verdicts where all are one
    assert len(re.findall("<h[1-6]>", html)) <= 6
    assert not re.search(r"[@#]\w|://|www\.", re.sub("<style.*?>", "", html))


def test_a_comparison_mentions_nobody(hostile: Gate) -> None:
    """Its Markdown, too, which people copy into comments."""
    frame = hostile.verdicts.filter(against="baseline").select(CONTRASTS.columns.keys())
    text = comparison_written(Comparison("old", "new", frame, HOSTILE[10]), ".md").decode()
    assert "@<!-- -->everyone" in text
    assert not re.search(r"[@#]\w|://|www\.", text)


@pytest.mark.parametrize(("margin", "shown"), [(2.0, "2.0"), (0.5, "0.5"), (0.125, "0.125"), (2.05, "2.05")])
def test_a_margin_has_the_digits_that_were_given(margin: float, shown: str) -> None:
    """A margin of an eighth is not shown as 0.1, and one of 2 as before."""
    verdicts = build([{**row(0, "x"), "against": SIDES[0], "margin": margin}], VERDICTS)
    text = gate_written(Gate(verdicts, Policy()), ".md").decode()
    assert f" -14.0 | {shown} | 0.001 |" in text


def test_a_page_leads_to_those_of_the_runs(tmp_path: Path) -> None:
    """By a path from its folder, in the note; the allowed fall is a line of the chart."""
    verdicts = build([{**row(0, "x"), "against": SIDES[0], "margin": 2.0, "low": -20.0, "high": -8.0}], VERDICTS)
    pages = (str(tmp_path / "a b" / "report.html"), str(tmp_path / "report.html"))
    decided = Gate(verdicts, Policy(), f"Compared: {pages[0]} with {pages[1]}.", pages)
    text = gate_written(decided, ".html", tmp_path / "out").decode()
    assert re.findall('<a href="(\\./[^"]*)"', text) == ["./../a%20b/report.html", "./../report.html"]
    assert "stroke-dasharray" in text
    assert (
        "stroke-dasharray"
        not in gate_written(replace(decided, verdicts=verdicts.with_columns(margin=None)), ".html").decode()
    )


# ------------------------------------------------------------------------------------------------------ data, workflow


def test_json_is_strict(hostile: Gate) -> None:
    """Every number is one that JSON has, and texts read back."""

    def refused(name: str) -> None:
        raise AssertionError(name)

    data = json.loads(gate_written(hostile, ".json"), parse_constant=refused)
    assert {value["reason"] for value in data["rows"]} == {*HOSTILE}


def test_csv_has_no_formulas(hostile: Gate) -> None:
    """No cell begins like a formula or contains a hidden character."""
    rows = [*plain_csv.reader(io.StringIO(gate_written(hostile, ".csv").decode()))]
    assert len(rows) == 1 + hostile.verdicts.height
    texts = [cell for each in rows for cell in each if not re.fullmatch(r"-?[\d.e-]+", cell)]
    assert not any(text.startswith(("=", "+", "-", "@")) or not text.isprintable() for text in texts)


def test_an_annotation_is_one_command(hostile: Gate) -> None:
    """Each line begins with our command, has two separators outside of escapes, and no hidden characters."""
    lines = [*workflow_commands(hostile)]
    assert len(lines) == 10
    assert all(re.fullmatch("::(error|warning) title=[^:,]*::.*", line) for line in lines)
    assert all(line.isprintable() for line in lines)


def test_what_is_accepted_or_missing_is_a_warning() -> None:
    """Nothing fails, and each has a line with its number of rows and a name."""
    rows = [{**row(at, "x"), "against": SIDES[0], "fails": False, "accepted": at < 2} for at in range(3)]
    rows[2]["verdict"] = MISSING
    known = Gate(build(rows, VERDICTS).sort(VERDICTS.key), Policy())
    title = "::warning title=robust-xtreme gate::"
    missing, accepted = workflow_commands(known)
    assert missing.startswith(f"{title}Missing from the run: 1 row, such as x2, x2 on x")
    assert accepted.startswith(f"{title}Accepted: 2 rows, such as x0, x0 on x")
    assert outputs_of(known, [])["all-ok"] == "false"
    fine = known.verdicts.with_columns(verdict=pl.Series([OK, NEW, None], dtype=pl.String), accepted=pl.lit(False))
    assert outputs_of(Gate(fine, Policy()), [])["all-ok"] == "true"

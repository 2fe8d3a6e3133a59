"""Writes a gate as files: a comment for a pull request, JUnit for CI, or data. All come from one Gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from xml.etree import ElementTree as ET

import polars as pl

from robust_xtreme.errors import UserError
from robust_xtreme.gating.baselines import Baseline
from robust_xtreme.gating.document import comparison, gate_document, row_name
from robust_xtreme.gating.verdicts import Gate
from robust_xtreme.perturbing.output import target
from robust_xtreme.report.renderers import html, markdown, tex
from robust_xtreme.results import csv, store
from robust_xtreme.results.schema import CONTRASTS, SCHEMA_VERSION, VERDICTS
from robust_xtreme.sinks import json_text, visible

T = TypeVar("T")

MARKER: Final = "<!-- robust-xtreme gate -->"
"""What a comment is recognised by, so that the next run edits it instead of writing another."""

_TITLE: Final = "robust-xtreme gate"
_LONGEST: Final = 65_000
"""The characters of a comment: GitHub takes 65,536."""

_NUMBERS: Final = ("baseline", "candidate", "difference", "bound", "upper", "margin", "p_gate", "mde", "n", "clusters")


def write(outputs: Sequence[str], force: bool, content: Callable[[str], bytes]) -> Iterator[Path]:
    """Write each file, whose content is made by its suffix; nothing is written where one of them cannot be.

    Raises UserError.
    """
    made = [(target("-o", name, force, {}), content(Path(name).suffix)) for name in outputs]
    for path, data in made:
        store.write(path, data)
        yield path


def gate_written(gate: Gate, suffix: str) -> bytes:
    """The content of a file by its suffix, one of WRITERS. Raises UserError for another one."""
    return _chosen(WRITERS, suffix)(gate)


def comparison_written(baseline: Baseline, candidate: Baseline, contrasts: pl.DataFrame, suffix: str) -> bytes:
    """The content of a comparison's file by its suffix. Raises UserError for another one than `report` writes."""
    document, rows = comparison(baseline.title, candidate.title, contrasts), csv.dump(contrasts, CONTRASTS)
    writers: dict[str, Callable[[], bytes]] = {
        ".html": lambda: _encoded(html.page(document, [html.Download("differences.csv", rows)])),
        ".md": lambda: _encoded(markdown.render(document)),
        ".tex": lambda: _encoded(tex.render(document)),
        ".csv": lambda: rows,
        ".json": lambda: _json_of({"rows": contrasts.to_dicts()}),
    }
    return _chosen(writers, suffix)()


def _chosen(writers: Mapping[str, T], suffix: str) -> T:
    if suffix not in writers:
        raise UserError(f"There is no format {suffix or 'without a suffix'}. There are: {', '.join(writers)}.")
    return writers[suffix]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _markdown(gate: Gate) -> bytes:
    """A comment with its marker; of a long one the beginning, which has what fails."""
    text = markdown.render(gate_document(gate, _TITLE))
    if len(text) > _LONGEST:
        text = text[: text.rindex("\n", 0, _LONGEST)] + "\n\nThe comment is cut here; .csv and .json have every row.\n"
    return _encoded(f"{MARKER}\n{text}")


def _html(gate: Gate) -> bytes:
    return _encoded(html.page(gate_document(gate, _TITLE)))


def _xml(gate: Gate) -> bytes:
    """JUnit: a suite for each task, a case for each gated row; what is not decided and does not fail is skipped."""
    root = ET.Element("testsuites", name=_TITLE)
    suites: dict[str, ET.Element] = {}
    sides = [("", gate), *([(" (anchor)", gate.anchor)] if gate.anchor else [])]
    rows = [(side, row) for side, each in sides for row in each.verdicts.iter_rows(named=True) if row["verdict"]]
    for side, row in rows:
        suite = suites.get(row["task"] + side)
        if suite is None:
            suite = suites[row["task"] + side] = ET.SubElement(root, "testsuite", name=visible(row["task"] + side))
        case = ET.SubElement(suite, "testcase", classname=visible(row["task"]), name=visible(_case(row)))
        if row["fails"]:
            failure = ET.SubElement(case, "failure", message=visible(row["why"]), type=row["verdict"])
            failure.text = "\n".join(f"{name}: {row[name]}" for name in _NUMBERS if row[name] is not None)
        elif row["verdict"] not in ("ok", "new"):
            ET.SubElement(case, "skipped", message=visible(f"{row['verdict']}: {row['why']}"))
    for suite in suites.values():
        suite.attrib |= {"tests": str(len(suite)), "errors": "0"}
        for attribute, tag in (("failures", "failure"), ("skipped", "skipped")):
            suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    ET.indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode").encode("utf-8") + b"\n"


def _case(row: Mapping[str, Any]) -> str:
    """A row within its task: `sw char_noise:0.1`; its scale where it is the change, its fields where it has some."""
    question, context = row["language"] or "all languages", row["context_language"]
    language = question if not context or question == context else f"{question}@{context}"
    return " ".join((language, row["condition"], *(["change"] if row["scale"] == "change" else ())))


def facts(gate: Gate) -> dict[str, Any]:
    """The outcome of a gate as data, with unrounded numbers."""
    failing = gate.failing.sort("difference", nulls_last=True)
    worst = failing.row(0, named=True) if failing.height else None
    return {
        "passed": gate.passed,
        "outcome": "passed" if gate.passed else "failed",
        "counts": gate.counts,
        "failing": failing.height,
        "worst_cell": row_name(worst) if worst else "",
        "worst_change": worst["difference"] if worst else None,
    }


def _json(gate: Gate) -> bytes:
    anchor = {"anchor": {**facts(gate.anchor), "rows": gate.anchor.verdicts.to_dicts()}} if gate.anchor else {}
    return _json_of({**facts(gate), "rows": gate.verdicts.to_dicts(), **anchor})


def _json_of(value: Mapping[str, Any]) -> bytes:
    return _encoded(json_text({"schema_version": SCHEMA_VERSION, **value}, indent=1) + "\n")


def _csv(gate: Gate) -> bytes:
    return csv.dump(gate.verdicts, VERDICTS)


WRITERS: Final[Mapping[str, Callable[[Gate], bytes]]] = {
    ".md": _markdown,
    ".html": _html,
    ".xml": _xml,
    ".json": _json,
    ".csv": _csv,
}
"""What makes the content of a file, by its suffix."""

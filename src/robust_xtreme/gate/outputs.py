"""Writes a gate as files: a comment for a pull request, JUnit for CI, or data. All come from one Gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

from robust_xtreme.errors import UserError
from robust_xtreme.gate.document import gate_document, row_name
from robust_xtreme.gate.verdicts import Gate
from robust_xtreme.report.renderers import html, markdown
from robust_xtreme.results import csv
from robust_xtreme.results.schema import SCHEMA_VERSION
from robust_xtreme.sinks import json_text, visible

MARKER: Final = "<!-- robust-xtreme gate -->"
"""What a comment is recognised by, so that the next run edits it instead of writing another."""

_TITLE: Final = "robust-xtreme gate"
_LONGEST: Final = 65_000
"""The characters of a comment: GitHub takes 65,536."""

_NUMBERS: Final = ("baseline", "candidate", "difference", "bound", "upper", "margin", "p_gate", "mde", "n", "clusters")


def written(gate: Gate, suffix: str) -> bytes:
    """The content of a file by its suffix, one of WRITERS. Raises UserError for another one."""
    if suffix not in WRITERS:
        raise UserError(f"There is no format {suffix or 'without a suffix'}. There are: {', '.join(WRITERS)}.")
    return WRITERS[suffix](gate)


def _markdown(gate: Gate) -> bytes:
    """A comment with its marker; of a long one the beginning, which has what fails."""
    text = markdown.render(gate_document(gate, _TITLE))
    if len(text) > _LONGEST:
        text = text[: text.rindex("\n", 0, _LONGEST)] + "\n\nThe comment is cut here; .csv and .json have every row.\n"
    return f"{MARKER}\n{text}".encode("utf-8", "backslashreplace")


def _html(gate: Gate) -> bytes:
    return html.page(gate_document(gate, _TITLE)).encode("utf-8", "backslashreplace")


def _xml(gate: Gate) -> bytes:
    """JUnit: a suite for each task, a case for each gated row; what is not decided and does not fail is skipped."""
    root = ET.Element("testsuites", name=_TITLE)
    suites: dict[str, ET.Element] = {}
    rows = [row for row in gate.verdicts.iter_rows(named=True) if row["verdict"] is not None]
    for row in rows:
        suite = suites.get(row["task"])
        if suite is None:
            suite = suites[row["task"]] = ET.SubElement(root, "testsuite", name=visible(row["task"]))
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
        "schema_version": SCHEMA_VERSION,
        "passed": gate.passed,
        "outcome": "passed" if gate.passed else "failed",
        "counts": gate.counts,
        "failing": failing.height,
        "worst_cell": row_name(worst) if worst else "",
        "worst_change": worst["difference"] if worst else None,
    }


def _json(gate: Gate) -> bytes:
    value = {**facts(gate), "rows": gate.verdicts.to_dicts()}
    return (json_text(value, indent=1) + "\n").encode("utf-8", "backslashreplace")


def _csv(gate: Gate) -> bytes:
    return csv.table(gate.verdicts)


WRITERS: Final[Mapping[str, Callable[[Gate], bytes]]] = {
    ".md": _markdown,
    ".html": _html,
    ".xml": _xml,
    ".json": _json,
    ".csv": _csv,
}
"""What makes the content of a file, by its suffix."""

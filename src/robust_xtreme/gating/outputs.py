"""Writes a gate as files: a comment for a pull request, JUnit for CI, or data. All come from one Gate.

None replaces a file of a run or of a baseline, a pipe or a device."""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import polars as pl

from robust_xtreme.core.errors import UserError, shown
from robust_xtreme.core.sinks import Trusted, encoded, filled, json_text, visible
from robust_xtreme.exchange.perturbing import output
from robust_xtreme.files import csv, store
from robust_xtreme.files.new_files import write_all
from robust_xtreme.files.schema import COMPARISONS, SCHEMA_VERSION, VERDICTS, language_of
from robust_xtreme.gating import _files
from robust_xtreme.gating.comparing import Comparison, gate_page
from robust_xtreme.gating.document import ANCHOR, BASELINE, MOST_ROWS, NEW, OK, Gate, gate_blocks, row_name
from robust_xtreme.report.blocks import ReportPage
from robust_xtreme.report.document import files_of
from robust_xtreme.report.renderers import html, markdown, tex
from robust_xtreme.stats.degrade import without_fields


def target(name: str, force: bool) -> Path:
    """The path that `-o` names, with links resolved. Raises UserError where it may not be written, `force` or not."""
    path = output.target("-o", name, force, {})
    if path.exists() and not path.is_file():
        raise UserError(f"-o {name} is not a regular file, but a pipe, a socket or a device. Name another file.")
    if path in (*files_of(path.parent), *files_of(path.parent.parent)):
        raise UserError(f"-o {name} is a file of the run in {path.parent}. Name another file to write.")
    if _files.is_of_baseline(path):
        raise UserError(f"-o {name} is a file of the baselines in {path.parent}. Name another file to write.")
    return path


def write(contents: Mapping[Path, bytes]) -> None:
    """Write the files that `-o` names, all of them or none that is new. Raises DiskError."""
    try:
        write_all(contents)
    except OSError as error:
        raise store.disk_error(Path(error.filename), error, "file: -o FILE") from error


GATE_FILES: Final = (".md", ".html", ".xml", ".json", ".csv")
"""The suffixes of the files of a gate."""

COMPARED: Final = (".html", ".md", ".tex", ".csv", ".json")
"""The suffixes of the files of a comparison."""

_TITLE: Final = "robust-xtreme gate"
_LONGEST: Final = 65_000
"""The characters of a comment: GitHub takes 65,536."""

_ACTIVE: Final = re.compile(
    r"(?i)[@#](?=\w)|:(?=//)|www(?=\.)|\$(?=\S)|:(?=(?!\d\d:)[\w+-]+:)|\b(?:GH|GHSA|CVE)(?=-)|[\da-f]{6}(?=[\da-f])"
)
"""What GitHub makes a mention, a reference, a link, a formula or a picture of, also where it is escaped.

A comment after it prevents that. Of a name that could be that of a commit no seven digits are together.
"""

_NUMBERS: Final = ("baseline", "candidate", "difference", "bound", "upper", "margin", "p_gate", "mde", "n", "clusters")


def targets(outputs: Sequence[str], suffixes: Collection[str], force: bool) -> dict[Path, str]:
    """The files to write, with the suffixes that say what is in them. Raises UserError where one cannot be written."""
    for suffix in (Path(name).suffix for name in outputs):
        if suffix not in suffixes:
            what = f"There is no format {shown(suffix) if suffix else 'without a suffix'}"
            raise UserError(f"{what}. There are: {', '.join(suffixes)}.")
    files: dict[Path, str] = {}
    for name in outputs:
        if (path := target(name, force)) in files:
            raise UserError(f"-o {name} is the file of another -o. Name each file once.")
        files[path] = Path(name).suffix
    return files


def write_files(files: Mapping[Path, str], content: Callable[[str, Path], bytes]) -> list[Path]:
    """Write each of the files, made by its suffix and folder, when all are made; return their paths."""
    made = {path: content(suffix, path.parent) for path, suffix in files.items()}
    write(made)
    return [*made]


def gate_written(gate: Gate, suffix: str, folder: Path = Path()) -> bytes:
    """The content of a gate's file by its suffix, one of GATE_FILES; a page has links from its folder."""
    match suffix:
        case ".md":
            return _comment(_inactive(markdown.render(ReportPage(_TITLE, tuple(gate_blocks(gate))))))
        case ".html":
            return encoded(html.page(gate_page(gate, folder)))
        case ".xml":
            return _xml(gate)
        case ".csv":
            return csv.dump(gate.verdicts, VERDICTS)
    return _json_of({**facts(gate), "rows": gate.verdicts.to_dicts()})


def comparison_written(comparison: Comparison, suffix: str) -> bytes:
    """The content of a comparison's file by its suffix, one of COMPARED but for a page."""
    document = ReportPage(comparison.title, tuple(comparison.blocks(MOST_ROWS)))
    match suffix:
        case ".md":
            return encoded(_inactive(markdown.render(document)))
        case ".tex":
            return encoded(tex.render(document))
        case ".csv":
            return csv.dump(comparison.frame, COMPARISONS)
    return _json_of({"note": comparison.note, "rows": comparison.frame.to_dicts()})


def _inactive(text: Trusted) -> Trusted:
    """Markdown in which GitHub makes no mention, reference or link of a name."""
    return Trusted(_ACTIVE.sub(r"\g<0><!-- -->", text))


def _comment(text: Trusted) -> bytes:
    """A comment; of a long one the beginning, which has what fails."""
    if len(text) > _LONGEST:
        first = Trusted(text[: text.rindex("\n", 0, _LONGEST)])
        text = filled("{}\n\nThe comment is cut here; .csv and .json have every row.\n", first)
    return encoded(text)


def _xml(gate: Gate) -> bytes:
    """JUnit, as Ant's schema has it: a suite a task, a case a gated row; what is undecided and passes is skipped."""
    root = ET.Element("testsuites")
    written = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    suites: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in gate.verdicts.filter(pl.col("verdict").is_not_null()).iter_rows(named=True):
        suites[row["task"] if row["against"] == BASELINE else f"{row['task']} ({row['against']})"].append(row)
    for number, (name, rows) in enumerate(suites.items()):
        fails = sum(row["fails"] for row in rows)
        skipped = sum(_is_skipped(row) for row in rows)
        counts = {"tests": len(rows), "failures": fails, "errors": 0, "skipped": skipped, "time": 0}
        texts = {"name": visible(name), "package": _TITLE, "timestamp": written, "hostname": "localhost"}
        numbers = {key: str(value) for key, value in {"id": number, **counts}.items()}
        suite = ET.SubElement(root, "testsuite", texts | numbers)
        ET.SubElement(suite, "properties")
        for case, row in zip(_cases(rows), rows, strict=True):
            _add_case(suite, case, row)
        for tag in ("system-out", "system-err"):
            ET.SubElement(suite, tag)
    ET.indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode").encode("utf-8") + b"\n"


def _is_skipped(row: Mapping[str, Any]) -> bool:
    return not row["fails"] and row["verdict"] not in (OK, NEW)


def _add_case(suite: ET.Element, name: str, row: Mapping[str, Any]) -> None:
    names = {"classname": visible(row["task"]), "name": visible(name), "time": "0"}
    case = ET.SubElement(suite, "testcase", names)
    if row["fails"]:
        failure = ET.SubElement(case, "failure", message=visible(row["why"]), type=row["verdict"])
        failure.text = "\n".join(f"{name}: {row[name]}" for name in _NUMBERS if row[name] is not None)
    elif _is_skipped(row):
        ET.SubElement(case, "skipped", message=visible(f"{row['verdict']}: {row['why']}"))


def _cases(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows of a task by their names, `sw char_noise:0.1`, with the noised fields where these tell rows apart."""
    short = [_case(row, without_fields(row["condition"])) for row in rows]
    several = Counter(short)
    return [name if several[name] == 1 else _case(row, row["condition"]) for name, row in zip(short, rows, strict=True)]


def _case(row: Mapping[str, Any], condition: str) -> str:
    """A row within its task by its noise; with its scale where it is the change."""
    language = language_of(row) or "all languages"
    return " ".join((language, condition, *(["change"] if row["scale"] == "change" else ())))


def facts(gate: Gate) -> dict[str, Any]:
    """The outcome of a gate as data, with unrounded numbers."""
    failing = gate.failing.sort("difference", nulls_last=True)
    worst = failing.row(0, named=True) if failing.height else None
    return {
        "note": gate.note,
        "passed": gate.passed,
        "outcome": "passed" if gate.passed else "failed",
        "counts": gate.counts,
        "counts_against_anchor": gate.counts_against(ANCHOR) if (gate.verdicts["against"] == ANCHOR).any() else None,
        "failing": failing.height,
        "worst_cell": row_name(worst) if worst else "",
        "worst_change": worst["difference"] if worst else None,
    }


def _json_of(value: Mapping[str, Any]) -> bytes:
    return encoded(json_text({"schema_version": SCHEMA_VERSION, **value}, indent=1) + "\n")

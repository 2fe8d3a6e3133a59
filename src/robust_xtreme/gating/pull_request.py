"""Writes what a step of GitHub Actions shows of a gate: annotations, a summary, and outputs."""

import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import polars as pl

from robust_xtreme.core.errors import DiskError, UserError, counted, no_room
from robust_xtreme.core.sinks import encoded, visible
from robust_xtreme.files.new_files import appended
from robust_xtreme.gating.document import BEYOND, MISSING, NEW, OK, REGRESSED, UNDECIDED, Gate, fell, outcome, row_name
from robust_xtreme.gating.outputs import facts, gate_written
from robust_xtreme.report.blocks import text_of

SUMMARY: Final = "GITHUB_STEP_SUMMARY"
OUTPUT: Final = "GITHUB_OUTPUT"
_MOST: Final = 10
"""The annotations of each kind that GitHub shows of a step."""

_PATHS: Final = {".md": "report-path", ".json": "json-path", ".xml": "junit-path"}
_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = {**_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}


def workflow_commands(gate: Gate) -> Iterator[str]:
    """A command of the workflow for each failing row, the largest falls first, then one for each kind of others."""
    rows = gate.failing.sort("difference", nulls_last=True)
    for row in rows.head(_MOST - 1).iter_rows(named=True):
        title, text = visible(row_name(row)).translate(_PROPERTY), visible(fell(row)).translate(_DATA)
        yield f"::error title={title}::{text}"
    for warning in _not_ok(gate):
        yield f"::warning title=robust-xtreme gate::{visible(warning).translate(_DATA)}"


def _not_ok(gate: Gate) -> Iterator[str]:
    """What does not fail and is not ok either, in sentences: rows without a proof, missing and accepted ones."""
    if gate.counts[UNDECIDED] + gate.counts[BEYOND]:
        yield text_of(outcome(gate))
    passing = gate.verdicts.filter(~pl.col("fails"))
    named = {"Missing from the run": passing.filter(verdict=MISSING), "Accepted": passing.filter("accepted")}
    for what, rows in named.items():
        if rows.height:
            yield f"{what}: {counted(rows.height, 'row')}, such as {row_name(rows.row(0, named=True))}."


def summarise(gate: Gate, path: str) -> None:
    """Append the comment to the step's summary. Raises DiskError where it cannot be written, UserError at a pipe."""
    _append(path, gate_written(gate, ".md"), "summary")


def set_outputs(gate: Gate, files: Iterable[Path], path: str) -> None:
    """Append the facts of a gate, and the paths of its files, to the outputs of the step. Raises as `summarise`."""
    lines = [_assigned(name, value) for name, value in outputs_of(gate, files).items()]
    _append(path, encoded("".join(lines)), "outputs")


def outputs_of(gate: Gate, files: Iterable[Path]) -> dict[str, str]:
    """The outputs of the step by name; the change of the worst row is not rounded."""
    known, counts = facts(gate), Counter(gate.verdicts["verdict"])  # against baseline and anchor
    change = known["worst_change"]
    return {
        "passed": "true" if known["passed"] else "false",
        "outcome": known["outcome"],
        "regressions": str(counts[REGRESSED]),
        "undecided": str(counts[UNDECIDED] + counts[BEYOND]),
        "all-ok": "true" if counts.keys() <= {OK, NEW, None} else "false",
        "worst-cell": visible(known["worst_cell"]),
        "worst-change": "" if change is None else repr(change),
        **{_PATHS[file.suffix]: str(file) for file in files if file.suffix in _PATHS},
    }


def _assigned(name: str, value: str) -> str:
    """An output in lines; the line that ends it cannot be in the value, which may have several lines."""
    end = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def _append(path: str, data: bytes, what: str) -> None:
    if Path(path).is_fifo():
        raise UserError(f"The step's {what} {path} is a pipe, and nobody may read it. Name a file.")
    try:
        with appended(Path(os.path.realpath(path))) as file:
            file.write(data)
    except OSError as error:
        cure = no_room(error) or "Make it writable"
        raise DiskError(f"The step's {what} {path} cannot be written: {error.strerror}. {cure}.") from error

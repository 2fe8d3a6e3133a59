"""Shows a gate where GitHub Actions runs it: an annotation for each failing row, and the comment as a summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from robust_xtreme.errors import UserError
from robust_xtreme.gating.document import outcome, row_name
from robust_xtreme.gating.outputs import gate_written
from robust_xtreme.gating.verdicts import UNDECIDED, Gate
from robust_xtreme.report.blocks import text_of
from robust_xtreme.sinks import visible

ACTIONS: Final = "GITHUB_ACTIONS"
SUMMARY: Final = "GITHUB_STEP_SUMMARY"
_MOST: Final = 10
"""The annotations of a step that GitHub shows."""

_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = {**_DATA, ":": "%3A", ",": "%2C"}


def workflow_commands(gate: Gate) -> Iterator[str]:
    """A command of the workflow for each failing row, the largest falls first, and one for all that are undecided."""
    rows = gate.failing.sort("difference", nulls_last=True)
    for row in rows.head(_MOST - 1).iter_rows(named=True):
        yield f"::error title={_escaped(row_name(row), _PROPERTY)}::{_escaped(row['why'], _DATA)}"
    if gate.counts[UNDECIDED]:
        yield f"::warning title=robust-xtreme gate::{_escaped(text_of(outcome(gate)), _DATA)}"


def _escaped(text: str, signs: Mapping[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in visible(text))


def summarise(gate: Gate, path: str) -> None:
    """Append the comment to the summary of the step. Raises UserError where it cannot be written."""
    try:
        with Path(path).open("ab") as file:
            file.write(gate_written(gate, ".md"))
    except OSError as error:
        raise UserError(f"The step's summary {path} cannot be written: {error.strerror}.") from error

"""Where noise changed a text: the key `edits` beside it, so that positions are mapped back as the noise moved them.

The value is a list of steps, one for each perturbation of a chain; a step is a list of [start, stop, length]: the code
points from start to stop of the text before the step became so many.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.formats._record import SlotResult

CHANGES: Final = "edits"


def check_free(holder: Mapping[str, Any], location: str) -> None:
    """Raise DataError where an object has the key already, of the noise that made its text."""
    if CHANGES in holder:
        cure = "Perturb the clean file instead, by a chain of both (NAME:STRENGTH+NAME:STRENGTH), or remove the key."
        raise DataError(location, f"has the key {CHANGES!r}, which this noise would make wrong. {cure}")


def beside(outcome: SlotResult) -> str:
    """The member of a JSON object that is written after the text; empty where the text has no edits."""
    traces = outcome.noised.traces if outcome.noised else ()
    steps = [[[a, b, d - c] for a, b, c, d in trace.moves] for trace in traces if trace.moves]
    return f', "{CHANGES}": {json.dumps(steps, separators=(",", ":"))}' if steps else ""

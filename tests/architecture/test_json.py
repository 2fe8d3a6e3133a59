"""JSON that comes from outside is parsed by `strict_json.py`, which refuses a key that occurs twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[2] / "src" / "robust_xtreme"
PARSERS: Final = re.compile(r"(?<!strict_)json\.loads?\(|ndjson\(|JSONDecoder\(|json_decode\(")
STORED: Final = "a column of a frame that the program wrote"
CACHED: Final = "a file that the program wrote into its own cache or folder"
CHILD: Final = "the answer of a child process of the program"

OURS: Final = {
    "core/strict_json.py": "the parser itself",
    "cli/_check.py": CHILD,
    "datasets/condition.py": "a line that was written a moment before",
    "exchange/exporting/harness/sheet.py": STORED,
    "exchange/exporting/harness/their_tasks.py": "rows that were written a moment before",
    "exchange/exporting/rows.py": STORED,
    "tasks/formats/parquet.py": "a line that was written a moment before",
    "models/stages.py": "a text that was written a moment before",
    "models/predictors/cache.py": CACHED,
    "models/reading/tokens.py": "the state of a tokenizer in memory",
    "report/charts/figures.py": "what is stored, and a text that was written a moment before",
    "report/charts/drawing.py": "a line of the process that draws",
    "report/columns.py": STORED,
    "report/samples/part.py": STORED,
    "report/samples/texts.py": STORED,
    "report/views/_by_cell.py": STORED,
    "stats/score.py": STORED,
    "files/journal.py": CACHED,
    "tasks/sources/hub.py": CACHED,
    "studies/folder.py": STORED,
    "training/lessons.py": CACHED,
    "training/record.py": "a text that was written a moment before",
    "training/resume.py": CACHED,
    "training/text.py": "the state of a tokenizer in memory",
}
"""The files that parse JSON in another way, each with what it parses."""


def test_json_from_outside_is_parsed_strictly() -> None:
    """What else parses JSON parses text of our own, and is listed with what that is."""
    users = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if _parses(path)}
    assert users - OURS.keys() == set()


def _parses(path: Path) -> bool:
    return PARSERS.search(path.read_text(encoding="utf-8")) is not None

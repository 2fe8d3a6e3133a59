"""The tables of keys in docs/training.md, from the specs of a run of `train` and of its stages.

python -m tools.training_page
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from robust_xtreme.keys import table
from robust_xtreme.training.spec import StageSpec, TrainSpec

PAGE: Final = Path(__file__).parents[1] / "docs" / "training.md"
_TABLES: Final = {"Keys of a run": TrainSpec, "Keys of a stage": StageSpec}


def page(text: str) -> str:
    """The page with its tables written again."""
    for heading, spec in _TABLES.items():
        rows = re.compile(rf"(### {heading}\n\n)(?:\|[^\n]*\n)+")
        text = rows.sub(lambda match, spec=spec: f"{match[1]}{table(spec)}\n", text)  # type: ignore[misc]  # one spec a heading
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

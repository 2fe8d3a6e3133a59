"""The tables of keys in docs/training.md, from the specs of a run of `train` and of its stages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.keys import keys, toml, written
from robust_xtreme.report.blocks import Mono, grid, named
from robust_xtreme.report.renderers import markdown
from robust_xtreme.training.spec import StageSpec, TrainSpec

PAGE: Final = Path(__file__).parents[1] / "docs" / "training.md"
_TABLES: Final = {"Keys of a run": TrainSpec, "Keys of a stage": StageSpec}


def page(text: str) -> str:
    """The page with its tables written again."""
    for heading, spec in _TABLES.items():
        rows = re.compile(rf"(### {heading}\n\n)(?:\|[^\n]*\n)+")
        text = rows.sub(lambda match, spec=spec: f"{match[1]}{_table(spec)}\n", text)  # type: ignore[misc]  # one spec a heading
    return text


def _table(kind: Any) -> str:
    rows = (
        (Mono(written(name)), Mono(toml(field.default)), named(key.help)) for name, (field, key) in keys(kind).items()
    )
    return markdown.table(grid(("key", "default", "what"), rows))

"""Raw rows: dictionaries by `items.KEYS` as a frame of strings, and what is given for the rows of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from robust_xtreme.errors import UserError, shown
from robust_xtreme.importing.items import KEYS
from robust_xtreme.sinks import json_text

_HALF: Final = re.compile("[\ud800-\udfff]")


@final
@dataclass(frozen=True, slots=True)
class Given:
    """A file or folder, with the condition of its rows where it is given (`FILE=CONDITION`).

    `has_task`: the task of rows that do not say theirs is given.
    """

    path: Path
    condition: str | None = None
    has_task: bool = False


def raw_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows as strings, with the keys that occur."""
    names = [key for key in KEYS if any(row.get(key) is not None for row in rows)]
    for row in rows:
        if any(_HALF.search(value) for value in row.values() if isinstance(value, str)):
            raise UserError(
                f"The row {shown(row.get('id'))} contains half of a surrogate pair, which is not a character."
            )
    return pl.DataFrame({name: pl.Series([_text(row.get(name)) for row in rows], dtype=pl.String) for name in names})


def _text(value: Any) -> str | None:
    """A value as JSON has it, a string without its quotes."""
    return value if value is None or isinstance(value, str) else json_text(value)

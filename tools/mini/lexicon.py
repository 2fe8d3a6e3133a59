"""The words of a language: `words/LANGUAGE.toml`, checked against the world of `meaning`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from tools.mini import meaning

_FOLDER: Final = Path(__file__).parent / "words"

TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "things": meaning.THINGS,
    "kinds": tuple(meaning.KINDS),
    "roles": meaning.ROLES,
    "adjectives": meaning.ADJECTIVES,
    "first_names": meaning.FIRST_NAMES,
    "last_names": meaning.LAST_NAMES,
    "places": meaning.PLACES,
    "stems": meaning.STEMS,
    "organisations": meaning.ORGANISATIONS[1:],
    "days": meaning.DAYS,
}
"""The tables that every file has, and their keys; a file may contain more. Each value is a text or a table of forms."""


@cache
def words(language: str) -> Mapping[str, Mapping[str, Any]]:
    """The tables of a language. Raises ValueError naming the first key that is missing or not of the world."""
    path = _FOLDER / f"{language}.toml"
    tables: Mapping[str, Mapping[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    for table, keys in TABLES.items():
        wrong = set(keys) ^ set(tables.get(table, {}))
        if wrong:
            raise ValueError(f"{path.name}: [{table}] has missing or unknown keys: {', '.join(sorted(wrong))}")
    return tables

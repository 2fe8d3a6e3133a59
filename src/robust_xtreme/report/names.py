"""Names of cells on the page, and their addresses in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import polars as pl

from robust_xtreme.core.languages import ALL_LANGUAGES, language

OTHER: Final = "Zyyy"
"""The script of what is not a known language, as ISO 15924 names it."""


_SCRIPTS: Final = {
    "Arab": "Arabic", "Beng": "Bengali", "Cyrl": "Cyrillic", "Deva": "Devanagari", "Geor": "Georgian", "Grek": "Greek",
    "Gujr": "Gujarati", "Guru": "Gurmukhi", "Hans": "Chinese", "Hant": "Chinese, traditional", "Hebr": "Hebrew",
    "Jpan": "Japanese", "Kore": "Korean", "Latn": "Latin", "Mlym": "Malayalam", "Mymr": "Burmese", "Taml": "Tamil",
    "Telu": "Telugu", "Thai": "Thai",
}  # fmt: skip


def script_name(code: str) -> str:
    """The name of a script by its code of ISO 15924; the code where it is not a known language's."""
    return _SCRIPTS.get(code, code)


def language_name(code: str) -> str:
    """A language's name with its code; of a pair both."""
    question, _, context = code.partition(" on ")
    return " on ".join(_named(part) for part in (question, context) if part)


def _named(code: str) -> str:
    return f"{language(code).name} ({code})" if code in ALL_LANGUAGES else code


def script(code: str) -> str:
    """The script of a language's texts; of a pair that of the first."""
    question = code.partition(" on ")[0]
    return language(question).script if question in ALL_LANGUAGES else OTHER


def cell_name(cell: Mapping[str, Any]) -> str:
    """A cell in words: `xnli, Swahili (sw), char_noise:0.1`."""
    return f"{cell['column']}, {language_name(cell['language'])}, {cell['noise']}"


def with_addresses(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells with `column`, the task and what else tells their columns apart, and `address`, each one's anchor.

    An address is `sw/xnli/char_noise:0.1`; where needed it names model, split and fields after the task.
    """
    several = {name: pl.col(name).n_unique().over("task") > 1 for name in ("model", "split", "inference")}
    parts = [
        *(pl.when(more, pl.col(name) != "").then(name) for name, more in several.items()),
        pl.when(pl.col("translated") != "").then("translated"),
        pl.when(pl.col("fields_rank") > 0, pl.col("fields") != "").then("fields"),
    ]
    named = cells.with_columns(column=pl.concat_str(pl.col("task"), *parts, separator=" ", ignore_nulls=True))
    rows = named.select("language", pl.col("column").str.split(" "), "noise").iter_rows()
    addresses = [anchor(language, *column, noise) for language, column, noise in rows]
    return named.with_columns(pl.Series("address", addresses, dtype=pl.String))


def anchor(*parts: str) -> str:
    """An address in the page of any names."""
    return "/".join(quote(part, safe=":.,@=+-_") for part in parts)

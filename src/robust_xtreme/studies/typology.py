"""How far a language is from English, by URIEL's features: the bundled table `perturbations/typology/en.tsv`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, UnknownName
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.core.packs import PackTable, read_table

KINDS: Final = ("syntactic", "phonological", "inventory", "featural", "genetic", "geographic")
"""The kinds of distance; each is from 0 to 1. tools/typology.py says how each is made."""

_SEE: Final = "perturbations/README.md"


def distances(codes: Iterable[str], kind: str) -> dict[str, float]:
    """The distance of each language from English; a language whose distance is not known is left out.

    Raises UnknownName for another kind, or a code that is not a language's.
    """
    if kind not in KINDS:
        raise UnknownName("typological distance", kind, KINDS, _SEE)
    known = _known(kind)
    for code in (codes := tuple(codes)):
        if code not in ALL_LANGUAGES:
            raise UnknownName("language", code, ALL_LANGUAGES, "robust-xtreme list languages")
    return {code: known[code] for code in codes if code in known}


@cache
def source() -> Mapping[str, str]:
    """The header of the table: source, licence, standing and maker."""
    return _table().header


@cache
def _known(kind: str) -> Mapping[str, float]:
    table = _table()
    return {row["code"]: _number(table, row, kind) for row in table.rows if row[kind]}


def _table() -> PackTable:
    table = read_table(resources.folder("perturbations") / "typology" / "en.tsv")
    table.need("code", "iso639_3", *KINDS)
    return table


def _number(table: PackTable, row: Mapping[str, str], kind: str) -> float:
    try:
        value = float(row[kind])
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise DataError(table.path, f"the {kind} distance of {row['code']!r:.40} is not a number from 0 to 1")
    return value

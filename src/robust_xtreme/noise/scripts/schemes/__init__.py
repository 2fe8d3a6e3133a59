"""Schemes of transliteration: which languages each serves, and how it spells them."""

from __future__ import annotations

from typing import Final

MEMBERS: Final = {
    "_libraries": ("icu", "uroman"),
    "_tables": ("arab", "deva", "hant", "hepburn", "iast", "iso9", "latn", "national", "revised", "rtgs", "typed"),
}

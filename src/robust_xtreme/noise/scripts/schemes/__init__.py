"""Schemes of transliteration: which languages each serves, and how it spells them."""

from __future__ import annotations

from typing import Final

_NAMES: Final = "arab deva hant hepburn iast icu iso9 latn national revised rtgs typed uroman"
MEMBERS: Final = {"_schemes": tuple(_NAMES.split())}

"""Forms that a lexicon has for certain things, or kinds of things, instead of the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.mini.meaning import KINDS


def special(lexicon: Mapping[str, Mapping[str, Any]], concept: str, noun: str) -> Any:
    """What `[special.CONCEPT]` of a lexicon has for a noun or for the kind that it is of; None where it has nothing."""
    forms: Mapping[str, Any] = lexicon.get("special", {}).get(concept, {})
    kind = next((name for name, things in KINDS.items() if noun in things), "")
    return forms.get(noun, forms.get(kind))

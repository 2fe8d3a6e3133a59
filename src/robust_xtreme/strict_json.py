"""Parse JSON that comes from outside: a key that occurs twice has no value that every reader agrees on."""

from __future__ import annotations

import json
from typing import Any, Final

_SHOWN: Final = 80


def loads(text: str | bytes, **options: Any) -> Any:
    """The value of a JSON text; `options` are those of `json.loads`.

    Raises ValueError where the text is not JSON or an object has a key twice, RecursionError where it nests too deep.
    """
    return json.loads(text, object_pairs_hook=unique, **options)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object. Raises ValueError where a key occurs twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:_SHOWN]!r} occurs twice")
    return members

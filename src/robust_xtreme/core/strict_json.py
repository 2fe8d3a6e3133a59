"""Parse JSON that comes from outside: a key that occurs twice has no value that every reader agrees on."""

import json
from collections.abc import Callable
from typing import Any


class RepeatedKey(ValueError):
    """An object has a key twice."""


def loads(text: str | bytes, hook: Callable[[dict[str, Any]], Any] | None = None, **options: Any) -> Any:
    """The value of a JSON text; `hook` makes something else of each object, `options` are those of `json.loads`.

    Raises ValueError where the text is not JSON or an object has a key twice, RecursionError where it nests too deep.
    """
    return json.loads(text, object_pairs_hook=(lambda pairs: hook(unique(pairs))) if hook else unique, **options)


def decoder(**options: Any) -> json.JSONDecoder:
    """What `loads` parses with, for many texts; `options` are those of `json.JSONDecoder`."""
    return json.JSONDecoder(object_pairs_hook=unique, **options)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object. Raises RepeatedKey where a key occurs twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RepeatedKey(f"the key {twice[:80]!r} occurs twice")
    return members

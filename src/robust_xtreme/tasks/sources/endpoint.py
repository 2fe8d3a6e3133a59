"""The address of the hub in HF_ENDPOINT: whether it is valid, and how it is shown without its password."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import urlsplit

VARIABLE: Final = "HF_ENDPOINT"
_SECRET: Final = re.compile(r"(?<=//)[^/\s]*@")
_REFUSED: Final[list[str]] = []
"""The value of the variable before `settle` removed it."""


def settle() -> None:
    """Remove a malformed address from the environment: the hub's client parses it on import, needed or not.

    `refusal` still reports it where the hub is needed. An empty variable counts as unset.
    """
    value = os.environ.get(VARIABLE)
    if value is not None and not _is_address(value):
        _REFUSED[:] = [value] if value else []
        del os.environ[VARIABLE]


def refusal() -> str:
    """What is wrong with the address, on one line; empty where it is valid."""
    value = os.environ.get(VARIABLE) or next(iter(_REFUSED), "")
    if not value or _is_address(value):
        return ""
    shown = value.rpartition("@")[2][:80]
    what = f"{VARIABLE} is not an address of a hub: {shown!r}."
    return f"{what} It takes https://HOST; without it the hub is huggingface.co."


def public(text: str) -> str:
    """A text whose addresses show neither user nor password."""
    return _SECRET.sub("", text)


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # malformed brackets or port
        return False
    return valid and value.isprintable() and not any(character.isspace() for character in value)

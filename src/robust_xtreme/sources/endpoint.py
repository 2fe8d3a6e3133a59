"""The address of the hub that HF_ENDPOINT names: whether it is one, and how it is shown without its password."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import urlsplit

VARIABLE: Final = "HF_ENDPOINT"
_SECRET: Final = re.compile(r"(?<=//)[^/\s]*@")
_REFUSED: Final[list[str]] = []
"""What the variable held before `settle` took it away."""


def settle() -> None:
    """Take a malformed address out of the environment: the hub's client parses it when it is imported, needed or not.

    `refusal` still tells of it, where the hub is needed. An empty variable is none.
    """
    value = os.environ.get(VARIABLE)
    if value is not None and not _is_address(value):
        _REFUSED[:] = [value] if value else []
        del os.environ[VARIABLE]


def refusal() -> str:
    """What is wrong with the address, on one line; nothing where it can be asked."""
    value = os.environ.get(VARIABLE) or next(iter(_REFUSED), "")
    if not value or _is_address(value):
        return ""
    shown = value.rpartition("@")[2][:80]
    return f"{VARIABLE} is not an address of a hub: {shown!r}. It takes https://HOST; without it the hub is huggingface.co."


def public(text: str) -> str:
    """A text whose addresses show neither user nor password."""
    return _SECRET.sub("", text)


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and _is_plain(value)
    except ValueError:  # brackets or a port that are none
        return False


def _is_plain(value: str) -> bool:
    return value.isprintable() and not any(one.isspace() for one in value)

"""Escapes text from data on a page: invisible characters are shown as codes, those of markdown are escaped."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_HIDDEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_MARKDOWN: Final = re.compile(r"[\\`*<|&~$]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])|^[#>]|^[-+](?=\s)")


def visible(text: str) -> str:
    """Control, direction and zero-width characters as `<U+202E>`; everything else as it is."""
    return "".join(
        f"<U+{ord(character):04X}>" if unicodedata.category(character) in _HIDDEN else character for character in text
    )


def markdown(text: str) -> str:
    """The visible text with every character of markdown syntax escaped."""
    return _MARKDOWN.sub(lambda match: "\\" + match.group(), visible(text))


def code_block(lines: list[str]) -> str:
    """Lines as a code block, with a fence that no line can close."""
    body = [visible(line) for line in lines]
    longest = max((len(run) for line in body for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *body, fence])

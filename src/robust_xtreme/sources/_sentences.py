"""Where the sentences of a text begin and end, by a rule for texts whose files do not say it."""

from __future__ import annotations

from typing import Final

import regex

_BREAK: Final = regex.compile(
    r"""
    (?: (?<! [\s.(] \p{Lu} ) [.!?\u061f\u06d4\u2026]+ ["'\u201d\u2019\u00bb)\]]* (?= \s | $ )  # a mark before a space
      | [\u3002\uff01\uff1f\u0964\u0965\u104b\u1362\u17d4]+ [\u201d\u2019\u300d\u300f)]*  # a mark that needs none
      | (?<= \p{Thai} ) (?= \s+ \p{Thai} )  # Thai parts sentences with spaces
      | (?= \n )
    )
    """,
    regex.V1 | regex.VERBOSE,
)


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as half-open ranges without surrounding white space; none for an empty text."""
    found, start = [], 0
    for stop in [match.end() for match in _BREAK.finditer(text)] + [len(text)]:
        inside = text[start:stop]
        if inside.strip():
            begin = start + len(inside) - len(inside.lstrip())
            found.append((begin, begin + len(inside.strip())))
        start = stop
    return found

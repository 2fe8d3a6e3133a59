"""Read a JSON document value by value, so that a long list is never in memory as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, final

from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.formats._file import Source, check_size
from robust_xtreme.tasks.formats._json import placed

_MARKS: Final = re.compile(r'["\\{}\[\]]')
_SPACES: Final = " \t\n\r"
_ENDS: Final = re.compile(r"[,:\]} \t\n\r]")
_OPEN: Final = "{["
_CLOSE: Final = "}]"
_SHOWN: Final = 80
_SCALAR: Final = 1_000_000


@final
class UnreadText:
    """The unread text of a document; `path` is the file, `line` the number of the line that is read next."""

    def __init__(self, source: Source) -> None:
        self._pieces = source.pieces()
        self.path = source.path
        self._text = ""
        self.line = 1

    def space(self) -> str:
        """Read the white space that comes next."""
        taken = []
        while True:
            remaining = self._text.lstrip(_SPACES)
            taken.append(self._take(len(self._text) - len(remaining)))
            check_size(sum(map(len, taken)), "white space", self.path, self.line)
            if remaining or not self._more():
                return "".join(taken)

    def next(self) -> str:
        """The next character, which stays unread; an empty text at the end."""
        return self._text[:1] if self._text or self._more() else ""

    def mark(self, marks: str) -> str:
        """Read one of some marks. Raises DataError where something else comes next."""
        if not self.next() or self.next() not in marks:
            raise self.broken(f"expected {' or '.join(map(repr, marks))}")
        return self._take(1)

    def value(self) -> str:
        """Read the raw text of the next value. Raises DataError where it does not end."""
        first = self.next()
        end = self._container() if first in (*_OPEN, '"') and first else self._scalar()
        return self._take(end)

    def after_item(self, what: str, close: str) -> str:
        """Read what is between an item of a list or an object and the next item, or the end. Raises DataError."""
        between = self.space()
        if self.next() != close:
            between += self.mark(",") + self.space()
            if self.next() == close:
                raise self.broken(f"expected {what}")
        return between

    def broken(self, what: str) -> DataError:
        """The error for an unexpected next character."""
        following = repr(self.next()) if self.next() else "the end of the file"
        return DataError(self.path, f"is not valid JSON: {what}, and there is {following}.", self.line)

    def _take(self, size: int) -> str:
        taken, self._text = self._text[:size], self._text[size:]
        self.line += taken.count("\n")
        return taken

    def _more(self) -> bool:
        piece = next(self._pieces, "")
        self._text += piece
        return bool(piece)

    def _scalar(self) -> int:
        position = 0
        while not (match := _ENDS.search(self._text, position)):
            position = len(self._text)
            if position > _SCALAR:
                raise DataError(self.path, f"is not valid JSON: a number has more than {_SCALAR:,} digits.", self.line)
            if not self._more():
                break
        if not (end := match.start() if match else len(self._text)):
            raise self.broken("expected a value")
        return end

    def _container(self) -> int:
        """The end of the object, list or string that begins here; pieces are joined once, at the end."""
        depth, quoted, before, parts, skipped = 0, False, 0, [self._text], -1
        while True:
            for match in _MARKS.finditer(parts[-1]):
                mark, position = match[0], before + match.start()
                if position == skipped:
                    continue
                if quoted and mark == "\\":
                    skipped = position + 1
                elif mark == '"':
                    quoted = not quoted
                elif not quoted and mark != "\\":
                    depth += 1 if mark in _OPEN else -1
                if not quoted and not depth:
                    self._text = "".join(parts)
                    return position + 1
            before += len(parts[-1])
            check_size(before, "a value", self.path, self.line)
            parts.append(next(self._pieces, ""))
            if not parts[-1]:
                raise DataError(self.path, "is not valid JSON: a value does not end; is the file cut off?", self.line)


def members(document: UnreadText) -> Iterator[tuple[str, str | None]]:
    """The members of an object after its brace: the text before each value, and its key; None at the end."""
    before, seen = document.space(), set[str]()
    while document.next() != "}":
        if document.next() != '"':
            raise document.broken("expected a key")
        line, raw = document.line, document.value()
        key: str = placed(raw, document.path, line)
        if key in seen:
            raise DataError(document.path, f"the key {key[:_SHOWN]!r} occurs twice.", line)
        seen.add(key)
        between = document.space() + document.mark(":") + document.space()
        yield before + raw + between, key
        before = document.after_item("a key", "}")
    yield before, None

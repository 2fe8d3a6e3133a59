"""An input file as a stream: lines, or pieces of text, of UTF-8 with or without a byte order mark."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, final

from robust_xtreme.errors import DataError

STREAM: Final = "-"
"""What stands for stdin and stdout."""

_MARK: Final = codecs.BOM_UTF8
_PIECE: Final = 1 << 16
_FEW: Final = 3


class Line(NamedTuple):
    """One line: its number from 1, its text, and what ends it: LF, CRLF or nothing."""

    number: int
    text: str
    end: str


@final
class Source:
    """A file that is read once from its beginning; `read` counts the bytes that were taken."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self.path = path
        self.mark = _mark(file)
        self.read = len(self.mark.encode())

    def lines(self) -> Iterator[Line]:
        """The lines; only LF and CRLF end one.

        Raises DataError naming the line that is not UTF-8, and where all lines end in CR.
        """
        for number, data in enumerate(self._file, start=1):
            self.read += len(data)
            text = self._decoded(data, number)
            bare = text.removesuffix("\n")
            if bare == text and number == 1:
                check_ends(text, self.path, number)
            bare = bare.removesuffix("\r") if bare != text else bare
            yield Line(number, bare, text[len(bare) :])

    def head(self) -> list[str]:
        """Lines that the file begins with, as many as are read at once; nothing is taken."""
        buffered: Any = self._file
        data: bytes = buffered.peek(_PIECE)
        lines = data.decode("utf-8", "replace").split("\n")
        return lines if len(lines) < _FEW else lines[:-1]  # the last one may be cut off

    def pieces(self) -> Iterator[str]:
        """The text in pieces of bounded size. Raises DataError naming the line that is not UTF-8."""
        decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
        while data := self._file.read(_PIECE):
            self.read += len(data)
            try:
                text = decoder.decode(data)
            except UnicodeDecodeError as error:
                raise self._invalid(error, line + error.object.count(b"\n", 0, error.start)) from None
            line += text.count("\n")
            if text:
                yield text
        if decoder.getstate()[0]:
            raise DataError(self.path, "the file ends in the middle of a character; is it cut off?", line)

    def _decoded(self, data: bytes, number: int) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._invalid(error, number) from None

    def _invalid(self, error: UnicodeDecodeError, line: int) -> DataError:
        what = f"byte {error.object[error.start]:#04x} is not valid UTF-8; save the file as UTF-8."
        return DataError(self.path, what, line)


def check_ends(text: str, path: str, line: int) -> None:
    """Raise DataError where a text of one line holds a CR, which ends lines without an LF behind it."""
    if "\r" in text:
        what = "holds a CR (\\r) without an LF (\\n) behind it, as old line ends are. Save the file with LF or CRLF."
        raise DataError(path, what, line)


def _mark(file: BinaryIO) -> str:
    """The byte order mark that a file begins with, taken from it; none: an empty text."""
    buffered: Any = file
    if buffered.peek(len(_MARK))[: len(_MARK)] == _MARK:
        return file.read(len(_MARK)).decode()
    return ""


@contextmanager
def opened(name: str) -> Iterator[Source]:
    """The file of that name, `-` being stdin. Raises DataError where it cannot be read."""
    if name == STREAM:
        stdin: Any = getattr(sys.stdin, "buffer", None)
        if stdin is None:
            raise DataError("stdin", "is closed; name a file.")
        yield Source(stdin if hasattr(stdin, "peek") else io.BufferedReader(stdin), "stdin")
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only opening may fail as a mistake of the user's
    except OSError as error:
        raise DataError(name, f"cannot be read: {error.strerror or error}") from error
    with file:
        yield Source(file, name)

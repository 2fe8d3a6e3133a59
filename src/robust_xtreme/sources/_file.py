"""Bytes of a release file as text: UTF-8 with or without a byte order mark, lines ended by LF or CRLF."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.errors import DataError

_BOM: Final = "\ufeff"


@final
@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that was read: its text without the byte order mark, nothing else changed, and its sha256."""

    text: str
    sha256: str


def read_file(path: Path) -> SourceFile:
    """Read a UTF-8 file. Raises DataError naming the line of the first byte that is not UTF-8.

    A pipe or a device, which may never end, is refused without being opened.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DataError(path, "is no regular file, but a pipe, a socket or a device.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte {data[error.start]:#04x} is not valid UTF-8; save the file as UTF-8."
        raise DataError(path, what, line) from None
    return SourceFile(text.removeprefix(_BOM), hashlib.sha256(data).hexdigest())


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1; only LF and CRLF end a line, and empty lines at the end are left out.

    No second copy of the text is made: some files have hundreds of megabytes.
    """
    end = len(text)
    while end and text[end - 1] in "\r\n":
        end -= 1
    start, number = 0, 1
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield number, text[start:stop].removesuffix("\r")
        start, number = stop + 1, number + 1

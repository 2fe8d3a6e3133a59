"""Files as text, whole or as a stream: UTF-8 with or without a byte order mark, lines ended by LF or CRLF.

A file may be compressed by gzip. The size of a stream is not limited, but that of what is in memory as a whole is.
"""

import codecs
import gzip
import hashlib
import io
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import Any, BinaryIO, Final, NamedTuple

from robust_xtreme.core.errors import DataError

STREAM: Final = "-"
"""The file name that means stdin or stdout."""

_MARK: Final = codecs.BOM_UTF8
_PIECE: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"
_UNREAD: Final = {
    rb"\x1f\x8b": "is compressed by gzip twice. Unpack it once: gunzip",
    rb"BZh[1-9][1\x17]": "is compressed by bzip2, which is not read. Unpack it: bunzip2",
    rb"\x28\xb5\x2f\xfd": "is compressed by zstd, which is not read. Unpack it: zstd -d",
    rb"\xfd7zXZ": "is compressed by xz, which is not read. Unpack it: unxz",
    rb"PK\x03\x04": "is a ZIP archive, compressed files or a sheet. Save a sheet as .csv, or unpack it: unzip",
    rb"\xd0\xcf\x11\xe0": "is a sheet or a document of Office. Save it as .csv: soffice --convert-to csv",
    rb"\xff\xfe|\xfe\xff": "is text in UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8",
}
"""What files are that are not read, by their first bytes, each with the command that makes one that is."""

_PAGE: Final = "is a web page instead of the file. Download the file itself."
_INSTEAD: Final = {
    "version https://git-lfs.github.com/spec/": "is a pointer of Git LFS instead of the file. Get that: git lfs pull",
    "<!doctype html": _PAGE,
    "<html": _PAGE,
}
"""What downloads leave instead of a file, by its beginning."""

_MOST_UNPACKED: Final = 1 << 30
PACKED: Final = ".gz"
"""The ending of the name of a file that is compressed by gzip."""

LONGEST: Final = 1 << 26
"""The limit of a line, a row, a sentence or a value of JSON: 64 MiB. Compressed files can contain more than memory."""


class TextLine(NamedTuple):
    """One line: its number from 1, its text, and its end: LF, CRLF or nothing."""

    number: int
    text: str
    end: str

    @property
    def whole(self) -> str:
        """The text with its end."""
        return self.text + self.end


class SourceFile(NamedTuple):
    """One file that was read: its text without the byte order mark, nothing else changed, and the sha256 of its bytes.

    Of a compressed file both are those of its content.
    """

    text: str
    sha256: str


def read_file(path: Path) -> SourceFile:
    """Read a UTF-8 file, which may be compressed, to at most 1 GiB. Raises DataError, naming a line that is not UTF-8.

    A pipe or a device, which may never end, is refused without being opened, and a web page or a pointer of Git LFS, as
    downloads leave it, is named as such.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DataError(path, "is not a regular file, but a pipe, a socket or a device.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror or error}") from error
    if not data.startswith(_GZIP):
        _check_kind(data[:8], path)
    else:
        with _source(io.BufferedReader(io.BytesIO(data)), str(path)) as source:
            data = source.mark.encode() + source.whole(_MOST_UNPACKED)
    text = decoded(data, path).removeprefix("\ufeff")
    for beginning, what in _INSTEAD.items():
        if text[:100].lstrip().lower().startswith(beginning):
            raise DataError(path, what, 1)
    return SourceFile(text, hashlib.sha256(data).hexdigest())


def _check_kind(start: bytes, path: Path | str) -> None:
    """Raise DataError where the first bytes of a file are of a kind that is not read."""
    for pattern, sentence in _UNREAD.items():
        if re.match(pattern, start):
            raise DataError(path, f"{sentence} {quote(str(path))}")


def decoded(data: bytes, path: Path | str, line: int = 1) -> str:
    """Decode UTF-8; `line` is the number of the first line. Raises DataError naming the line that is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(error, path, line) from None


def _invalid(error: UnicodeDecodeError, path: Path | str, line: int) -> DataError:
    what = f"byte {error.object[error.start]:#04x} is not valid UTF-8; save the file as UTF-8."
    return DataError(path, what, line + error.object.count(b"\n", 0, error.start))


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1; only LF and CRLF end a line, and empty lines at the end are left out.

    No second copy of the text is made, only of a block of lines: some files have hundreds of megabytes.
    """
    return enumerate(chain.from_iterable(_blocks(text)), start=1)


def _blocks(text: str) -> Iterator[list[str]]:
    """The lines of a text, those of some thousand characters at a time."""
    end = len(text)
    while end and text[end - 1] in "\r\n":
        end -= 1
    start = 0
    while start < end:
        stop = text.find("\n", min(start + _PIECE, end), end)
        stop = end if stop < 0 else stop
        block = text[start:stop]
        lines = block.split("\n")
        yield [line.removesuffix("\r") for line in lines] if "\r" in block else lines
        start = stop + 1


class Source:
    """A file that is read once from its beginning; `position` is called for the bytes read, where they are packed."""

    def __init__(self, file: BinaryIO, path: str, position: Callable[[], int] | None = None) -> None:
        self._file = file
        self._position = position
        self.path = path
        buffered: Any = file
        self.start: bytes = buffered.peek(64)[:64]
        _check_kind(self.start, path)
        self.mark = file.read(len(_MARK)).decode() if self.start.startswith(_MARK) else ""
        self._read = len(self.mark.encode())

    @property
    def read(self) -> int:
        """The number of bytes of the file that were taken."""
        return self._position() if self._position else self._read

    def whole(self, most: int) -> bytes:
        """All bytes that were not read. Raises DataError where there are more than `most`."""
        taken = io.BytesIO()  # in pieces: one read takes the memory of all that it is asked for first
        while taken.tell() <= most and (piece := self._file.read(_PIECE)):
            taken.write(piece)
        data = taken.getvalue()
        self._read += len(data)
        if len(data) > most:
            raise DataError(self.path, f"is larger than {size(most)}, and is read whole.")
        return data

    def lines(self) -> Iterator[TextLine]:
        """The lines; only LF and CRLF end one.

        Raises DataError naming the line that is not UTF-8 or longer than LONGEST, and where all lines end in CR.
        """
        for number, data in enumerate(iter(lambda: self._file.readline(LONGEST + 1), b""), start=1):
            self._read += len(data)
            check_size(len(data), "the line", self.path, number)
            text = decoded(data, self.path, number)
            bare = text.removesuffix("\n")
            if bare == text and number == 1:
                check_ends(text, self.path, number)
            bare = bare.removesuffix("\r") if bare != text else bare
            yield TextLine(number, bare, text[len(bare) :])

    def head(self) -> list[str]:
        """The first lines of the file, as many as the buffer contains; they are read again by `lines`."""
        buffered: Any = self._file
        data: bytes = buffered.peek(_PIECE)
        lines = data.decode("utf-8", "replace").split("\n")
        return lines if len(lines) < 3 else lines[:-1]  # the last line may be incomplete

    def pieces(self) -> Iterator[str]:
        """The text in pieces of bounded size. Raises DataError naming the line that is not UTF-8."""
        decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
        while data := self._file.read(_PIECE):
            self._read += len(data)
            try:
                text = decoder.decode(data)
            except UnicodeDecodeError as error:
                raise _invalid(error, self.path, line) from None
            line += text.count("\n")
            if text:
                yield text
        if decoder.getstate()[0]:
            raise DataError(self.path, "the file ends in the middle of a character; is it cut off?", line)


def size(limit: int) -> str:
    """A limit in bytes in words: `64 MiB`."""
    return f"{limit >> 20:,} MiB"


def check_size(length: int, what: str, path: str, line: int | None) -> None:
    """Raise DataError where something that is in memory as a whole is longer than LONGEST."""
    if length > LONGEST:
        raise DataError(path, f"{what} is longer than {size(LONGEST)}.", line)


def check_ends(text: str, path: str, line: int) -> None:
    """Raise DataError where a text of one line contains a CR, which ends lines without an LF after it."""
    if "\r" in text:
        raise DataError(
            path,
            "contains a CR (\\r) without an LF (\\n) after it, as old line ends are. Save the file with LF or CRLF.",
            line,
        )


@contextmanager
def opened(name: str) -> Iterator[Source]:
    """Open the file of that name, which may be compressed; `-` is stdin.

    Raises DataError where it cannot be read and, in the block, where it is damaged or cut off.
    """
    if name == STREAM:
        stdin: Any = getattr(sys.stdin, "buffer", None)
        if stdin is None:
            raise DataError("stdin", "is closed; name a file.")
        with _source(stdin if hasattr(stdin, "peek") else io.BufferedReader(stdin), "stdin") as source:
            yield source
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only a failure to open is a user's mistake
    except OSError as error:
        raise DataError(name, f"cannot be read: {error.strerror or error}") from error
    with file, _source(file, name) as source:
        yield source


@contextmanager
def _source(file: BinaryIO, path: str) -> Iterator[Source]:
    """The source of an open file; no text in UTF-8 begins with the first two bytes of gzip."""
    buffered: Any = file
    if not buffered.peek(len(_GZIP)).startswith(_GZIP):
        yield Source(file, path)
        return
    try:
        unpacked: Any = io.BufferedReader(gzip.GzipFile(fileobj=file), _PIECE)
        yield Source(unpacked, path, file.tell if file.seekable() else None)
    except EOFError:
        raise DataError(path, "is cut off: the compressed data do not end. Copy the file again.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(path, f"cannot be decompressed: {error}. Copy the file again.") from None

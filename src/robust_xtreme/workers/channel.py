"""Values between processes over a socket; large arrays travel in memory that both processes map, not as bytes.

Such memory has no name: it is gone when the last process that maps it ends, also where that process is killed.
"""

from __future__ import annotations

import copyreg
import errno
import hashlib
import io
import mmap
import os
import pickle
import select
import socket
import struct
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from threading import Lock
from typing import Any, Final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DiskError
from robust_xtreme.core.examples import Answers, Choice, Document, Example, Span, Tags, Text
from robust_xtreme.core.specs import TaskSpec

GONE: Final = (BrokenPipeError, ConnectionResetError)
"""What `send` raises where the other end is gone."""

_HEAD: Final = struct.Struct("<QI?")
"""The size of the content, the number of its pieces, and whether it is in memory that is sent beside it."""

_LENGTH: Final = struct.Struct("<Q")
_ALIGNED: Final = 64
_KEPT: Final = 2
_INLINE: Final = 1 << 15
"""Bytes up to which a message goes through the socket."""


class Channel:
    """One end of a connection between two processes. A thread that sends may do so while another one receives."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def send(self, value: object) -> None:
        """Send a value. Raises GONE, and DiskError where memory cannot be shared."""
        buffers: list[pickle.PickleBuffer] = []
        pieces = [memoryview(dumped(value, buffers.append)), *(buffer.raw() for buffer in buffers)]
        lengths = b"".join(_LENGTH.pack(piece.nbytes) for piece in pieces)
        content = _laid_out([memoryview(lengths), *pieces])
        size = sum(part.nbytes for part in content)
        if size <= _INLINE:
            self._socket.sendall(b"".join([_HEAD.pack(size, len(pieces), False), *content]))
            return
        memory = _shared(content)
        try:
            socket.send_fds(self._socket, [_HEAD.pack(size, len(pieces), True)], [memory])
        finally:
            os.close(memory)

    def receive(self) -> Any:
        """The next value, whose arrays are in the memory of the sender. Raises EOFError, and DiskError as `send`."""
        head, handles, *_ = socket.recv_fds(self._socket, _HEAD.size, 1)
        size, count, is_mapped = _HEAD.unpack(head + self._exactly(_HEAD.size - len(head)))
        content = memoryview(_mapped(handles, size) if is_mapped else self._exactly(size))
        lengths = [length for (length,) in _LENGTH.iter_unpack(content[: count * _LENGTH.size])]
        body, *buffers = _cut(content, [count * _LENGTH.size, *lengths])[1:]
        return pickle.loads(body, buffers=buffers)  # noqa: S301 - only our processes have the other end

    def has_more(self) -> bool:
        """Whether `receive` would not wait: there is a value, or the other end is gone."""
        asked = select.poll()
        asked.register(self._socket, select.POLLIN)
        return bool(asked.poll(0))

    def _exactly(self, size: int) -> bytearray:
        """The next bytes. Raises EOFError where the other end is gone before the last of them."""
        content = bytearray(size)
        left = memoryview(content)
        while left:
            count = self._socket.recv_into(left)
            if not count:
                raise EOFError
            left = left[count:]
        return content

    def close(self) -> None:
        """Close this end, also where another thread receives."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other end closed it
        finally:
            self._socket.close()


def channel_and_end() -> tuple[Channel, socket.socket]:
    """A new connection: this end, and the other one, which another process opens by its number."""
    here, there = socket.socketpair()
    return Channel(here), there


def opened(number: int) -> Channel:
    """The end of a connection that a parent process has made."""
    return Channel(socket.socket(fileno=number))


def _laid_out(pieces: Sequence[memoryview]) -> list[memoryview]:
    """The pieces, each followed by what makes the next one begin at a multiple of _ALIGNED."""
    zeros = memoryview(bytes(_ALIGNED))
    return [part for piece in pieces for part in (piece, zeros[: -piece.nbytes % _ALIGNED])]


def _cut(content: memoryview, lengths: Sequence[int]) -> list[memoryview]:
    """The pieces that `_laid_out` has put together."""
    pieces, start = [], 0
    for length in lengths:
        pieces.append(content[start : start + length])
        start += length + -length % _ALIGNED
    return pieces


def _memory() -> int:
    """The number of a new file that has no name and, where the system can, no disk."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("robust-xtreme")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _shared(content: Sequence[memoryview]) -> int:
    """Write a content to a new file; return its descriptor. Raises DiskError without room or a free descriptor."""
    memory = None
    try:
        memory = _memory()
        with open(memory, "wb", closefd=False) as file:
            file.writelines(content)
    except OSError as error:
        if memory is not None:
            os.close(memory)
        raise _not_shared("written", error) from error
    return memory


def _mapped(handles: Sequence[int], size: int) -> mmap.mmap:
    """The content of the file that was sent, mapped; its number is closed. Raises DiskError without a free number."""
    try:
        if not handles:  # the system drops what it has no number for
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return mmap.mmap(handles[0], size)
    except OSError as error:
        raise _not_shared("read", error) from error
    finally:
        for handle in handles:
            os.close(handle)


def _not_shared(done: str, error: OSError) -> DiskError:
    what = f"What processes send to each other cannot be {done}: {error.strerror or error}."
    return DiskError(f"{what} With workers = 0 in a file for --config one process computes.")


class Sealed:
    """A value that is sent many times: made into bytes once, and read once by a process, which keeps the last ones."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self._content: tuple[bytes, bytes] | None = None

    def __reduce__(self) -> tuple[Callable[..., Sealed], tuple[Any, ...]]:
        """A name of the content, and the content."""
        if self._content is None:
            content = dumped(self.value)
            self._content = hashlib.blake2b(content, digest_size=16).digest(), content
        name, content = self._content
        return _unsealed, (name, pickle.PickleBuffer(content))


_unsealed_ones: Final[dict[bytes, Sealed]] = {}
_reading: Final = Lock()


def _unsealed(name: bytes, content: Any) -> Sealed:
    with _reading:
        if name not in _unsealed_ones:
            for other in list(_unsealed_ones)[: 1 - _KEPT]:
                del _unsealed_ones[other]
            _unsealed_ones[name] = Sealed(pickle.loads(content))  # noqa: S301 - only our processes have the other end
        return _unsealed_ones[name]


def dumped(value: object, keep: Callable[[pickle.PickleBuffer], object] | None = None) -> bytes:
    """A value as bytes; `keep` gets its arrays, which are not among the bytes then.

    Tasks go by their names. Examples go by their fields: that takes half the time of the state of a dataclass.
    """
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=5, buffer_callback=keep)
    pickler.dispatch_table = {**copyreg.dispatch_table, TaskSpec: _by_name, **_BY_FIELDS}
    pickler.dump(value)
    return file.getvalue()


_Reduced = tuple[Callable[..., Any], tuple[Any, ...]]


def _by_fields(kind: type) -> Callable[[Any], _Reduced]:
    """The type of an object and its fields."""
    names = [field.name for field in fields(kind)]
    if len(names) == 1:
        return lambda value: (kind, (getattr(value, names[0]),))
    values = attrgetter(*names)
    return lambda value: (kind, values(value))


_EXAMPLES: Final[tuple[type, ...]] = (Span, Text, Example, Choice, Tags, Answers, Document)
_BY_FIELDS: Final = {kind: _by_fields(kind) for kind in _EXAMPLES}


def _by_name(task: TaskSpec) -> _Reduced:
    """A task as its name, and what differs from the task of that name in the registry."""
    known = registry.load("task", task.name)
    values = {field.name: getattr(task, field.name) for field in fields(task)}
    return _task, (task.name, {name: value for name, value in values.items() if value != getattr(known, name)})


def _task(name: str, changed: dict[str, Any]) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return replace(task, **changed) if changed else task

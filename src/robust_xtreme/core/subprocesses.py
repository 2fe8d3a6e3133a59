"""New interpreters on this machine: the command that starts one on a module of the package, and how one ended."""

import errno
import json
import re
import sys
from collections.abc import Sequence
from signal import Signals
from typing import Any, Final

_BEGIN: Final = (
    "import sys; sys.path[:] = [path for path in sys.path if path]; import importlib, json; "
    "path, module, numbers = map(json.loads, sys.argv[1:]); sys.path[:] = path; "
    "importlib.import_module(module).main(numbers)"
)
_MEMORY: Final = re.compile(
    r"failed to map segment|allocate memory|memory allocation of|out of memory|unable to mmap|bad_alloc|MemoryError"
    r"|could not create a (?:primitive|memory object)$|(?:spawn worker|start new) thread",
    re.IGNORECASE,
)
"""What libraries write where they get no memory, for data, for themselves or for a thread."""


def reports_memory(text: str) -> bool:
    """Whether a message of a library reports too little memory."""
    return _MEMORY.search(text) is not None


def command(module: str, numbers: Sequence[int] = ()) -> list[str]:
    """What starts `main` of a module with numbers, on this process's path. Raises OSError without a known Python."""
    from subprocess import _args_from_interpreter_flags as flags  # type: ignore[attr-defined]  # as multiprocessing does

    if not sys.executable:
        raise FileNotFoundError(errno.ENOENT, "the file of this Python is not known")
    entries: list[Any] = sys.path
    path = [entry for entry in entries if isinstance(entry, str)]  # Python ignores others
    return [sys.executable, *flags(), "-c", _BEGIN, *map(json.dumps, (path, module, [*numbers]))]


def ending(code: int | None, printed: bytes) -> str:
    """How a process ended, as a phrase, with the line that it printed about memory or the last one."""
    lines = [line.strip("#. ") for line in printed.decode("utf-8", "replace").splitlines()]
    last = next(filter(reports_memory, lines), next(filter(None, reversed(lines)), ""))
    shown = f" ({last[:200]})" if last else ""
    if code is None:
        return f"cannot be reached{shown}"
    if code >= 0:
        return f"ended with the code {code}{shown}"
    name = Signals(-code).name if -code in {*Signals} else f"the signal {-code}"  # real-time signals have no name
    return f"was ended by {name}{shown}"

"""Runs of pytest in forks of one process that has imported the large libraries, but nothing of robust_xtreme.

Reads a JSON list of arguments of pytest a line from stdin, and answers each with a line of JSON: the exit code (null
where the time was up) and the seconds. What pytest prints goes to the file that the first argument names.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
from typing import Final

_LIBRARIES: Final = (
    *("numpy", "polars", "scipy.special", "torch", "transformers", "lightning.pytorch", "faiss", "datasets", "regex"),
    *("safetensors.torch", "tokenizers", "huggingface_hub", "typer.testing", "rich.progress", "pytest"),
)


def main() -> None:
    """Import the libraries, then answer each line."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        output, seconds, cached, *words = json.loads(line)
        print(json.dumps(run(output, float(seconds), bool(cached), words)), flush=True)


def run(output: str, seconds: float, cached: bool, words: list[str]) -> tuple[int | None, float]:
    """The exit code of pytest in a fork, None where it took longer than `seconds`; and the seconds it took."""
    begin = time.monotonic()
    child = os.fork()
    if not child:
        _pytest(output, cached, words)
    handle = os.pidfd_open(child)
    ready, _, _ = select.select([handle], [], [], seconds)
    os.close(handle)
    if not ready:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status) if ready else None
    return code, round(time.monotonic() - begin, 2)


def _pytest(output: str, cached: bool, words: list[str]) -> None:
    """Run pytest in a process group of its own, and end the process. Without `cached` no bytecode is written."""
    os.setsid()
    sys.dont_write_bytecode = not cached
    os.environ.update({} if cached else {"PYTHONDONTWRITEBYTECODE": "1"})
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, file), (2, file)):
        os.dup2(source, target)
    code = 3
    try:
        code = int(importlib.import_module("pytest").main(words))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()

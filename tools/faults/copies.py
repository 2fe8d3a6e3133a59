"""A copy of the project in a temporary folder, in which faults are planted; the working tree is never touched."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, final

ROOT: Final = Path(__file__).parents[2]
_FOLDERS: Final = ("benchmarks", "configs", "docs", "locks", "perturbations", "reports", "src", "tests", "tools")
_LOADED: Final = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Plugins of pytest that come with the large libraries are imported before it."""
_QUIET: Final = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *_LOADED)
_LATER: Final = 1000
"""Seconds between the times of a file before and after: by its time Python knows that its bytecode is out of date."""


class Planted(Protocol):
    """A change of one file: `planted` gives the file's text with it, or raises ValueError where it does not fit."""

    @property
    def file(self) -> str:
        """The file, from the root of the project."""

    def planted(self, text: str) -> str:
        """The changed text."""


@final
@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the project, and the process that runs its tests."""

    root: Path
    process: subprocess.Popen[str]

    def test(self, tests: tuple[str, ...], seconds: float, cached: bool = False) -> tuple[int | None, float, str]:
        """Run tests: pytest's exit code (None: the time was up), the seconds, and what was printed."""
        output = self.root.parent / "output.txt"
        scratch = f"--basetemp={self.root.parent / 'tests'}"
        self._ask([str(output), seconds, cached, scratch, *_QUIET, *tests])
        code, took = self._answer()
        return code, took, output.read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def planted(self, fault: Planted) -> Iterator[None]:
        """The copy with a fault in it, until the block ends."""
        path = self.root / fault.file
        text, facts = path.read_text(encoding="utf-8"), path.stat()
        try:
            path.write_text(fault.planted(text), encoding="utf-8")
            os.utime(path, (facts.st_mtime + _LATER, facts.st_mtime + _LATER))
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    def _ask(self, words: list[Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The process that runs the tests has ended; its message is above.")
        return json.loads(line)


@contextmanager
def copied(folder: Path) -> Iterator[Copy]:
    """A copy of the project under a folder, with a process that is ready to run its tests."""
    root = folder / "copy"
    root.mkdir()
    for path in ROOT.iterdir():
        if path.is_dir() and path.name in _FOLDERS:
            shutil.copytree(path, root / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.is_file():
            shutil.copy2(path, root / path.name)
    compileall.compile_dir(root / "src", quiet=2)
    with subprocess.Popen(
        [sys.executable, "-m", "tools.faults.preloaded"],
        cwd=root,
        env=_environment(root),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        copy = Copy(root, process)
        try:
            copy._answer()
            yield copy
        finally:
            process.terminate()


def _environment(root: Path) -> dict[str, str]:
    """That of this process, without what a pytest around it has set; modules come from the copy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}

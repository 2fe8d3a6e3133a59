"""The folder that the machines of a fleet share, as actors find it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from robust_xtreme.core.errors import SpecError


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Work in a folder of the driver, from which relative paths count. Raises SpecError where it is not there."""
    if not folder.is_dir():
        raise SpecError(f"On {os.uname().nodename} {folder} is not there. Start from a folder that all machines share.")
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)

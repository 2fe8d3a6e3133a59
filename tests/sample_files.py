"""A whole, valid file of each format that is read, in `samples/`; formats of several files have `NAME-1`, `NAME-2`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "samples"


def sample(format: str) -> str:
    """The sample of a format."""
    return (FOLDER / format).read_bytes().decode("utf-8")


def samples(format: str) -> tuple[str, ...]:
    """The sample of a format, or of each of the files that together make its rows."""
    files = sorted(FOLDER.glob(f"{format}-[1-9]"))
    return tuple(sample(file.name) for file in files) or (sample(format),)

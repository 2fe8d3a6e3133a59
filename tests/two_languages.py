"""The embedded suite in English and Swahili alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from tests.mini_suite import unpacked_suite
from tools.mini import suite


def two_languages(folder: Path, kept: Collection[str]) -> Path:
    """A copy of the suite in a new folder, of which the files whose names are `kept` remain."""
    unpacked_suite(folder)
    for path in folder.glob("*/*.jsonl"):
        if path.stem not in kept:
            path.unlink()
    (folder / "suite.toml").write_text(suite._facts(("en", "sw")), encoding="utf-8")
    return folder

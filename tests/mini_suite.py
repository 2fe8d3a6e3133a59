"""The embedded suite as plain files, which are compressed where they are bundled."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from robust_xtreme.core import resources


def mini_lines(path: str) -> list[str]:
    """The lines of a file of the embedded suite, as in `xnli/test-en.jsonl`, with their ends."""
    return gzip.decompress((resources.mini("suite") / f"{path}.gz").read_bytes()).decode().splitlines(keepends=True)


def mini_rows(path: str) -> list[dict[str, Any]]:
    """The rows of a file of the embedded suite."""
    return [json.loads(line) for line in mini_lines(path)]


def mini_files(pattern: str = "*/*") -> list[str]:
    """The paths of the files of rows that match `pattern`, sorted, without `.gz`."""
    folder = resources.mini("suite")
    paths = folder.glob(f"{pattern}.jsonl.gz")
    return sorted(path.relative_to(folder).as_posix().removesuffix(".gz") for path in paths)


def unpacked_suite(folder: Path) -> Path:
    """A copy of the embedded suite, of plain files, in a new folder."""
    for name in mini_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(mini_lines(name)), encoding="utf-8", newline="\n")
    (folder / "suite.toml").write_bytes((resources.mini("suite") / "suite.toml").read_bytes())
    return folder

"""Rows of any dataset of the hub, by its name, config and split, as its own files have them."""

from __future__ import annotations

import logging
from typing import Any, Final

from robust_xtreme.errors import UserError, plain
from robust_xtreme.sources.hub import is_offline, snapshot

_CARD: Final = "README.md"


def rows_of(repo: str, config: str, split: str, *, offline: bool = False) -> list[dict[str, Any]]:
    """All rows of a split; where a config is named, only the files that contain its name are fetched.

    Raises UserError where the dataset, the config or the split does not exist, or its rows are made by code.
    """
    patterns = (_CARD, f"*{config}*") if config else ("*",)
    copy = snapshot("dataset", repo, "main", patterns, offline=is_offline(offline))
    with plain():
        from datasets import load_dataset
    logging.getLogger("datasets").setLevel(logging.CRITICAL)  # errors are reported below, on one line
    try:
        # Streaming reads the files where they are: the library's own cache keeps no copy of them.
        stream = load_dataset(str(copy.folder), config or None, split=split, streaming=True)
        return [dict(row) for row in stream]
    except Exception as error:
        if isinstance(error, (ValueError, OSError, RuntimeError, KeyError, TypeError)):
            why = " ".join(str(error).split())[:200] or type(error).__name__
            what = f"The rows of {repo}, config {config or 'default'}, split {split}, cannot be read: {why}"
            raise UserError(f"{what} Name a file of its rows: --rows FILE") from error
        raise

"""Rows of any dataset of the hub, by its name, config and split, as its own files have them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import UserError, plain
from robust_xtreme.tasks.sources.hub import Snapshot, files, is_offline, matching, snapshot

_CARD: Final = "README.md"
_LARGEST: Final = 10_000_000
_FENCE: Final = "---"
_FORMATS: Final = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json"}
_BROKEN: Final = (ValueError, OSError, RuntimeError, KeyError, TypeError, ArithmeticError)


def rows_of(repo: str, config: str, split: str, *, offline: bool = False) -> list[dict[str, Any]]:
    """All rows of a split: of the files that the dataset's card lists, else of those whose paths name both.

    Raises UserError where the dataset or the split does not exist, or its rows are made by code.
    """
    offline = is_offline(offline)
    what = f"The rows of {repo}, config {config or 'default'}, split {split}, cannot be read"
    patterns = _listed(repo, config, split, offline) or ([f"*{config}*{split}*"] if config else [f"*{split}*"])
    copy = snapshot("dataset", repo, "main", tuple(patterns), offline=offline)
    names = [name for name in matching(files(copy.folder), patterns) if name != _CARD]
    suffixes = {Path(name.removesuffix(".gz")).suffix for name in names}
    if len(suffixes) != 1 or not suffixes <= set(_FORMATS):
        known = ", ".join(_FORMATS)
        raise UserError(f"{what}: its files are not all of one format of {known}. Name a file of its rows: --rows FILE")
    try:
        return list(_read(copy, names, _FORMATS[suffixes.pop()], split))
    except _BROKEN as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{what}: {why}. Name a file of its rows: --rows FILE") from error


def _listed(repo: str, config: str, split: str, offline: bool) -> list[str]:
    """The patterns of a split's files in the card of a dataset; none where the card does not list them."""
    try:
        copy = snapshot("dataset", repo, "main", (_CARD,), offline=offline)
    except UserError:  # a dataset without a card
        return []
    for each in _configs(copy.folder / _CARD):
        if isinstance(each, dict) and each.get("config_name") == (config or "default"):
            listed = each.get("data_files")
            parts = listed if isinstance(listed, list) else []
            paths = [part.get("path") for part in parts if isinstance(part, dict) and part.get("split") == split]
            flat = [path for several in paths for path in (several if isinstance(several, list) else [several])]
            return [path for path in flat if isinstance(path, str)]
    return []


def _configs(card: Path) -> list[Any]:
    """The configs in the head of a card; none where it has no such head."""
    import yaml

    head, _, rest = resources.content(card, _LARGEST).decode("utf-8", "replace").partition(_FENCE)
    if head.strip():
        return []
    try:
        facts = yaml.safe_load(rest.partition(f"\n{_FENCE}")[0])
    except (ValueError, RecursionError, yaml.YAMLError):
        return []
    configs = facts.get("configs") if isinstance(facts, dict) else None
    return configs if isinstance(configs, list) else []


def _read(copy: Snapshot, names: list[str], kind: str, split: str) -> Iterator[dict[str, Any]]:
    with plain():
        from datasets import load_dataset
    logging.getLogger("datasets").setLevel(logging.CRITICAL)  # errors are reported by the caller, on one line
    paths = {split: [str(copy.folder / name) for name in names]}
    # Streaming reads the files where they are: the library's own cache keeps no copy of them.
    yield from map(dict, load_dataset(kind, data_files=paths, split=split, streaming=True))

"""Which encoder a folder holds: what a head remembers of the one that it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from robust_xtreme.examples import digest
from robust_xtreme.results import store

_MODEL_FILES: Final = ("*.json", "*.safetensors", "*.model", "*.txt")


def encoder_identity(folder: Path, sha256: Callable[[Path], str] = store.sha256) -> str:
    """The hash of a folder's weights, configuration and tokenizer files (16 hex digits)."""
    files = sorted({path for pattern in _MODEL_FILES for path in folder.glob(pattern)})
    return digest(*(part for path in files for part in (path.name, sha256(path))))

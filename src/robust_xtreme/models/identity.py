"""The identity of a model: one hash of its files; a file is read again only after it has changed."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import resources, strict_json
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import digest
from robust_xtreme.models.weights import headers
from robust_xtreme.tasks.sources.checkpoints import FILES

_EMBEDDING: Final = re.compile(r"(?:embeddings?|(?:^|\.)(?:shared|embed_tokens|embed_positions|wte|wpe))\.weight$")
"""Names of embedding tables (words, positions, types) in BERT, T5 and others; not of norms and projections."""

_DECODER: Final = "decoder."
_IMAGES: Final = ("vision_model.", "visual_projection.", "text_projection.", "logit_scale", "logit_bias")
_UNREAD: Final = (*_IMAGES, _DECODER, "lm_head.")
"""Parts of checkpoints of CLIP's and T5's kind that are not used to read text."""

MODEL_FILES: Final = (*FILES, "*.safetensors")
"""The files of a model's folder that are read."""

_NOT_IDENTITY: Final = ("_name_or_path", "transformers_version")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file. Raises ModelError."""
    try:
        value = strict_json.loads(resources.content(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is not a JSON object.")
    return value


def model_files(folder: Path) -> list[Path]:
    """The files of a model's folder that are read, in order; a file of the user beside them is not one."""
    return sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)})


def identity(
    files: Iterable[Path], config: Mapping[str, Any], heads: Mapping[str, Sequence[str]], folder: Path | None = None
) -> str:
    """The hash of files (weights, tokenizer), configuration, and heads with their label maps (16 hex digits).

    `folder` contains the heads' weights; without one they are among the files.
    """
    every = sorted(path for path in files if path.is_file() and path.name != "config.json")
    parts = [part for path in every for part in (path.name, file_hash(path))]
    parts.append(json.dumps({key: config[key] for key in sorted(config) if key not in _NOT_IDENTITY}))
    for head, names in heads.items():
        weights = file_hash(folder / f"{head}.safetensors") if folder else ""
        parts += [head, weights, str(len(names)), *names]
    return digest(*parts)


def file_hash(path: Path) -> str:
    """The sha256 of a file, read once while it does not change. Raises ModelError where it cannot be read."""
    try:
        return _file_hash(path, resources.version(path))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


@cache
def _file_hash(path: Path, _version: tuple[int, ...]) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parameters(paths: tuple[Path, ...]) -> tuple[int, int]:
    """The number of parameters that read text, with and without embedding tables, from the headers of weight files.

    Tables are those of words, positions (relative ones too) and types. The norm after them, a projection to the width
    of the layers, and T5's attention bias are not tables.
    Raises ModelError where a file is damaged.
    """
    sizes = {name: math.prod(shape) for path in paths for name, (_, shape) in headers(path).items()}
    unread = _UNREAD if any(name.startswith(_DECODER) for name in sizes) else _IMAGES
    kept = {name: size for name, size in sizes.items() if not name.startswith(unread)}
    embedding = sum(size for name, size in kept.items() if _EMBEDDING.search(name))
    every = sum(kept.values())
    return every, every - embedding

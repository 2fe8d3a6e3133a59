"""Encoders on disk: the folder of an encoder, and folders that are written atomically."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError

from robust_xtreme.errors import DiskError, ModelError
from robust_xtreme.models.encoder import (
    check_tokenizer,
    first_line,
    quiet_transformers,
    read_encoder,
    read_tokenizer,
)
from robust_xtreme.models.weights import check_weights
from robust_xtreme.results import store
from robust_xtreme.results.start_over import keep

WRITE_ERRORS: Final = (OSError, SafetensorError)
_NEW_NAMES: Final = ("TokenizersBackend", "Siglip2Tokenizer")
_HOW_IT_WAS_READ: Final = ("backend", "is_local", "local_files_only", "name_or_path")


def encoder_folder(path: Path) -> Path:
    """The transformers folder of a path: the path itself, or `model/` of a run.

    Raises ModelError, one line, where it contains no configuration or no safetensors.
    """
    if not path.is_dir():
        raise ModelError(f"There is no folder {str(path)!r}. Name a transformers encoder or a run with --from DIR.")
    folder = path / "model" if (path / "model" / "config.json").is_file() else path
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} contains no config.json: it is not a transformers encoder.")
    check_weights(folder)
    return folder


@contextmanager
def written_folder(folder: Path, keeping: bool = True) -> Iterator[Path]:
    """A temporary folder to write, whose files go into `folder` once it is complete. Raises DiskError.

    Files there that have their names and other bytes are kept under another name.
    """
    tmp = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(tmp, ignore_errors=True)
    try:
        tmp.mkdir(parents=True)
        yield tmp
        for target in (folder, *renamed(tmp, folder)) if keeping else ():
            if target.is_symlink() or (target.is_file() and not _same(tmp / target.relative_to(folder), target)):
                keep(target)
        replace_folder(tmp, folder)
    except BaseException as error:
        shutil.rmtree(tmp, ignore_errors=True)
        # tokenizers raises a plain Exception that only its text distinguishes.
        if isinstance(error, WRITE_ERRORS) or (isinstance(error, Exception) and "(os error " in str(error)):
            raise disk_error(folder, error) from error
        raise


def renamed(tmp: Path, folder: Path) -> list[Path]:
    """The files of a temporary folder as `folder` will contain them."""
    return sorted(folder / path.relative_to(tmp) for path in tmp.rglob("*") if path.is_file())


def _same(path: Path, other: Path) -> bool:
    return filecmp.cmp(path, other, shallow=False)


def read_start(folder: Path) -> tuple[Any, Any]:
    """The encoder and the tokenizer of a transformers folder. Raises ModelError, also where they do not fit."""
    encoder, tokenizer = read_encoder(folder), read_tokenizer(folder)
    check_tokenizer(tokenizer, int(encoder.get_input_embeddings().num_embeddings), str(folder))
    return encoder, tokenizer


def config_of(folder: Path, called: str) -> dict[str, Any]:
    """The configuration of a transformers folder that errors call `called`. Raises ModelError."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(f"{called} contains no config.json: it is not a model of transformers.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{called}: its config.json cannot be read: {error}. Get it again.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{called}: its config.json is not a JSON object. Get it again.")
    return config


def write_model(folder: Path, encoder: Any, tokenizer: Any) -> list[Path]:
    """Write weights (safetensors), configuration and tokenizer, complete; return the files. Raises DiskError."""
    with written_folder(folder) as tmp:
        with quiet_transformers():
            encoder.save_pretrained(str(tmp))
            tokenizer.save_pretrained(str(tmp))
        # Versions 4 and 5 of transformers know this class name of a fast tokenizer: 5 knows 4's, 4 not those of 5.
        path = tmp / "tokenizer_config.json"
        facts = {name: fact for name, fact in store.read_json(path).items() if name not in _HOW_IT_WAS_READ}
        if facts.get("tokenizer_class") in _NEW_NAMES:
            facts["tokenizer_class"] = "PreTrainedTokenizerFast"
        store.write_json(path, facts)
        return renamed(tmp, folder)


def disk_error(path: Path, error: Exception) -> DiskError:
    """A one-line error for what a library raises on a full or unwritable disk."""
    reason = getattr(error, "strerror", None) or first_line(error)
    return DiskError(f"{path} cannot be written: {reason}. Free some space, or name another folder: --out DIR")


def replace_folder(tmp: Path, folder: Path) -> None:
    """Move the files of a complete folder into another; what else is in that stays. All are synced to disk first.

    Where the process ends in between, what is missing is written again: nothing of the user was moved.
    """
    paths = sorted(tmp.rglob("*"))
    for path in paths:
        store.sync_folder(path)
    if folder.is_symlink():
        folder.unlink()
    for path in paths:
        target = folder / path.relative_to(tmp)
        if not path.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    shutil.rmtree(tmp, ignore_errors=True)
    store.sync_folder(folder)
    store.sync_folder(folder.parent)

"""Encoders on disk: read from a transformers folder without running its code, written whole or not at all."""

from __future__ import annotations

import inspect
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError

from robust_xtreme.errors import DiskError, ModelError
from robust_xtreme.training.device import own_random

WRITE_ERRORS: Final = (OSError, SafetensorError)
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def encoder_folder(path: Path) -> Path:
    """The transformers folder that is meant: the path itself, or `model/` of a run.

    Raises ModelError, one line, where it holds no configuration or no safetensors.
    """
    if not path.is_dir():
        raise ModelError(f"There is no folder {str(path)!r}. Name a transformers encoder or a run with --from DIR.")
    folder = path / "model" if (path / "model" / "config.json").is_file() else path
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} holds no config.json: it is no transformers encoder.")
    if not any(folder.glob("*.safetensors")):
        raise ModelError(_no_weights(folder))
    return folder


def _no_weights(folder: Path) -> str:
    pickled = [path.name for pattern in _PICKLES for path in sorted(folder.glob(pattern))]
    if not pickled:
        return f"{folder} holds no weights (model.safetensors). Save them there with transformers' save_pretrained."
    return (
        f"{folder} holds only pickled weights ({pickled[0]}), which could run code when read. "
        "Convert them to model.safetensors with transformers' save_pretrained."
    )


def read_encoder(folder: Path) -> tuple[Any, Any]:
    """Encoder (float32, CPU, training state as transformers leaves it) and fast tokenizer. Raises ModelError."""
    from transformers import AutoConfig, AutoTokenizer

    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_transformers(), own_random(0):
            config = AutoConfig.from_pretrained(str(folder), **local)
            tokenizer = AutoTokenizer.from_pretrained(str(folder), **local)
            encoder = _read_weights(folder, config, local)
    except Exception as error:
        raise ModelError(f"{folder} cannot be loaded: {_first_line(error)}") from error
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{folder} has no fast tokenizer (tokenizer.json). Save one with transformers.")
    return encoder.float(), tokenizer


def _read_weights(folder: Path, config: Any, local: dict[str, bool]) -> Any:
    """Without the pooler, which nothing here uses, where the architecture lets it be left out."""
    from transformers import AutoModel
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    architecture: Any = MODEL_MAPPING[type(config)]
    takes = inspect.signature(architecture).parameters
    pooler = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
    return AutoModel.from_pretrained(str(folder), config=config, use_safetensors=True, **pooler, **local)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def write_model(folder: Path, encoder: Any, tokenizer: Any) -> None:
    """Write weights (safetensors), configuration and tokenizer; the folder appears whole. Raises DiskError."""
    tmp = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        with quiet_transformers():
            encoder.save_pretrained(str(tmp))
            tokenizer.save_pretrained(str(tmp))
        replace_folder(tmp, folder)
    except WRITE_ERRORS as error:
        shutil.rmtree(tmp, ignore_errors=True)
        raise disk_error(folder, error) from error


def disk_error(path: Path, error: Exception) -> DiskError:
    """One line for whatever a full or unwritable disk made a library raise."""
    reason = getattr(error, "strerror", None) or _first_line(error)
    return DiskError(f"{path} cannot be written: {reason}. Free some space, or name another folder: --out DIR")


def replace_folder(tmp: Path, folder: Path) -> None:
    """Put a complete folder in the place of an older one; all of its files reach the disk first."""
    for path in sorted(tmp.rglob("*")):
        if path.is_file():
            _sync(path)
    if folder.exists():
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old.tmp")
        folder.replace(old)
        shutil.rmtree(old, ignore_errors=True)
    tmp.replace(folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' progress bars and load reports for a while; what matters of them is checked by us."""
    from transformers.utils import logging as transformers_logging

    chatter: Any = transformers_logging
    bars, level = chatter.is_progress_bar_enabled(), chatter.get_verbosity()
    chatter.disable_progress_bar()
    chatter.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()
